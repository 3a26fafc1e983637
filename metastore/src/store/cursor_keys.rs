//! The keys that authenticate cursors, read when the first cursor is created or checked.

use std::sync::OnceLock;

use tokio::sync::OnceCell;

use super::cursor::{Cursor, CursorKey};
use crate::error::{Error, ErrorKind, Result};
use crate::key::CatalogKey;
use crate::redis::command::Verdict;
use crate::redis::read::Reader;
use crate::redis::script::{CURSOR_KEY, ScriptCall};

/// The keys of one store.
pub(super) struct CursorKeys {
    /// The key from the options or from the catalog.
    shared: OnceCell<CursorKey>,
    /// A key for this store alone, used while the catalog has none and cannot be written.
    local: OnceLock<CursorKey>,
}

impl CursorKeys {
    pub(super) fn new(given: Option<CursorKey>) -> Self {
        Self { shared: OnceCell::new_with(given), local: OnceLock::new() }
    }

    /// A cursor for a position in a query.
    pub(super) async fn cursor(
        &self,
        reader: &Reader,
        query: &[u8],
        position: &[u8],
        operation: &'static str,
    ) -> Result<Cursor> {
        let key = match self.shared_key(reader, operation).await? {
            Some(key) => key,
            None => match self.local.get() {
                Some(key) => key,
                None => {
                    tracing::warn!(
                        "the server accepts no writes and has no cursor key yet: cursors created now are \
                         only valid in this process"
                    );
                    let new = CursorKey::random(operation)?;
                    self.local.get_or_init(|| new)
                }
            },
        };
        Ok(Cursor::new(key, query, position))
    }

    /// The position of a cursor, if it belongs to the query.
    pub(super) async fn position(
        &self,
        reader: &Reader,
        cursor: &Cursor,
        query: &[u8],
        operation: &'static str,
    ) -> Result<Vec<u8>> {
        let shared = self.shared_key(reader, operation).await?;
        let keys = shared.into_iter().chain(self.local.get());
        keys.into_iter().find_map(|key| cursor.position(key, query)).ok_or_else(|| {
            let message = "the cursor is not one of this query: it was changed or truncated, or made for \
                           another collection, owner, condition or order; start without a cursor";
            Error::new(operation, ErrorKind::InvalidArgument(message.to_owned()))
        })
    }

    /// The key of the options or of the catalog; `None` if there is none and it cannot be written.
    async fn shared_key(
        &self,
        reader: &Reader,
        operation: &'static str,
    ) -> Result<Option<&CursorKey>> {
        match self.shared.get_or_try_init(|| read_key(reader, operation)).await {
            Ok(key) => Ok(Some(key)),
            Err(error) => match error.kind() {
                ErrorKind::ReadOnly(_) | ErrorKind::OutOfMemory(_) | ErrorKind::Auth(_) => Ok(None),
                _ => Err(error),
            },
        }
    }
}

/// Reads the key of the catalog, or stores a new one.
async fn read_key(reader: &Reader, operation: &'static str) -> Result<CursorKey> {
    let at = CatalogKey::CursorKey.to_string();
    let new = CursorKey::random(operation)?;
    let call = ScriptCall::new(&CURSOR_KEY).key(at.clone()).arg(new.to_bytes());
    let reply = reader.script(&call).await;
    let reply = reply.map_err(|fault| fault.into_error(operation).at(at.clone()))?;
    let stored = Verdict::from_reply(reply, operation)?.rest.next();
    let key = CursorKey::new(&stored.and_then(|key| key.into_data()).unwrap_or_default());
    if key.is_short() {
        let message = "the key for cursors has fewer than 16 bytes; delete it".to_owned();
        let kind = ErrorKind::Decode { version: 0, path: ".".into(), message };
        return Err(Error::new(operation, kind).at(at));
    }
    Ok(key)
}
