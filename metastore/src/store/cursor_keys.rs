//! The keys that authenticate cursors: read once, when the first cursor is made or used.

use std::sync::OnceLock;

use tokio::sync::OnceCell;

use super::Store;
use crate::error::{Error, ErrorKind, Result};
use crate::key::CatalogKey;
use crate::redis::command::Verdict;
use crate::redis::script::{CURSOR_KEY, ScriptCall};
use crate::store::cursor::{Cursor, CursorKey};

/// The keys of one store.
pub(super) struct CursorKeys {
    /// That of the options or of the catalog.
    shared: OnceCell<CursorKey>,
    /// A key for this store alone, used while the catalog has none and cannot be written.
    own: OnceLock<CursorKey>,
}

impl CursorKeys {
    pub(super) fn new(given: Option<CursorKey>) -> Self {
        Self { shared: OnceCell::new_with(given), own: OnceLock::new() }
    }
}

impl Store {
    /// A cursor to a position in a query.
    pub(crate) async fn cursor(
        &self,
        query: &[u8],
        position: &[u8],
        operation: &'static str,
    ) -> Result<Cursor> {
        let keys = &self.0.cursor_keys;
        let key = match self.shared_cursor_key(operation).await? {
            Some(key) => key,
            None => match keys.own.get() {
                Some(key) => key,
                None => {
                    tracing::warn!(
                        "the server takes no writes and has no cursor key yet: \
                         cursors made now are valid in this process only"
                    );
                    let new = CursorKey::random(operation)?;
                    keys.own.get_or_init(|| new)
                }
            },
        };
        Ok(Cursor::new(key, query, position))
    }

    /// The position that a cursor of this query stands for.
    pub(crate) async fn position(
        &self,
        cursor: &Cursor,
        query: &[u8],
        operation: &'static str,
    ) -> Result<Vec<u8>> {
        let shared = self.shared_cursor_key(operation).await?;
        let keys = shared.into_iter().chain(self.0.cursor_keys.own.get());
        keys.into_iter().find_map(|key| cursor.position(key, query)).ok_or_else(|| {
            let message = "the cursor is not one of this query: it was changed or cut off, or made \
                           for another collection, owner, condition or order";
            Error::new(operation, ErrorKind::InvalidArgument(message.to_owned()))
        })
    }

    /// The key of the catalog, `None` if there is none and none can be written.
    async fn shared_cursor_key(&self, operation: &'static str) -> Result<Option<&CursorKey>> {
        let read = self.0.cursor_keys.shared.get_or_try_init(|| self.read_cursor_key(operation));
        match read.await {
            Ok(key) => Ok(Some(key)),
            Err(error) => match error.kind() {
                ErrorKind::ReadOnly(_) | ErrorKind::OutOfMemory(_) | ErrorKind::Auth(_) => Ok(None),
                _ => Err(error),
            },
        }
    }

    async fn read_cursor_key(&self, operation: &'static str) -> Result<CursorKey> {
        let at = CatalogKey::CursorKey.to_string();
        let new = CursorKey::random(operation)?;
        let call = ScriptCall::new(&CURSOR_KEY).key(at.clone()).arg(new.to_bytes());
        let reply = self.reader().script(&call).await;
        let reply = reply.map_err(|fault| fault.into_error(operation).at(at.clone()))?;
        let stored = Verdict::from_reply(reply, operation)?.rest.next();
        let key = CursorKey::new(&stored.and_then(|key| key.into_data()).unwrap_or_default());
        if key.is_short() {
            let message = "the key for cursors has fewer than 16 bytes: delete it".to_owned();
            let kind = ErrorKind::Decode { version: 0, path: ".".into(), message };
            return Err(Error::new(operation, kind).at(at));
        }
        Ok(key)
    }
}
