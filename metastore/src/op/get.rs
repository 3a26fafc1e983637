//! Reading items.

use crate::collection::Collection;
use crate::envelope;
use crate::error::{Error, ErrorKind, Result};
use crate::item::Item;
use crate::key::{Id, ToId};
use crate::redis::command::{Command, Fault, Reply};
use crate::repo::{Repo, checked_id};

impl<T: Collection> Repo<T> {
    /// Reads an item; `None` if there is none.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Decode` if what is stored does not read as `T`; `Upgrade` if it is of an older schema and cannot
    /// be upgraded; `NewerSchema` if it is of a newer one and does not read; `InvalidId`, `Unavailable`.
    pub async fn get(&self, id: impl ToId) -> Result<Option<Item<T>>> {
        let id = checked_id(&id, "get")?;
        self.read(&id, "get").await
    }

    /// Reads one version of an item; `None` if there is no such item or version.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// As [`Repo::get`].
    pub async fn get_version(&self, id: impl ToId, version: u64) -> Result<Option<Item<T>>> {
        const OPERATION: &str = "get_version";
        let id = checked_id(&id, OPERATION)?;
        let (superseded, latest) =
            (self.address().version(&id, version), self.address().latest(&id));
        // The version is at its own key, unless it is still the current one.
        let keys = vec![superseded.clone(), latest.clone()];
        let found = self
            .store()
            .reader()
            .mget(keys)
            .await
            .map_err(|fault| fault.into_error(OPERATION).at(latest.clone()))?;
        let mut found = found.into_iter().map(Reply::into_data);
        let (old, current) = (found.next().flatten(), found.next().flatten());
        // A version key without an item is left over from an expiry and no version of anything.
        let Some(current) = current else { return Ok(None) };
        if let Some(old) = old {
            return envelope::decode(&old, &superseded, OPERATION).map(Some);
        }
        let head = envelope::decode_head(&current, &latest, OPERATION)?;
        if head.version != version {
            return Ok(None);
        }
        envelope::decode(&current, &latest, OPERATION).map(Some)
    }

    /// Whether there is an item.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `Unavailable`.
    pub async fn exists(&self, id: impl ToId) -> Result<bool> {
        let id = checked_id(&id, "exists")?;
        let key = self.address().latest(&id);
        let reply = self
            .store()
            .reader()
            .call(Command::new("EXISTS").arg(key.clone()))
            .await
            .map_err(|fault| fault.into_error("exists").at(key))?;
        Ok(reply == Reply::Int(1))
    }

    pub(crate) async fn read(&self, id: &Id, operation: &'static str) -> Result<Option<Item<T>>> {
        let key = self.address().latest(id);
        let at = |fault: Fault| fault.into_error(operation).at(key.clone());
        let reply = self.store().reader().get(key.clone()).await.map_err(at)?;
        match reply.into_data() {
            Some(json) => envelope::decode(&json, &key, operation).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn read_existing(&self, id: &Id, operation: &'static str) -> Result<Item<T>> {
        self.read(id, operation).await?.ok_or_else(|| self.missing(id, operation))
    }

    pub(crate) fn missing(&self, id: &Id, operation: &'static str) -> Error {
        Error::new(operation, ErrorKind::NotFound).at(self.address().latest(id))
    }
}
