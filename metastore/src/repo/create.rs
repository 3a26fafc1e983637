//! Creating items.

use std::sync::Arc;

use bytes::Bytes;

use crate::document::Document;
use crate::document::content::{self, unknown_in};
use crate::document::envelope::{self, Kept};
use crate::document::header::Head;
use crate::document::item::Item;
use crate::document::unknown::UnknownFields;
use crate::document::validation::validate;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Entries;
use crate::key::{Id, ToId};
use crate::redis::command::Verdict;
use crate::redis::script::{CREATE, ScriptCall};
use crate::redis::write::group_commit::Insert;
use crate::redis::write::{UNTIMELY, WriteSet};
use crate::repo::triggers::Event;
use crate::repo::{Repo, checked_id};
use crate::time::Timestamp;

const OPERATION: &str = "create";

/// How often a write is made again with the server's new time, after its clock was set.
pub(crate) const UNTIMELY_RETRIES: usize = 3;

/// The error for a write that had to be started anew each time.
pub(crate) fn untimely(operation: &'static str) -> Error {
    let reason = "the write was not made: its replies were lost, or the server's clock was set, each time; try again";
    Error::new(operation, ErrorKind::Unavailable(reason.to_owned()))
}

impl<T: Document> Repo<T> {
    /// Creates an item with a generated id, at version 1.
    ///
    /// One round trip: one script call with the document, its index entries and its audit entry, which
    /// creates that wait at the same moment share. In a collection with a unique field, or with a
    /// transformation that is requested `on = create`, each create is a call of its own.
    ///
    /// # Errors
    ///
    /// `Validation` with every rule that the document breaks; `AlreadyExists` with the unique field whose
    /// value another item has; `TooLarge`, `TooDeep`, `Unreadable`, `Unindexable`; `OutOfMemory`. Nothing is
    /// written then.
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
        let new = self.prepare_new(document)?;
        let verdict = self.send(OPERATION, &new.head.commit, self.writes_of(&new)).await?;
        self.created(new, verdict, OPERATION).await
    }

    /// Creates an item with an id of your own, at version 1.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if the id is taken, `InvalidId`, and as [`Repo::create`].
    pub async fn create_with_id(&self, id: impl ToId, document: T) -> Result<Item<T>> {
        let (id, now) = (checked_id(&id, OPERATION)?, self.store().now());
        let new = self.prepare(id, now, document, &UnknownFields::None, OPERATION)?;
        self.create_alone(new, OPERATION).await
    }

    /// Creates an item by a script call of its own.
    pub(crate) async fn create_alone(
        &self,
        new: New<T>,
        operation: &'static str,
    ) -> Result<Item<T>> {
        let verdict = self.write(operation, &new.head.commit, self.create_script(&new)).await?;
        self.created(new, Some(verdict), operation).await
    }

    /// What is written for an item with a generated id.
    pub(crate) fn writes_of<'a>(&'a self, new: &'a New<T>) -> WriteSet<'a> {
        // What looks at what is stored is no plain addition.
        if T::SCHEMA.has_unique() || Self::requests_on(Event::Create) {
            return WriteSet::Conditional(self.create_script(new));
        }
        let confirm = Box::new(|| self.create_script(new));
        WriteSet::Insert { insert: Arc::new(self.insert(new)), confirm }
    }

    /// The new item, or why there is none. No verdict means that it was written together with others.
    pub(crate) async fn created(
        &self,
        new: New<T>,
        verdict: Option<Verdict>,
        operation: &'static str,
    ) -> Result<Item<T>> {
        match verdict {
            Some(Verdict { code: UNTIMELY, .. }) => {
                // Boxed, since it is rare and would make the future of every create larger.
                Box::pin(self.create_anew(new, operation)).await
            }
            verdict => self.item_created(new, verdict, operation),
        }
    }

    /// Makes a create again whose time was too far from the server's, with the server's time.
    async fn create_anew(&self, mut new: New<T>, operation: &'static str) -> Result<Item<T>> {
        for _ in 0..UNTIMELY_RETRIES {
            let New { head, document, unknown, .. } = new;
            new = self.prepare(head.id, self.store().now(), document, &unknown, operation)?;
            let call = self.create_script(&new);
            let verdict = self.write(operation, &new.head.commit, call).await?;
            if verdict.code != UNTIMELY {
                return self.item_created(new, Some(verdict), operation);
            }
        }
        Err(untimely(operation).at(new.key))
    }

    fn item_created(
        &self,
        new: New<T>,
        verdict: Option<Verdict>,
        operation: &'static str,
    ) -> Result<Item<T>> {
        match verdict {
            None | Some(Verdict { code: 1, .. }) => {
                Ok(Item::new(new.head, new.document, new.unknown))
            }
            Some(verdict) if verdict.code == -3 => {
                Err(self.value_taken(&new.head.id, verdict, operation)?)
            }
            Some(_) => {
                let kind = ErrorKind::AlreadyExists { field: None };
                Err(Error::new(operation, kind).at(new.key))
            }
        }
    }

    /// Checks and encodes a document, under a new id.
    pub(crate) fn prepare_new(&self, document: T) -> Result<New<T>> {
        let now = self.store().now();
        let id = Id::from(self.store().new_ulid_at(now));
        self.prepare(id, now, document, &UnknownFields::None, OPERATION)
    }

    /// Checks and encodes a document, with fields that its struct does not know.
    pub(crate) fn prepare(
        &self,
        id: Id,
        now: Timestamp,
        document: T,
        unknown: &UnknownFields,
        operation: &'static str,
    ) -> Result<New<T>> {
        let key = self.address().latest(&id);
        validate(&document, operation)?;
        let head = Head {
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
        let limits = self.store().limits();
        let own = match unknown.possible() {
            Some(_) => content::own(&document, limits, operation)?,
            None => Vec::new(),
        };
        let extras =
            unknown.possible().map(|stored| unknown_in::<T>(stored, &own, limits, operation));
        let kept = Kept { extras: &extras.unwrap_or_default(), before: &own };
        let (json, unknown) = envelope::encode(&head, &document, &kept, limits, operation)
            .map_err(|error| error.at(key.clone()))?;
        let stored = envelope::document_of(&json);
        let entries =
            Self::entries_written(&document, stored, head.created, head.owner.as_ref(), operation)
                .map_err(|error| error.at(key.clone()))?;
        Ok(New { key, head, document, unknown, json, entries })
    }

    fn insert(&self, new: &New<T>) -> Insert {
        let at = self.address();
        let id = &new.head.id;
        let deadline = new.head.expires.map(Timestamp::as_millis);
        let mut members = Vec::new();
        if let Some(entries) = &new.entries {
            let member = |(name, member)| (at.index_named(name).into(), 0, member);
            members.extend(entries.members(id).map(member));
        }
        if let Some(deadline) = deadline {
            members.push((at.expiry().into(), deadline, Bytes::from(id.to_string())));
        }
        let audits = self.audits();
        Insert {
            index: self.index_key(),
            audit: self.audit_pieces(),
            latest: new.key.clone(),
            trail: if audits { at.audit(id) } else { String::new() },
            id: id.clone(),
            commit: new.head.commit.clone(),
            actor: if audits { self.actor_arg() } else { String::new() },
            json: new.json.clone(),
            created: new.head.created.as_millis(),
            deadline,
            members,
            entries: new.entries.as_ref().map(Entries::to_bytes).filter(|bytes| !bytes.is_empty()),
        }
    }

    pub(crate) fn create_script(&self, new: &New<T>) -> ScriptCall {
        let at = self.address();
        let id = &new.head.id;
        let deadline = new.head.expires;
        let call = ScriptCall::new(&CREATE)
            .key(new.key.clone())
            .key(at.index())
            .key(at.expiry())
            .key(at.audit(id))
            .arg(id.as_str().to_owned())
            .arg(new.head.commit.clone())
            .arg(new.json.clone())
            .int(new.head.created.as_millis())
            .arg(deadline.map(|at| at.as_millis().to_string()).unwrap_or_default())
            .arg(self.audit_arg(id))
            .arg(self.actor_arg())
            .arg(new.entries.as_ref().map(Entries::to_bytes).unwrap_or_default())
            .arg(at.item_prefix())
            .int(new.head.created.as_millis());
        let call = if T::SCHEMA.has_unique() { call.keys(self.id_sets()) } else { call };
        self.requesting(call, id, Event::Create)
    }
}

/// A document that is ready to be written.
pub(crate) struct New<T> {
    key: String,
    pub(crate) head: Head,
    document: T,
    unknown: UnknownFields,
    json: Bytes,
    /// What is to stand in the indexes.
    entries: Option<Entries>,
}
