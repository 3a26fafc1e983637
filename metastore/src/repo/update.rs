//! Writing the next version of an item.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::audit::{AuditOperation, changed_fields};
use crate::document::Document;
use crate::document::envelope::{self, Kept};
use crate::document::header::Head;
use crate::document::item::{Item, Target, ToTarget};
use crate::document::patch::Patch;
use crate::document::unknown::UnknownFields;
use crate::document::validation::validate;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Entries;
use crate::key::{Id, ToId};
use crate::redis::command::{Command, Verdict};
use crate::redis::script::{ScriptCall, UPDATE};
use crate::redis::write::compare_and_swap::Swap;
use crate::redis::write::{UNTIMELY, WriteSet};
use crate::repo::before::Before;
use crate::repo::create::{UNTIMELY_RETRIES, untimely};
use crate::repo::touch::Deadline;
use crate::repo::triggers::Event;
use crate::repo::{Repo, checked_id};
use crate::time::Timestamp;

impl<T: Document> Repo<T> {
    /// Sets the fields of a patch and writes the next version.
    ///
    /// With an [`Item`] in hand: one round trip, and `Conflict` if the item has changed since it was
    /// read. By id: two round trips, started again when another write comes in between
    /// ([`StoreOptions::conflict_retries`](crate::StoreOptions::conflict_retries)).
    ///
    /// A patch that changes nothing stores nothing: the item comes back at the version that it has,
    /// with `unchanged` set. In a collection with a time to live it is renewed nevertheless, unless
    /// `ttl_on_update = keep`.
    ///
    /// # Errors
    ///
    /// `NotFound`, also for an item that has expired; `Conflict`; `Validation`; `AlreadyExists` with the
    /// unique field whose value another item has; `TooLarge`, `TooDeep`, `Unindexable`; `NewerSchema` for
    /// an item that a newer program has written; `OutOfMemory`. Nothing is written then.
    pub async fn update<'a>(
        &self,
        target: impl ToTarget<'a, T>,
        patch: T::Patch,
    ) -> Result<Item<T>> {
        let apply = |document: &mut T| {
            patch.clone().apply(document);
            Ok(())
        };
        self.change(target.to_target(), "update", Scope::KnownFields, apply).await
    }

    /// Sets the fields of a patch if the item is at `expected`, and writes the next version.
    ///
    /// Two round trips.
    ///
    /// # Errors
    ///
    /// `Conflict` with the expected and the actual version if the item is at another one; otherwise
    /// as [`Repo::update`].
    pub async fn update_at(
        &self,
        id: impl ToId,
        expected: u64,
        patch: T::Patch,
    ) -> Result<Item<T>> {
        const OPERATION: &str = "update_at";
        let id = checked_id(&id, OPERATION)?;
        let base = self.read_at(&id, expected, OPERATION).await?;
        let mut document = base.data.clone();
        patch.apply(&mut document);
        self.supersede(&base, document, Scope::KnownFields, OPERATION).await
    }

    /// Changes a document by a function and writes the next version. Round trips as
    /// [`Repo::update`].
    ///
    /// The function is called again, on the newer document, when another write came in between; so
    /// it should have no effect but on its argument.
    ///
    /// # Errors
    ///
    /// As [`Repo::update`].
    pub async fn modify<'a>(
        &self,
        target: impl ToTarget<'a, T>,
        mut change: impl FnMut(&mut T) + Send,
    ) -> Result<Item<T>> {
        let change = |document: &mut T| {
            change(document);
            Ok(())
        };
        self.change(target.to_target(), "modify", Scope::KnownFields, change).await
    }

    /// Reads an item that is to be changed if it is at this version.
    pub(crate) async fn read_at(
        &self,
        id: &Id,
        expected: u64,
        operation: &'static str,
    ) -> Result<Item<T>> {
        let base = self.read_existing(id, operation).await?;
        if base.version != expected {
            let kind = ErrorKind::Conflict { expected, actual: base.version };
            return Err(Error::new(operation, kind).at(self.address().latest(id)));
        }
        Ok(base)
    }

    /// Changes a document by a function that may refuse, and writes the next version.
    pub(crate) async fn change(
        &self,
        target: Target<'_, T>,
        operation: &'static str,
        scope: Scope<'_>,
        mut change: impl FnMut(&mut T) -> Result<()> + Send,
    ) -> Result<Item<T>> {
        let id = target.id.map_err(|error| Error::from(error).during(operation))?;
        if let Some(base) = target.item {
            let mut document = base.data.clone();
            change(&mut document)?;
            return self.supersede(base, document, scope, operation).await;
        }
        let mut attempts = self.attempts();
        loop {
            let base = self.read_existing(&id, operation).await?;
            if matches!(scope, Scope::Shape) && base.schema >= T::SCHEMA.version {
                return Ok(base.into_unchanged());
            }
            let mut document = base.data.clone();
            change(&mut document)?;
            let written = self.supersede(&base, document, scope, operation).await;
            if !attempts.again(&written).await {
                return written;
            }
        }
    }

    /// For a write that begins with a read.
    pub(crate) fn attempts(&self) -> Attempts {
        Attempts { made: 0, retries: self.store().settings().conflict_retries }
    }

    /// Writes `document` as the version after `base`, if `base` is still the current one.
    pub(crate) async fn supersede(
        &self,
        base: &Item<T>,
        document: T,
        scope: Scope<'_>,
        operation: &'static str,
    ) -> Result<Item<T>> {
        let mut document = document;
        for _ in 0..=UNTIMELY_RETRIES {
            let Some(next) = self.next(base, document, scope, operation)? else {
                return Box::pin(self.unchanged(base, operation)).await;
            };
            let verdict = self.send(operation, &next.head.commit, self.writes(base, &next)).await?;
            if verdict.as_ref().is_none_or(|verdict| verdict.code != UNTIMELY) {
                return self.written(next, verdict, operation);
            }
            document = next.document;
        }
        Err(untimely(operation).at(self.address().latest(&base.id)))
    }

    fn writes<'a>(&'a self, base: &'a Item<T>, next: &'a Next<T>) -> WriteSet<'a> {
        if !self.is_plain(next) {
            return WriteSet::Conditional(self.update_call(base, next));
        }
        let at = self.address();
        let swap = Swap {
            latest: at.latest(&base.id).into(),
            superseded: at.version(&base.id, base.version).into(),
            expected: envelope::beginning(base.version, &base.id, &base.commit).into(),
            document: next.json.clone(),
            entries: at.entries().into(),
        };
        let confirm = Box::new(|| self.update_call(base, next));
        WriteSet::Swap { swap: Arc::new(swap), confirm }
    }

    /// Whether a version can be written without regard to anything but the version before.
    fn is_plain(&self, next: &Next<T>) -> bool {
        let schema = T::SCHEMA;
        next.entries.is_none()
            && schema.ttl.is_none()
            && matches!(next.deadline, Deadline::Keep)
            && schema.keep.is_none()
            && schema.keep_for.is_none()
            && !self.audits()
            && !Self::requests_on(Event::Update)
    }

    /// The version after `base`, ready to be written; `None` if nothing would change.
    pub(crate) fn next(
        &self,
        base: &Item<T>,
        document: T,
        scope: Scope<'_>,
        operation: &'static str,
    ) -> Result<Option<Next<T>>> {
        let at = self.address();
        let key = at.latest(&base.id);
        let (stored, known) = (base.schema, T::SCHEMA.version);
        if stored > known {
            // The newer program would take the document for one of its own shape, or upgrade it again.
            let kind = ErrorKind::NewerSchema { version: base.version, stored, known };
            return Err(Error::new(operation, kind).at(key));
        }
        validate(&document, operation).map_err(|error| error.at(key.clone()))?;
        // A client whose idea of time is behind must not date a version before its predecessor.
        let now = self.store().now();
        let deadline = Self::next_deadline(base.expires_at, scope, now);
        let head = Head {
            version: base.version + 1,
            id: base.id.clone(),
            commit: self.store().new_ulid().to_string(),
            origin: Some(base.origin().to_owned()),
            expires: deadline.after(base.expires_at),
            schema: T::SCHEMA.version,
            created: base.created_at,
            updated: Some(now.max(base.updated_at)),
            actor: self.actor().cloned(),
            owner: base.owner.clone(),
        };
        let limits = self.store().limits();
        let before = Before::of(base, limits, operation);
        let restored;
        let kept = match scope {
            Scope::KnownFields | Scope::Shape => before.kept(),
            Scope::WholeDocument => Kept::NOTHING,
            Scope::Restored { unknown, .. } => {
                restored = Before::of_document(&document, unknown, limits, operation);
                restored.kept()
            }
        };
        let (json, unknown) = envelope::encode(&head, &document, &kept, limits, operation)
            .map_err(|error| error.at(key.clone()))?;
        let before = before.content();
        let changes = envelope::differs(&before, &json);
        if !changes && !matches!(scope, Scope::Shape) {
            return Ok(None);
        }
        let stored = envelope::document_of(&json);
        let changed =
            if changes && self.audits() { changed_fields(&before, stored) } else { String::new() };
        let (audited, from) = scope.audited(base.version);
        let entries = Self::entries_written(
            &document,
            stored,
            base.created_at,
            base.owner.as_ref(),
            operation,
        )
        .map_err(|error| error.at(key.clone()))?;
        let audited = (audited, from, changed);
        Ok(Some(Next { head, document, unknown, json, entries, now, deadline, audited }))
    }

    /// The script call that writes a version.
    pub(crate) fn update_call(&self, base: &Item<T>, next: &Next<T>) -> ScriptCall {
        let at = self.address();
        let Next { head, deadline, audited: (operation, from, changed), .. } = next;
        // An empty text removes what there may be; a dash says that there is nothing.
        let entries = match &next.entries {
            Some(entries) => entries.to_bytes(),
            None => Bytes::from_static(b"-"),
        };
        let call = ScriptCall::new(&UPDATE)
            .key(at.latest(&base.id))
            .key(at.version(&base.id, base.version))
            .key(at.version(&base.id, head.version))
            .key(at.expiry())
            .key(at.audit(&base.id))
            .key(at.trimmed(&base.id))
            .key(at.index())
            .arg(base.id.as_str().to_owned())
            .arg(head.commit.clone())
            .arg(next.json.clone())
            .int(base.version)
            .arg(base.commit.clone())
            .arg(deadline.arg())
            .arg(self.audit_arg(&base.id))
            .arg(self.actor_arg())
            .arg(operation.as_str().to_owned())
            .arg(Self::keep_arg())
            .arg(Self::keep_for_arg())
            .arg(at.version_prefix(&base.id))
            .arg(entries)
            .arg(at.item_prefix())
            .int(*from)
            .arg(changed.clone())
            .int(next.now.as_millis());
        let kept = matches!(deadline, Deadline::Keep);
        let renewed = if kept { Vec::new() } else { self.derived_keys(&base.id) };
        let call = renewed.into_iter().fold(call, ScriptCall::arg);
        let call = if T::SCHEMA.has_unique() { call.keys(self.id_sets()) } else { call };
        self.requesting(call, &base.id, Event::Update)
    }

    /// The item as it was written, or why it was not.
    pub(crate) fn written(
        &self,
        next: Next<T>,
        verdict: Option<Verdict>,
        operation: &'static str,
    ) -> Result<Item<T>> {
        let Next { head, document, unknown, .. } = next;
        let expected = head.version - 1;
        let Some(mut verdict) = verdict else {
            return Ok(Item::new(head, document, unknown));
        };
        let kind = match verdict.code {
            1 => return Ok(Item::new(head, document, unknown)),
            0 => ErrorKind::Conflict { expected, actual: verdict.number(operation)? },
            // Written and expired since, or expired before it was written: nobody knows.
            -1 if verdict.after_loss && T::SCHEMA.ttl.is_some() => ErrorKind::OutcomeUnknown {
                commit: head.commit,
                waited: self.store().settings().outcome_timeout,
            },
            -1 => ErrorKind::NotFound,
            UNTIMELY => return Err(untimely(operation)),
            -3 => return Err(self.value_taken(&head.id, verdict, operation)?),
            _ => envelope::not_an_envelope(),
        };
        Err(Error::new(operation, kind).at(self.address().latest(&head.id)))
    }

    /// Nothing to write; but an item in hand may be out of date, which the caller wants to know.
    async fn unchanged(&self, base: &Item<T>, operation: &'static str) -> Result<Item<T>> {
        let now = self.store().now();
        let deadline = Self::next_deadline(base.expires_at, Scope::KnownFields, now);
        if !matches!(deadline, Deadline::Keep) {
            let item = self.renew(base, deadline.after(None), now, operation).await?;
            return Ok(item.into_unchanged());
        }
        let key = self.address().latest(&base.id);
        let command =
            Command::new("GETRANGE").arg(key.clone()).int(0).int(envelope::HEAD_LEN as u64 - 1);
        let reply = self
            .store()
            .reader()
            .call(command)
            .await
            .map_err(|fault| fault.into_error(operation).at(key.clone()))?;
        let start = reply.into_data().unwrap_or_default();
        if start.is_empty() {
            return Err(self.missing(&base.id, operation));
        }
        let head = envelope::decode_head(&start, &key, operation)?;
        if head.version != base.version || head.commit != base.commit {
            let kind = ErrorKind::Conflict { expected: base.version, actual: head.version };
            return Err(Error::new(operation, kind).at(key));
        }
        Ok(base.clone().expiring(head.expires).into_unchanged())
    }
}

/// A version that is ready to be written.
pub(crate) struct Next<T> {
    pub(crate) head: Head,
    document: T,
    unknown: UnknownFields,
    json: Bytes,
    /// What the indexes are to hold of it; `None` if there are none.
    entries: Option<Entries>,
    /// When it is written, by the server's clock.
    now: Timestamp,
    deadline: Deadline,
    /// What the audit is told: the operation, the version that it names, and the fields that change.
    audited: (AuditOperation, u64, String),
}

/// What a write replaces.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// The fields that the struct knows; others in the stored document are kept.
    KnownFields,
    /// Everything.
    WholeDocument,
    /// Everything, by what a version had, with the fields of it that the struct does not know.
    Restored { version: u64, unknown: &'a UnknownFields },
    /// Nothing but the shape of an older schema: the document stays what it is and lives as long as it
    /// would have.
    Shape,
}

impl Scope<'_> {
    /// What the audit is told of a write over this version: the operation, and the version that it
    /// superseded or brought back.
    fn audited(self, superseded: u64) -> (AuditOperation, u64) {
        match self {
            Self::KnownFields | Self::WholeDocument => (AuditOperation::Update, superseded),
            Self::Restored { version, .. } => (AuditOperation::Revert, version),
            Self::Shape => (AuditOperation::Migrate, superseded),
        }
    }
}

/// The attempts of a write that begins with a read, and may find that another write came in between.
pub(crate) struct Attempts {
    made: u32,
    retries: u32,
}

impl Attempts {
    /// Whether to start again; if so, after a pause.
    pub(crate) async fn again<R>(&mut self, written: &Result<R>) -> bool {
        let Err(error) = written else { return false };
        if !matches!(error.kind(), ErrorKind::Conflict { .. }) || self.made == self.retries {
            return false;
        }
        self.made += 1;
        tokio::time::sleep(conflict_pause(self.made)).await;
        true
    }
}

/// A random pause that grows with the attempts, so that many writers on one item take turns.
fn conflict_pause(attempt: u32) -> Duration {
    let most = (500u64 << attempt.min(6)).min(20_000);
    Duration::from_micros(fastrand::u64(0..most))
}
