//! The scripts: one atomic operation each, checked first and written then.

use std::sync::OnceLock;

use bytes::Bytes;

use super::command::Command;

/// One script, with the functions that several of them use in front.
pub(crate) struct Script {
    pub(crate) name: &'static str,
    text: &'static str,
    hash: OnceLock<String>,
}

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

/// Without what the others have in front: see its head.
pub(crate) static SWAP: Script =
    Script { name: "swap", text: include_str!("scripts/swap.lua"), hash: OnceLock::new() };

scripts! {
    CREATE = "create" with "index";
    RECORD = "record";
    UPDATE = "update" with "index";
    // The same writes, which also request what depends on them.
    CREATE_REQUESTING = "create" with "index" "jobs" "requesting" then "requested";
    UPDATE_REQUESTING = "update" with "index" "jobs" "requesting" then "requested";
    DELETE = "delete" with "index";
    FIND = "find" with "index";
    REMOVE_ORIGINAL = "remove_original";
    REAP = "reap" with "index";
    REINDEX = "reindex" with "index";
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
    REGISTER = "register";
    UNREGISTER = "unregister";
}

/// A script with its keys and arguments.
#[derive(Clone)]
pub(crate) struct ScriptCall {
    script: &'static Script,
    keys: Vec<Bytes>,
    args: Vec<Bytes>,
}

impl ScriptCall {
    pub(crate) fn new(script: &'static Script) -> Self {
        Self { script, keys: Vec::with_capacity(5), args: Vec::with_capacity(8) }
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
        self.command("EVALSHA", Bytes::from_static(hash.as_bytes()))
    }

    pub(crate) fn by_text(&self) -> Command {
        self.command("EVAL", Bytes::from_static(self.script.text.as_bytes()))
    }

    fn command(&self, name: &'static str, script: Bytes) -> Command {
        Command::new(name)
            .arg(script)
            .int(self.keys.len() as u64)
            .args(self.keys.iter().cloned())
            .args(self.args.iter().cloned())
    }
}
