//! Writing the next version of an item.

use std::sync::Arc;

use crate::audit::{AuditOperation, changed_fields};
use crate::document::Document;
use crate::document::encode::{EncodeMemory, Encoded, Preserved, differs, encode};
use crate::document::envelope;
use crate::document::header::{self, HEADER_LEN, Header};
use crate::document::item::{Item, Target, ToTarget};
use crate::document::patch::Patch;
use crate::document::validation::validate;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Entries;
use crate::key::{Id, ToId};
use crate::redis::command::Command;
use crate::redis::script::{ScriptCall, code};
use crate::redis::write::compare_and_swap::CompareAndSwap;
use crate::redis::write::item::{DeadlineChange, UpdateItem};
use crate::redis::write::retry::Restarts;
use crate::redis::write::{Outcome, Write};
use crate::repo::base_content::BaseContent;
use crate::repo::scope::Scope;
use crate::repo::triggers::TriggerEvent;
use crate::repo::{Repo, checked_id};
use crate::time::Timestamp;

impl<T: Document> Repo<T> {
    /// Sets the fields of a patch and writes the next version.
    ///
    /// With an [`Item`] in hand: one round trip, and `Conflict` if the item has changed since it
    /// was read. By id: two round trips, which start again if another write comes between them
    /// ([`StoreOptions::conflict_retries`](crate::StoreOptions::conflict_retries)).
    ///
    /// A patch that changes nothing stores nothing: the item is returned at its current version,
    /// with `unchanged` set. Its time to live is renewed nevertheless, unless
    /// `ttl_on_update = keep`.
    ///
    /// # Errors
    ///
    /// `NotFound`, also for an item that has expired; `Conflict`; `Validation`; `AlreadyExists`
    /// with the unique field whose value another item has; `TooLarge`, `TooDeep`, `Unindexable`;
    /// `NewerSchema` for an item that a newer program has written; `OutOfMemory`. In all these
    /// cases nothing is written.
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
    /// If another write comes between the read and the write, the function is called again with the
    /// newer document. So it should have no other effects.
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

    /// Reads an item, which must be at this version.
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
        let mut retries = self.conflict_retries();
        loop {
            let base = self.read_existing(&id, operation).await?;
            if matches!(scope, Scope::Shape) && base.schema >= T::SCHEMA.version {
                return Ok(base.into_unchanged());
            }
            let mut document = base.data.clone();
            change(&mut document)?;
            let written = self.supersede(&base, document, scope, operation).await;
            if !retries.retry(&written).await {
                return written;
            }
        }
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
        let mut restarts = Restarts::default();
        loop {
            let Some(mut next) = self.next(base, document, scope, operation)? else {
                return Box::pin(self.unchanged(base, operation)).await;
            };
            let script = || self.update_script(base, &next);
            let write = if self.has_only_versions(&next) {
                let swap = Arc::new(self.compare_and_swap(base, &next));
                Write::CompareAndSwap { swap, otherwise: &script }
            } else {
                Write::Script(script())
            };
            match self.commit(operation, &next.header.commit, write).await? {
                Outcome::Restart { .. } => {}
                outcome => {
                    // The next update of the item then need not serialize it again.
                    next.encoded.remember_document();
                    return self.updated(next, outcome, operation);
                }
            }
            let key = || self.address().latest(&base.id);
            restarts.restart(operation).map_err(|error| error.at(key()))?;
            document = next.document;
        }
    }

    fn compare_and_swap(&self, base: &Item<T>, next: &Next<T>) -> CompareAndSwap {
        CompareAndSwap {
            address: self.address().clone(),
            id: base.id.clone(),
            version: base.version,
            expected: header::beginning(base.version, &base.id, &base.commit),
            document: next.encoded.bytes.clone(),
        }
    }

    /// Whether a write of this version changes nothing but the versions of the item.
    fn has_only_versions(&self, next: &Next<T>) -> bool {
        let schema = T::SCHEMA;
        next.encoded.entries.is_none()
            && schema.ttl.is_none()
            && matches!(next.deadline, DeadlineChange::Keep)
            && schema.keep.is_none()
            && schema.keep_for.is_none()
            && !self.audits()
            && !Self::has_triggers(TriggerEvent::Update)
    }

    /// Validates and encodes the version after `base`; `None` if nothing would change.
    pub(crate) fn next(
        &self,
        base: &Item<T>,
        document: T,
        scope: Scope<'_>,
        operation: &'static str,
    ) -> Result<Option<Next<T>>> {
        let key = || self.address().latest(&base.id);
        let (stored, known) = (base.schema, T::SCHEMA.version);
        if stored > known {
            // The newer program would not upgrade the document, or would upgrade it again.
            let kind = ErrorKind::NewerSchema { version: base.version, stored, known };
            return Err(Error::new(operation, kind).at(key()));
        }
        validate(&document, operation).map_err(|error| error.at(key()))?;
        // The clock of a client may be behind, but no version is dated before its predecessor.
        let now = self.store().now();
        let deadline = Self::deadline_change(base.expires_at, scope, now);
        let header = Header {
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
        let limits = self.limits();
        let content = BaseContent::of(base, limits, operation);
        let restored;
        let preserved = match scope {
            Scope::KnownFields | Scope::Shape => content.preserved(),
            Scope::WholeDocument => Preserved::NOTHING,
            Scope::Restored { unknown, .. } => {
                restored = BaseContent::of_document(&document, unknown, limits, operation);
                restored.preserved()
            }
        };
        let memory = &mut EncodeMemory::Single;
        let encoded = encode(&header, &document, &preserved, memory, limits, operation)
            .map_err(|error| error.at(key()))?;
        let content = content.content();
        let is_changed = differs(&content, encoded.document());
        if !is_changed && !matches!(scope, Scope::Shape) {
            return Ok(None);
        }
        let changed = if is_changed && self.audits() {
            changed_fields(&content, encoded.document())
        } else {
            String::new()
        };
        let audited = scope.audited(base.version);
        Ok(Some(Next { header, document, encoded, now, deadline, audited, changed }))
    }

    /// The script call that writes a version.
    pub(crate) fn update_script(&self, base: &Item<T>, next: &Next<T>) -> ScriptCall {
        let (operation, from) = &next.audited;
        let update = UpdateItem {
            address: self.address(),
            schema: T::SCHEMA,
            id: &base.id,
            expected: (base.version, &base.commit),
            commit: &next.header.commit,
            document: &next.encoded.bytes,
            now: next.now,
            deadline: next.deadline,
            audit: self.audit_context(),
            audited: (operation.as_str(), *from),
            changed: &next.changed,
            entries: next.encoded.entries.as_ref().map(Entries::to_bytes),
            derived: match next.deadline {
                DeadlineChange::Keep => String::new(),
                DeadlineChange::Remove | DeadlineChange::Set(_) => Self::derived_arg(),
            },
        };
        let call = update.script();
        let call = if T::SCHEMA.has_unique() { call.keys(self.id_sets()) } else { call };
        self.with_triggers(call, &base.id, TriggerEvent::Update)
    }

    /// The item as it was written, or why it was not.
    pub(crate) fn updated(
        &self,
        next: Next<T>,
        outcome: Outcome,
        operation: &'static str,
    ) -> Result<Item<T>> {
        let Next { header, document, encoded, .. } = next;
        let expected = header.version - 1;
        let mut verdict = match outcome {
            Outcome::Written => return Ok(Item::new(header, document, encoded.unknown)),
            outcome => outcome.verdict(operation)?,
        };
        let kind = match verdict.code {
            code::DONE => return Ok(Item::new(header, document, encoded.unknown)),
            code::CONFLICT => ErrorKind::Conflict { expected, actual: verdict.number(operation)? },
            // It was written and has expired since, or had expired before:
            // that cannot be found out.
            code::NOT_FOUND if verdict.after_loss && T::SCHEMA.ttl.is_some() => {
                ErrorKind::OutcomeUnknown {
                    commit: header.commit,
                    waited: self.store().settings().outcome_timeout,
                }
            }
            code::NOT_FOUND => ErrorKind::NotFound,
            code::VALUE_TAKEN => return Err(self.value_taken(&header.id, verdict, operation)?),
            _ => envelope::not_an_envelope(),
        };
        Err(Error::new(operation, kind).at(self.address().latest(&header.id)))
    }

    /// The item, if there is nothing to write. But an item in hand may be out of date,
    /// which is a conflict.
    async fn unchanged(&self, base: &Item<T>, operation: &'static str) -> Result<Item<T>> {
        let now = self.store().now();
        let deadline = Self::deadline_change(base.expires_at, Scope::KnownFields, now);
        if !matches!(deadline, DeadlineChange::Keep) {
            let item = self.renew(base, deadline.after(None), now, operation).await?;
            return Ok(item.into_unchanged());
        }
        let key = self.address().latest(&base.id);
        let command = Command::new("GETRANGE").arg(key.clone()).int(0).int(HEADER_LEN as u64 - 1);
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
        let header = envelope::decode_header(&start, &key, operation)?;
        if header.version != base.version || header.commit != base.commit {
            let kind = ErrorKind::Conflict { expected: base.version, actual: header.version };
            return Err(Error::new(operation, kind).at(key));
        }
        Ok(base.clone().expiring(header.expires).into_unchanged())
    }
}

/// A version that is ready to be written.
pub(crate) struct Next<T> {
    pub(crate) header: Header,
    document: T,
    encoded: Encoded,
    /// When it is written, by the server's clock.
    now: Timestamp,
    deadline: DeadlineChange,
    /// The operation in the audit entry, and the version that it supersedes or restores.
    audited: (AuditOperation, u64),
    /// The names of the changed fields, as a JSON array; empty if the collection is not audited.
    changed: String,
}
