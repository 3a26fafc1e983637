//! Options of a store.

use std::time::Duration;

use super::cursor::CursorKey;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Actor, Name};

/// Options of a [`Store`](crate::Store), set before connecting.
///
/// Names are checked when the store connects.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    pub(crate) audit: bool,
    pub(crate) audit_trail_length: u64,
    pub(crate) audit_feed_length: u64,
    pub(crate) audit_trail_grace: Duration,
    pub(crate) actor: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) app: Option<String>,
    pub(crate) command_timeout: Duration,
    pub(crate) outcome_timeout: Duration,
    pub(crate) conflict_retries: u32,
    pub(crate) max_document_bytes: usize,
    pub(crate) max_document_depth: usize,
    pub(crate) refuse_eviction: bool,
    pub(crate) trace_source: Option<fn() -> Option<String>>,
    pub(crate) cursor_key: Option<CursorKey>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            audit: false,
            audit_trail_length: 1_000,
            audit_feed_length: 1_000_000,
            audit_trail_grace: Duration::from_secs(60 * 60),
            actor: None,
            domain: None,
            app: None,
            command_timeout: Duration::from_secs(5),
            outcome_timeout: Duration::from_secs(30),
            conflict_retries: 256,
            max_document_bytes: 16 * 1024 * 1024,
            max_document_depth: 100,
            refuse_eviction: false,
            trace_source: None,
            cursor_key: None,
        }
    }
}

impl StoreOptions {
    /// Whether each write adds an entry to the item's audit trail and to the collection's feed, in
    /// the same atomic step. `#[collection(audit = on)]` or `off` on a collection overrides it.
    ///
    /// Default: off, because a trail costs about as much memory as a small document (400 bytes, and
    /// 100 for each further entry), and the feed 100 bytes for each entry.
    #[must_use]
    pub fn audit(mut self, on: bool) -> Self {
        self.audit = on;
        self
    }

    /// How many entries the audit trail of an item keeps: at least this many of the newest, and up
    /// to a hundred more, since Redis trims whole blocks. `u64::MAX` keeps all.
    ///
    /// Default: 1,000, about 100 KB for an item with that many.
    #[must_use]
    pub fn audit_trail_length(mut self, entries: u64) -> Self {
        self.audit_trail_length = entries;
        self
    }

    /// How many entries the audit feed of a collection keeps, as with
    /// [`StoreOptions::audit_trail_length`].
    ///
    /// Default: 1,000,000, about 100 MB for a collection with that many.
    #[must_use]
    pub fn audit_feed_length(mut self, entries: u64) -> Self {
        self.audit_feed_length = entries;
        self
    }

    /// How long the audit trail of an item with a time to live is kept after the item has expired:
    /// it expires this time plus the collection's `ttl` after its last entry. The feed keeps its
    /// entries.
    ///
    /// Default: 1 hour, so that trails of short-lived items do not accumulate.
    #[must_use]
    pub fn audit_trail_grace(mut self, grace: Duration) -> Self {
        self.audit_trail_grace = grace;
        self
    }

    /// The actor, stored with each version and each audit entry: any text of up to 512 bytes, see
    /// [`Actor`].
    ///
    /// Default: none.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// A function that returns the trace context of the caller, such as W3C's `traceparent` of the
    /// current span, which is stored with each requested job. A context of more than 512 bytes is
    /// ignored. Jobs that a write requests (`on = create, update`) get it too, and a job passes it
    /// on to those that run `after` it.
    ///
    /// Default: none; a request can set one itself.
    #[must_use]
    pub fn trace_source(mut self, source: fn() -> Option<String>) -> Self {
        self.trace_source = Some(source);
        self
    }

    /// The secret key that authenticates cursors, at least 16 bytes. Programs that accept each
    /// other's cursors must have the same key; a new key makes all earlier cursors invalid.
    ///
    /// Default: a random key that the first program that needs it stores in the catalog
    /// (`catalog:metastore:cursor_key`), so that all programs on a server share it. Everyone who
    /// can read the server's keys can read it.
    #[must_use]
    pub fn cursor_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.cursor_key = Some(CursorKey::new(key.as_ref()));
        self
    }

    /// Overrides the domain of every collection, so that several tenants can use one struct.
    ///
    /// Default: each collection's own.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Overrides the app of every collection.
    ///
    /// Default: each collection's own.
    #[must_use]
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.app = Some(app.into());
        self
    }

    /// How long to wait for a connection, and for each reply.
    ///
    /// Default: 5 seconds, far longer than a healthy server needs, and shorter than most callers'
    /// timeouts.
    #[must_use]
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// How long to determine the outcome of a write whose reply was lost, before `OutcomeUnknown`.
    ///
    /// Default: 30 seconds, enough for a server to restart or fail over.
    #[must_use]
    pub fn outcome_timeout(mut self, timeout: Duration) -> Self {
        self.outcome_timeout = timeout;
        self
    }

    /// How often `update`, `replace`, `modify` and `revert` by id are retried after a concurrent
    /// write, before they fail with `Conflict`.
    ///
    /// Default: 256, with random pauses of up to 20 ms, which is enough for 64 writers on one item.
    #[must_use]
    pub fn conflict_retries(mut self, retries: u32) -> Self {
        self.conflict_retries = retries;
        self
    }

    /// The maximum bytes of JSON in a document or a result.
    ///
    /// Default: 16 MiB. Redis accepts 512 MiB, but serves no other client while it copies them.
    #[must_use]
    pub fn max_document_bytes(mut self, bytes: usize) -> Self {
        self.max_document_bytes = bytes;
        self
    }

    /// The maximum depth of objects and arrays in a document or a result.
    ///
    /// Default and maximum: 100; `serde_json` reads at most 128 levels, the envelope included.
    #[must_use]
    pub fn max_document_depth(mut self, levels: usize) -> Self {
        self.max_document_depth = levels.min(100);
        self
    }

    /// Whether to refuse a server that may remove documents and jobs when its memory is full: with
    /// any `maxmemory-policy` other than `noeviction`, connecting fails with `Unsupported`.
    ///
    /// Default: no; a warning is logged, because the store may be used as a cache.
    #[must_use]
    pub fn refuse_eviction(mut self, on: bool) -> Self {
        self.refuse_eviction = on;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if let Some(domain) = &self.domain {
            Name::domain(domain).map_err(|error| Error::from(error).during("connect"))?;
        }
        if let Some(app) = &self.app {
            Name::new(app).map_err(|error| Error::from(error).during("connect"))?;
        }
        if let Some(actor) = &self.actor {
            Actor::new(actor).map_err(|error| Error::from(error).during("connect"))?;
        }
        if self.cursor_key.as_ref().is_some_and(CursorKey::is_short) {
            let message = "cursor_key must have at least 16 bytes".to_owned();
            return Err(Error::new("connect", ErrorKind::InvalidArgument(message)));
        }
        for (length, name) in [
            (self.audit_trail_length, "audit_trail_length"),
            (self.audit_feed_length, "audit_feed_length"),
        ] {
            if length == 0 {
                let message =
                    format!("{name} must be at least 1; `audit(false)` switches audit off");
                return Err(Error::new("connect", ErrorKind::InvalidArgument(message)));
            }
        }
        for (timeout, name) in
            [(self.command_timeout, "command_timeout"), (self.outcome_timeout, "outcome_timeout")]
        {
            if timeout < Duration::from_millis(1) {
                let message = format!("{name} must be at least 1 ms");
                return Err(Error::new("connect", ErrorKind::InvalidArgument(message)));
            }
        }
        Ok(())
    }
}
