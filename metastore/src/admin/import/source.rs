//! The keys that an import reads.

use bytes::Bytes;

use crate::error::Result;
use crate::key::Key;
use crate::redis::command::{Command, Reply, unexpected};
use crate::redis::script::{REMOVE_ORIGINAL, ScriptCall};
use crate::store::Store;

/// How many keys one SCAN examines.
const PAGE: u64 = 500;

/// How an original is stored.
#[derive(Clone, Copy, Debug)]
enum Format {
    /// A string that holds JSON.
    String,
    /// A document of the `RedisJSON` module.
    RedisJson,
}

impl Format {
    fn of_type(name: &str) -> Option<Self> {
        match name {
            "string" => Some(Self::String),
            "ReJSON-RL" => Some(Self::RedisJson),
            _ => None,
        }
    }

    fn read_command(self) -> &'static str {
        match self {
            Self::String => "GET",
            Self::RedisJson => "JSON.GET",
        }
    }
}

/// A key that may hold a document.
pub(super) struct Original {
    pub(super) key: String,
    format: Format,
}

impl Original {
    /// Removes the key if it still holds `text` and the item exists.
    pub(super) fn remove_call(&self, text: Bytes, latest: String) -> ScriptCall {
        ScriptCall::new(&REMOVE_ORIGINAL)
            .key(self.key.clone())
            .key(latest)
            .arg(text)
            .arg(self.format.read_command())
    }
}

/// Reads keys of the server.
pub(super) struct Source<'a> {
    pub(super) store: &'a Store,
    pub(super) operation: &'static str,
}

impl Source<'_> {
    /// The next keys that match, without metastore's own, and the next cursor of SCAN.
    pub(super) async fn scan(&self, cursor: u64, pattern: &str) -> Result<(u64, Vec<String>)> {
        let command = Command::new("SCAN").int(cursor).arg("MATCH").arg(pattern.to_owned());
        let command = command.arg("COUNT").int(PAGE);
        let reply = self.store.reader().call(command).await;
        let reply = reply.map_err(|fault| fault.into_error(self.operation))?;
        let mut parts = reply.into_array().unwrap_or_default().into_iter();
        let (Some(next), Some(Reply::Array(keys))) =
            (parts.next().and_then(|next| next.as_u64()), parts.next())
        else {
            return Err(unexpected(self.operation, &"no page of keys"));
        };
        let foreign = |key: &Reply| {
            let key = key.as_text()?;
            Key::parse(key).is_none().then(|| key.to_owned())
        };
        Ok((next, keys.iter().filter_map(foreign).collect()))
    }

    /// The keys whose type can hold a document.
    pub(super) async fn types_of(&self, keys: Vec<String>) -> Result<Vec<Original>> {
        let types = keys.iter().map(|key| Command::new("TYPE").arg(key.clone())).collect();
        let types = self.pipeline(types).await?;
        let original = |(key, found): (String, Reply)| {
            Some(Original { key, format: Format::of_type(found.as_text()?)? })
        };
        Ok(keys.into_iter().zip(types).filter_map(original).collect())
    }

    /// The documents, without those that no longer exist.
    pub(super) async fn read(&self, originals: Vec<Original>) -> Result<Vec<(Original, Bytes)>> {
        let read = |original: &Original| {
            Command::new(original.format.read_command()).arg(original.key.clone())
        };
        let texts = self.pipeline(originals.iter().map(read).collect()).await?;
        let found = |(original, text): (Original, Reply)| Some((original, text.into_data()?));
        Ok(originals.into_iter().zip(texts).filter_map(found).collect())
    }

    async fn pipeline(&self, commands: Vec<Command>) -> Result<Vec<Reply>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let replies = self.store.reader().pipeline(commands).await;
        replies.map_err(|fault| fault.into_error(self.operation))
    }
}
