//! Creating items.

use bytes::Bytes;

use crate::collection::Collection;
use crate::envelope;
use crate::error::{Error, ErrorKind, Result};
use crate::head::Head;
use crate::item::Item;
use crate::key::{Id, ToId};
use crate::redis::command::Command;
use crate::redis::commit::WriteSet;
use crate::redis::script::{CREATE, ScriptCall};
use crate::repo::{Repo, checked_id};
use crate::unknown::UnknownFields;
use crate::validate::validate;

const OPERATION: &str = "create";

impl<T: Collection> Repo<T> {
    /// Creates an item with a generated id, at version 1.
    ///
    /// One round trip: one MULTI … EXEC with the document, its index entries and its audit entry.
    ///
    /// # Errors
    ///
    /// `Validation` with every rule that the document breaks; `TooLarge`, `TooDeep`; `OutOfMemory`.
    /// Nothing is written then.
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
        let new = self.prepare(Id::from(self.store().new_ulid()), document)?;
        let writes = WriteSet::Unconditional {
            commands: self.create_commands(&new),
            confirm: self.create_script(&new),
            undo: self.undo_commands(&new),
        };
        // A generated id is taken only if an earlier attempt of this very call took it.
        if let Some(verdict) = self.send(OPERATION, &new.head.commit, writes).await?
            && verdict.code != 1
        {
            return Err(self.taken(&new.head.id));
        }
        Ok(Item::new(new.head, new.document, UnknownFields::default()))
    }

    /// Creates an item with an id of your own, at version 1.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if the id is taken, `InvalidId`, and as [`Repo::create`].
    pub async fn create_with_id(&self, id: impl ToId, document: T) -> Result<Item<T>> {
        let new = self.prepare(checked_id(&id, OPERATION)?, document)?;
        let call = self.create_script(&new);
        let verdict = self.write(OPERATION, &new.head.commit, call).await?;
        if verdict.code != 1 {
            return Err(self.taken(&new.head.id));
        }
        Ok(Item::new(new.head, new.document, UnknownFields::default()))
    }

    fn prepare(&self, id: Id, document: T) -> Result<New<T>> {
        let key = self.address().latest(&id);
        validate(&document, OPERATION)?;
        let head = Head {
            version: 1,
            id,
            commit: self.store().new_ulid().to_string(),
            schema: T::SCHEMA.version,
            created: self.store().now(),
            updated: None,
            actor: self.actor().cloned(),
        };
        let limits = self.store().limits();
        let json = envelope::encode(&head, &document, &UnknownFields::default(), limits, OPERATION)
            .map_err(|error| error.at(key.clone()))?;
        Ok(New { key, head, document, json })
    }

    fn create_commands(&self, new: &New<T>) -> Vec<Command> {
        let at = self.address();
        let id = new.head.id.as_str();
        let mut commands = Vec::with_capacity(4);
        let set = Command::new("SET").arg(new.key.clone()).arg(new.json.clone());
        // NX, so that not even a duplicate that the network delivers late overwrites a later version.
        match Self::deadline(new.head.created) {
            None => commands.push(set.arg("NX")),
            Some(deadline) => {
                commands.push(set.arg("NX").arg("PXAT").int(deadline.as_millis()));
                commands.push(
                    Command::new("ZADD")
                        .arg(at.expiry())
                        .int(deadline.as_millis())
                        .arg(id.to_owned()),
                );
            }
        }
        let created = new.head.created.as_millis();
        commands.push(Command::new("ZADD").arg(at.index()).int(created).arg(id.to_owned()));
        if self.audits() {
            let entry = Command::new("XADD").arg(at.audit(&new.head.id)).arg("*");
            let entry = entry.args(["op", OPERATION, "version", "1", "commit"]);
            let entry = entry.arg(new.head.commit.clone());
            commands.push(match self.actor() {
                Some(actor) => entry.arg("actor").arg(actor.as_str().to_owned()),
                None => entry,
            });
        }
        commands
    }

    fn undo_commands(&self, new: &New<T>) -> Vec<Command> {
        let at = self.address();
        let id = || new.head.id.as_str().to_owned();
        let mut commands = vec![
            Command::new("DEL").arg(new.key.clone()),
            Command::new("ZREM").arg(at.index()).arg(id()),
        ];
        if T::SCHEMA.ttl.is_some() {
            commands.push(Command::new("ZREM").arg(at.expiry()).arg(id()));
        }
        if self.audits() {
            commands.push(Command::new("DEL").arg(at.audit(&new.head.id)));
        }
        commands
    }

    fn create_script(&self, new: &New<T>) -> ScriptCall {
        let at = self.address();
        let id = &new.head.id;
        let deadline = Self::deadline(new.head.created);
        ScriptCall::new(&CREATE)
            .key(new.key.clone())
            .key(at.index())
            .key(at.expiry())
            .key(at.audit(id))
            .arg(id.as_str().to_owned())
            .arg(new.head.commit.clone())
            .arg(new.json.clone())
            .int(new.head.created.as_millis())
            .arg(deadline.map(|at| at.as_millis().to_string()).unwrap_or_default())
            .arg(self.audit_arg())
            .arg(self.actor_arg())
    }

    fn taken(&self, id: &Id) -> Error {
        Error::new(OPERATION, ErrorKind::AlreadyExists).at(self.address().latest(id))
    }
}

/// A document that is ready to be written.
struct New<T> {
    key: String,
    head: Head,
    document: T,
    json: Bytes,
}
