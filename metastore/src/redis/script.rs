//! The scripts: one atomic operation each, checked first and written then.

use std::sync::OnceLock;

use bytes::Bytes;

use super::args::Args;
use super::command::Command;

/// One script, with the functions that several of them use in front.
pub(crate) struct Script {
    pub(crate) name: &'static str,
    text: &'static str,
    hash: OnceLock<String>,
}

/// Each script is there once.
impl PartialEq for Script {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Script {}

macro_rules! scripts {
    ($(
        $constant:ident = $file:literal $(with $($library:literal)+)? $(then $after:literal)?;
    )*) => {$(
        pub(crate) static $constant: Script = Script {
            name: $file,
            text: concat!(
                include_str!("scripts/common.lua"),
                $($(include_str!(concat!("scripts/", $library, ".lua")),)+)?
                include_str!(concat!("scripts/", $file, ".lua")),
                $(include_str!(concat!("scripts/", $after, ".lua")),)?
            ),
            hash: OnceLock::new(),
        };
    )*};
}

/// These do without what the others have in front: see their heads.
pub(crate) static SWAP: Script =
    Script { name: "swap", text: include_str!("scripts/swap.lua"), hash: OnceLock::new() };
pub(crate) static INSERT: Script =
    Script { name: "insert", text: include_str!("scripts/insert.lua"), hash: OnceLock::new() };

scripts! {
    CREATE = "create" with "index";
    UPDATE = "update" with "index" "deadline";
    TOUCH = "touch" with "deadline";
    // The same writes, which also request what depends on them.
    CREATE_REQUESTING = "create" with "index" "jobs" "requesting" then "requested";
    UPDATE_REQUESTING = "update" with "index" "deadline" "jobs" "requesting" then "requested";
    DELETE = "delete" with "index";
    FIND = "find" with "index";
    REMOVE_ORIGINAL = "remove_original";
    REAP = "reap" with "index";
    REINDEX = "reindex" with "index" "deadline";
    ORPHANS = "orphans" with "index";
    STRAYS = "strays" with "index";
    SAMPLE = "sample";
    TRIM = "trim";
    MATERIALIZE = "materialize";
    CONTROL = "control";
    DEAD = "dead";
    DISCARD = "discard";
    PROGRESS = "progress";
    RENEW = "renew";
    ENQUEUE = "enqueue" with "jobs";
    CANCEL = "cancel" with "jobs";
    RETRY = "retry" with "jobs";
    CLAIM = "claim" with "jobs";
    TAKE = "take" with "jobs";
    FINISH = "finish" with "jobs";
    FAIL = "fail" with "jobs";
    RELEASE = "release" with "jobs";
    LOOK = "look" with "jobs";
    MAY_PUBLISH = "may_publish";
    LOST_JOBS = "lost_jobs" with "jobs";
    REGISTER = "register";
    CURSOR_KEY = "cursor_key";
    UNREGISTER = "unregister";
}

/// The most bytes that are set aside for arguments before their sizes are known.
const MOST: usize = 64 * 1024;

/// A script with its keys and arguments.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ScriptCall {
    script: &'static Script,
    keys: Vec<Bytes>,
    args: Vec<Bytes>,
}

impl ScriptCall {
    pub(crate) fn new(script: &'static Script) -> Self {
        Self { script, keys: Vec::with_capacity(5), args: Vec::with_capacity(8) }
    }

    pub(crate) fn args<A: Into<Bytes>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The same call, by another script.
    pub(crate) fn by(mut self, script: &'static Script) -> Self {
        self.script = script;
        self
    }

    pub(crate) fn key(mut self, key: impl Into<Bytes>) -> Self {
        self.keys.push(key.into());
        self
    }

    pub(crate) fn keys<K: Into<Bytes>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.keys.extend(keys.into_iter().map(Into::into));
        self
    }

    pub(crate) fn arg(mut self, arg: impl Into<Bytes>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn int(self, number: u64) -> Self {
        self.arg(number.to_string())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.args.iter().map(Bytes::len).sum()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.script.name
    }

    pub(crate) fn by_hash(&self, sha1: fn(&str) -> String) -> Command {
        let hash = self.script.hash.get_or_init(|| sha1(self.script.text));
        self.command("EVALSHA", hash)
    }

    pub(crate) fn by_text(&self) -> Command {
        self.command("EVAL", self.script.text)
    }

    fn command(&self, name: &'static str, script: &'static str) -> Command {
        let all = || self.keys.iter().chain(&self.args);
        let count = 2 + self.keys.len() + self.args.len();
        let mut args = Args::with_capacity(count, all().map(Bytes::len).sum::<usize>().min(MOST));
        args.push_bytes(&Bytes::from_static(script.as_bytes()));
        args.push_int(self.keys.len() as u64);
        for arg in all() {
            args.push_bytes(arg);
        }
        Command { name, args: args.into_vec() }
    }
}
