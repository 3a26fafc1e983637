//! Creating items.

use std::sync::Arc;

use bytes::Bytes;

use crate::document::Document;
use crate::document::content::{self, unknown_in};
use crate::document::encode::{EncodeMemory, Encoded, Preserved, encode};
use crate::document::header::Header;
use crate::document::item::Item;
use crate::document::unknown::UnknownFields;
use crate::document::validation::validate;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Entries;
use crate::key::{Id, ToId};
use crate::redis::script::{ScriptCall, code};
use crate::redis::write::group_commit::Insert;
use crate::redis::write::item::CreateItem;
use crate::redis::write::retry::Restarts;
use crate::redis::write::{Outcome, Write};
use crate::repo::triggers::TriggerEvent;
use crate::repo::{Repo, checked_id};
use crate::time::Timestamp;

const OPERATION: &str = "create";

impl<T: Document> Repo<T> {
    /// Creates an item with a generated id, at version 1.
    ///
    /// One round trip: one script call with the document, its index entries and its audit entry,
    /// which concurrent creates share. In a collection with a unique field, or with a
    /// transformation that is triggered `on = create`, each create has its own script call.
    ///
    /// # Errors
    ///
    /// `Validation` with every rule that the document breaks; `AlreadyExists` with the unique field
    /// whose value another item has; `TooLarge`, `TooDeep`, `Unreadable`, `Unindexable`;
    /// `OutOfMemory`. In all these cases nothing is written.
    ///
    /// ```
    /// # use metastore::{Collection, Store};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), metastore::Error> {
    /// let notes = Store::embedded().await?.repo::<Note>();
    /// let note = notes.create(Note { title: "Milk".into() }).await?;
    /// assert_eq!(note.version, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(&self, document: T) -> Result<Item<T>> {
        let new = self.prepare_new(document, &mut EncodeMemory::Single)?;
        let outcome = self.commit(OPERATION, &new.header.commit, self.create_write(&new)).await?;
        self.created(new, outcome, OPERATION).await
    }

    /// Creates an item with the given id, at version 1.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if the id is taken, `InvalidId`, and as [`Repo::create`].
    pub async fn create_with_id(&self, id: impl ToId, document: T) -> Result<Item<T>> {
        let (id, now) = (checked_id(&id, OPERATION)?, self.store().now());
        let memory = &mut EncodeMemory::Single;
        let new = self.prepare(id, now, document, &UnknownFields::None, memory, OPERATION)?;
        self.create_alone(new, OPERATION).await
    }

    /// Creates an item by a script call of its own.
    pub(crate) async fn create_alone(
        &self,
        new: New<T>,
        operation: &'static str,
    ) -> Result<Item<T>> {
        let write = Write::Script(self.create_script(&new));
        let outcome = self.commit(operation, &new.header.commit, write).await?;
        self.created(new, outcome, operation).await
    }

    /// The write of an item with a generated id.
    fn create_write(&self, new: &New<T>) -> Write<'static> {
        if Self::is_created_alone() {
            Write::Script(self.create_script(new))
        } else {
            Write::Insert(Arc::new(self.insert(new)))
        }
    }

    /// Whether each item has a script call of its own: unique fields and triggers depend on what is
    /// stored.
    pub(crate) fn is_created_alone() -> bool {
        T::SCHEMA.has_unique() || Self::has_triggers(TriggerEvent::Create)
    }

    /// The new item, or why it was not created.
    pub(crate) async fn created(
        &self,
        new: New<T>,
        outcome: Outcome,
        operation: &'static str,
    ) -> Result<Item<T>> {
        match outcome {
            // Boxed, since it is rare and would make the future of every create larger.
            Outcome::Restart { .. } => Box::pin(self.restart_create(new, operation)).await,
            outcome => self.created_item(new, outcome, operation),
        }
    }

    /// Starts a create again, with the server's time and a new commit id.
    async fn restart_create(&self, mut new: New<T>, operation: &'static str) -> Result<Item<T>> {
        let mut restarts = Restarts::default();
        loop {
            let key = || self.address().latest(&new.header.id);
            restarts.restart(operation).map_err(|error| error.at(key()))?;
            let New { header, document, encoded } = new;
            let (now, memory) = (self.store().now(), &mut EncodeMemory::Single);
            new = self.prepare(header.id, now, document, &encoded.unknown, memory, operation)?;
            let write = Write::Script(self.create_script(&new));
            match self.commit(operation, &new.header.commit, write).await? {
                Outcome::Restart { .. } => {}
                outcome => return self.created_item(new, outcome, operation),
            }
        }
    }

    /// As [`Repo::created`], for an outcome that is not `Restart`.
    pub(crate) fn created_item(
        &self,
        new: New<T>,
        outcome: Outcome,
        operation: &'static str,
    ) -> Result<Item<T>> {
        let reply = match outcome {
            Outcome::Written => code::DONE,
            outcome => match outcome.verdict(operation)? {
                verdict if verdict.code == code::VALUE_TAKEN => {
                    return Err(self.value_taken(&new.header.id, verdict, operation)?);
                }
                verdict => verdict.code,
            },
        };
        if reply == code::DONE {
            Ok(Item::new(new.header, new.document, new.encoded.unknown))
        } else {
            let kind = ErrorKind::AlreadyExists { field: None };
            Err(Error::new(operation, kind).at(self.address().latest(&new.header.id)))
        }
    }

    /// Validates and encodes a document, under a new id.
    pub(crate) fn prepare_new(&self, document: T, memory: &mut EncodeMemory) -> Result<New<T>> {
        let now = self.store().now();
        let id = Id::from(self.store().new_ulid_at(now));
        self.prepare(id, now, document, &UnknownFields::None, memory, OPERATION)
    }

    /// Validates and encodes a document with its unknown fields.
    pub(crate) fn prepare(
        &self,
        id: Id,
        now: Timestamp,
        document: T,
        unknown: &UnknownFields,
        memory: &mut EncodeMemory,
        operation: &'static str,
    ) -> Result<New<T>> {
        validate(&document, operation)?;
        let header = Header {
            version: 1,
            id,
            commit: self.store().new_ulid_at(now).to_string(),
            origin: None,
            expires: Self::deadline(now),
            schema: T::SCHEMA.version,
            created: now,
            updated: None,
            actor: self.actor().cloned(),
            owner: self.owner().cloned(),
        };
        let limits = self.limits();
        let own = match unknown.possible() {
            Some(_) => content::own(&document, limits, operation)?,
            None => Vec::new(),
        };
        let extras =
            unknown.possible().map(|stored| unknown_in::<T>(stored, &own, limits, operation));
        let preserved = Preserved { extras: &extras.unwrap_or_default(), own: &own };
        let encoded = encode(&header, &document, &preserved, memory, limits, operation)
            .map_err(|error| error.at(self.address().latest(&header.id)))?;
        Ok(New { header, document, encoded })
    }

    /// The write of an item that depends on nothing stored.
    pub(crate) fn insert(&self, new: &New<T>) -> Insert {
        let at = self.address();
        let id = &new.header.id;
        let deadline = new.header.expires.map(Timestamp::as_millis);
        let mut members = Vec::new();
        if let Some(entries) = &new.encoded.entries {
            let member = |(name, member)| (at.index_named(name).into(), 0, member);
            members.extend(entries.members(id).map(member));
        }
        if let Some(deadline) = deadline {
            members.push((at.expiry().into(), deadline, Bytes::from(id.to_string())));
        }
        let entries = new.encoded.entries.as_ref().map(Entries::to_bytes);
        Insert {
            address: at.clone(),
            index: self.index_key(),
            audit: self.audit_context(),
            id: id.clone(),
            document: new.encoded.bytes.clone(),
            created: new.header.created.as_millis(),
            deadline,
            members,
            entries: entries.filter(|bytes| !bytes.is_empty()),
        }
    }

    /// The script call for an item alone.
    pub(crate) fn create_script(&self, new: &New<T>) -> ScriptCall {
        let id = &new.header.id;
        let create = CreateItem {
            address: self.address(),
            id,
            commit: &new.header.commit,
            document: &new.encoded.bytes,
            created: new.header.created.as_millis(),
            deadline: new.header.expires.map(Timestamp::as_millis),
            audit: &self.audit_context(),
            entries: new.encoded.entries.as_ref().map(Entries::to_bytes).unwrap_or_default(),
        };
        let call = create.script();
        let call = if T::SCHEMA.has_unique() { call.keys(self.id_sets()) } else { call };
        self.with_triggers(call, id, TriggerEvent::Create)
    }
}

/// An item that is ready to be created.
pub(crate) struct New<T> {
    pub(crate) header: Header,
    document: T,
    encoded: Encoded,
}
