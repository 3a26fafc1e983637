//! Reading items.

use bytes::Bytes;

use crate::document::Document;
use crate::document::envelope;
use crate::document::header::Header;
use crate::document::item::Item;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Id, ToId};
use crate::redis::command::{Command, Fault, Reply};
use crate::repo::{Repo, checked_id};

impl<T: Document> Repo<T> {
    /// Reads an item; `None` if there is none.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Decode` if the stored document cannot be read as `T`; `Upgrade` if it has an older schema
    /// and cannot be upgraded; `NewerSchema` if it has a newer schema and cannot be read;
    /// `InvalidId`, `Unavailable`.
    pub async fn get(&self, id: impl ToId) -> Result<Option<Item<T>>> {
        let id = checked_id(&id, "get")?;
        self.read(&id, "get").await
    }

    /// Reads one version of an item; `None` if the item or the version does not exist, or retention
    /// has removed it.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// As [`Repo::get`].
    pub async fn get_version(&self, id: impl ToId, version: u64) -> Result<Option<Item<T>>> {
        const OPERATION: &str = "get_version";
        let id = checked_id(&id, OPERATION)?;
        let Some((_, mut found)) = self.stored(&id, &[version], OPERATION).await? else {
            return Ok(None);
        };
        match found.pop().flatten() {
            Some(Stored { key, json, .. }) => envelope::decode(&json, &key, OPERATION).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the stored bytes of an item with its envelope, whether or not they can be decoded;
    /// `None` if there is no item. Invalid UTF-8 is replaced. Use it to inspect an item that all
    /// other reads refuse.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `WrongType`, `InvalidId`, `Unavailable`.
    pub async fn get_raw(&self, id: impl ToId) -> Result<Option<String>> {
        const OPERATION: &str = "get_raw";
        let id = checked_id(&id, OPERATION)?;
        let key = self.address().latest(&id);
        let reply = self.store().reader().get(key.clone()).await;
        let reply = reply.map_err(|fault| fault.into_error(OPERATION).at(key))?;
        Ok(reply.into_data().map(|stored| String::from_utf8_lossy(&stored).into_owned()))
    }

    /// Whether an item exists.
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

    /// Reads the current version of an item and other versions by their numbers, each `None` if it
    /// does not exist; `None` if the item does not exist. One round trip.
    pub(crate) async fn stored(
        &self,
        id: &Id,
        versions: &[u64],
        operation: &'static str,
    ) -> Result<Option<(Stored, Vec<Option<Stored>>)>> {
        let at = self.address();
        // Each version has its own key, unless it is the current one.
        let keys: Vec<String> = std::iter::once(at.latest(id))
            .chain(versions.iter().map(|version| at.version(id, *version)))
            .collect();
        let replies = self
            .store()
            .reader()
            .list(keys.clone())
            .await
            .map_err(|fault| fault.into_error(operation).at(at.latest(id)))?;
        let mut found = keys.into_iter().zip(replies).map(|(key, reply)| match reply.into_data() {
            Some(json) => Stored::read(key, json, operation).map(Some),
            None => Ok(None),
        });
        // A version key without an item belongs to an expired item.
        let Some(current) = found.next().transpose()?.flatten() else { return Ok(None) };
        let mut others = Vec::with_capacity(versions.len());
        for (version, other) in versions.iter().zip(found) {
            let of_this_item = |other: &Stored| other.header.created == current.header.created;
            others.push(match other?.filter(of_this_item) {
                None if *version == current.header.version => Some(current.clone()),
                other => other,
            });
        }
        Ok(Some((current, others)))
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

    pub(crate) fn missing_version(&self, id: &Id, version: u64, operation: &'static str) -> Error {
        Error::new(operation, ErrorKind::NotFound).at(self.address().version(id, version))
    }
}

/// A stored version, with its decoded header.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) key: String,
    pub(crate) json: Bytes,
    pub(crate) header: Header,
}

impl Stored {
    fn read(key: String, json: Bytes, operation: &'static str) -> Result<Self> {
        let header = envelope::decode_header(&json, &key, operation)?;
        Ok(Self { key, json, header })
    }
}
