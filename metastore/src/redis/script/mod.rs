//! The scripts: each is one atomic operation, which checks everything first and then writes.
//!
//! A script is linked with the library functions that it uses, see [`link`](mod@link): the server
//! creates each function of a script anew in each call, so a function that is not used costs time
//! for nothing.

pub(crate) mod audit;
pub(crate) mod code;
#[cfg(test)]
mod contracts;
mod link;

use std::sync::OnceLock;

use bytes::Bytes;

use super::args::Args;
use super::command::Command;
use crate::key::Address;

/// One script.
pub(crate) struct Script {
    /// Its path in `scripts/`, without the extension.
    name: &'static str,
    body: &'static str,
    /// The script that contains the body, in the place of the line [`link::BODY`].
    wrapper: Option<&'static str>,
    linked: OnceLock<Linked>,
}

/// The text that is sent to the server, and its hash.
struct Linked {
    text: String,
    hash: OnceLock<String>,
}

impl Script {
    const fn new(name: &'static str, body: &'static str, wrapper: Option<&'static str>) -> Self {
        Self { name, body, wrapper, linked: OnceLock::new() }
    }

    fn linked(&self) -> &Linked {
        self.linked.get_or_init(|| {
            let text = link::link(self.body, self.wrapper);
            Linked { text, hash: OnceLock::new() }
        })
    }
}

/// Each script is defined once.
impl PartialEq for Script {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Script {}

macro_rules! scripts {
    ($($constant:ident = $path:literal $(inside $wrapper:literal)?;)*) => {
        $(
            pub(crate) static $constant: Script = Script::new(
                $path,
                scripts!(@text $path),
                scripts!(@wrapper $($wrapper)?),
            );
        )*

        #[cfg(test)]
        static ALL: &[&Script] = &[$(&$constant),*];
    };
    (@text $path:literal) => { include_str!(concat!("../scripts/", $path, ".lua")) };
    (@wrapper) => { None };
    (@wrapper $wrapper:literal) => { Some(scripts!(@text $wrapper)) };
}

scripts! {
    GET_MANY = "item/get_many";
    INSERT = "item/insert";
    CREATE = "item/create";
    CREATE_WITH_TRIGGERS = "item/create" inside "job/triggers";
    COMPARE_AND_SWAP = "item/compare_and_swap";
    UPDATE = "item/update";
    UPDATE_WITH_TRIGGERS = "item/update" inside "job/triggers";
    TOUCH = "item/touch";
    DELETE = "item/delete";
    TRIM = "item/trim";
    MATERIALIZE = "item/materialize";
    REMOVE_ORIGINAL = "item/remove_original";

    FIND = "index/find";
    REAP_EXPIRED = "index/reap_expired";
    REINDEX = "index/reindex";
    ORPHANS = "index/orphans";
    STRAYS = "index/strays";
    SAMPLE = "index/sample";

    ENQUEUE = "job/enqueue";
    CANCEL = "job/cancel";
    RETRY = "job/retry";
    DISCARD = "job/discard";
    CLAIM = "job/claim";
    TAKE = "job/take";
    RENEW = "job/renew";
    PROGRESS = "job/progress";
    COMPLETE = "job/complete";
    QUEUE_STATS = "job/stats";
    DEAD_LETTERS = "job/dead_letters";
    LOST_JOBS = "job/lost_jobs";
    CONTROL = "job/control";
    MAY_PUBLISH = "job/may_publish";

    REGISTER = "catalog/register";
    UNREGISTER = "catalog/unregister";
    CURSOR_KEY = "catalog/cursor_key";
}

/// A script with its keys and arguments.
///
/// It has at least one key, which says to which collection the keys belong that the script builds.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ScriptCall {
    script: &'static Script,
    keys: Args,
    args: Args,
}

impl ScriptCall {
    pub(crate) fn new(script: &'static Script) -> Self {
        Self { script, keys: Args::with_capacity(5, 256), args: Args::with_capacity(16, 512) }
    }

    /// A call with space for so many keys and arguments of together so many bytes.
    pub(crate) fn with_capacity(
        script: &'static Script,
        (keys, key_bytes): (usize, usize),
        (args, arg_bytes): (usize, usize),
    ) -> Self {
        let keys = Args::with_capacity(keys, key_bytes);
        Self { script, keys, args: Args::with_capacity(args, arg_bytes) }
    }

    /// The same call of another script.
    pub(crate) fn by(mut self, script: &'static Script) -> Self {
        self.script = script;
        self
    }

    pub(crate) fn key(mut self, key: impl Into<Bytes>) -> Self {
        self.keys.push_bytes(&key.into());
        self
    }

    /// Adds a key that consists of several parts.
    pub(crate) fn key_parts<'a>(mut self, parts: impl IntoIterator<Item = &'a str>) -> Self {
        self.keys.push_parts(parts);
        self
    }

    pub(crate) fn keys<K: Into<Bytes>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        keys.into_iter().fold(self, Self::key)
    }

    pub(crate) fn arg(mut self, arg: impl Into<Bytes>) -> Self {
        self.args.push_bytes(&arg.into());
        self
    }

    pub(crate) fn args<A: Into<Bytes>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Adds a text by copying it.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.args.push(text.as_bytes());
        self
    }

    /// Adds a text by writing it.
    pub(crate) fn fmt(mut self, text: std::fmt::Arguments<'_>) -> Self {
        self.args.push_fmt(text);
        self
    }

    /// Adds a document.
    pub(crate) fn document(mut self, document: &Bytes) -> Self {
        self.args.push_bytes(document);
        self
    }

    /// The address of a collection, from which the script builds keys.
    pub(crate) fn address(self, address: &Address) -> Self {
        self.text(address.as_str())
    }

    pub(crate) fn int(mut self, number: u64) -> Self {
        self.args.push_int(number);
        self
    }

    pub(crate) fn bytes(&self) -> usize {
        self.args.bytes()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.script.name
    }

    pub(crate) fn by_hash(&self, sha1: fn(&str) -> String) -> Command {
        let linked = self.script.linked();
        self.command("EVALSHA", linked.hash.get_or_init(|| sha1(&linked.text)))
    }

    pub(crate) fn by_text(&self) -> Command {
        self.command("EVAL", &self.script.linked().text)
    }

    fn command(&self, name: &'static str, script: &'static str) -> Command {
        debug_assert!(self.keys.count() > 0, "{}: a script needs a key", self.name());
        let count = 2 + self.keys.count() + self.args.count();
        let bytes = 64 + self.keys.small_bytes() + self.args.small_bytes();
        let mut args = Args::with_capacity(count, bytes);
        args.push_bytes(&Bytes::from_static(script.as_bytes()));
        args.push_int(self.keys.count() as u64);
        args.extend(&self.keys);
        args.extend(&self.args);
        Command { name, args: args.into_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_describes_its_keys() {
        for script in ALL {
            for text in [Some(script.body), script.wrapper].into_iter().flatten() {
                let describes = |line: &str| {
                    line.strip_prefix("-- KEYS  ").is_some_and(|keys| !keys.trim().is_empty())
                };
                assert!(text.lines().any(describes), "{} does not describe its keys", script.name);
            }
        }
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "index/find: a script needs a key")]
    fn a_call_without_keys_is_a_mistake() {
        ScriptCall::new(&FIND).arg("a:b:c").by_text();
    }
}
