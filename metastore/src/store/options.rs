//! Options of a store.

use std::path::Path;
use std::time::Duration;

use super::Store;
use super::embedded::EmbeddedServer;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Actor, Name};
use crate::store::cursor::CursorKey;

/// The variable that names the server to connect to.
const REDIS_URL: &str = "REDIS_URL";

/// Options of a [`Store`], set before connecting.
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
    /// Whether each write adds an entry to the item's audit trail and to the collection's feed, in the same
    /// atomic step. A collection that says `#[collection(audit = on)]` or `off` decides for itself.
    ///
    /// Default: off, because a trail costs about as much memory as a small document (400 bytes, and 100
    /// for each further entry), and the feed 100 bytes for each entry.
    #[must_use]
    pub fn audit(mut self, on: bool) -> Self {
        self.audit = on;
        self
    }

    /// How many entries the audit trail of an item keeps: at least the newest so many, and up to a
    /// hundred more, since Redis trims whole blocks. `u64::MAX` keeps all.
    ///
    /// Default: 1,000, about 100 KB for an item that has so many.
    #[must_use]
    pub fn audit_trail_length(mut self, entries: u64) -> Self {
        self.audit_trail_length = entries;
        self
    }

    /// How many entries the audit feed of a collection keeps, as with
    /// [`StoreOptions::audit_trail_length`].
    ///
    /// Default: 1,000,000, about 100 MB for a collection that has so many.
    #[must_use]
    pub fn audit_feed_length(mut self, entries: u64) -> Self {
        self.audit_feed_length = entries;
        self
    }

    /// How long the audit trail of an item with a time to live stays after the item has expired: it goes
    /// this time and the collection's `ttl` after its last entry. The feed keeps its entries.
    ///
    /// Default: 1 hour, so that trails of short-lived items do not pile up.
    #[must_use]
    pub fn audit_trail_grace(mut self, grace: Duration) -> Self {
        self.audit_trail_grace = grace;
        self
    }

    /// Who writes: stored with each version and each audit entry. Any text of up to 512 bytes,
    /// see [`Actor`].
    ///
    /// Default: nobody.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Where jobs get the trace context of whoever requests them, such as W3C's `traceparent` of the
    /// current span; what is longer than 512 bytes is left out. It goes with jobs that a write requests
    /// (`on = create, update`), too, and from a job to those that come `after` it.
    ///
    /// Default: nowhere; a request can name one itself.
    #[must_use]
    pub fn trace_source(mut self, source: fn() -> Option<String>) -> Self {
        self.trace_source = Some(source);
        self
    }

    /// The secret key that authenticates the cursors of lists, at least 16 bytes. Programs that take each
    /// other's cursors must have the same one; a new key makes all earlier cursors invalid.
    ///
    /// Default: a random key that the first program to need it stores in the catalog
    /// (`catalog:metastore:cursor_key`), so that all programs on a server share it. Whoever can read the
    /// server's keys can read it too.
    #[must_use]
    pub fn cursor_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.cursor_key = Some(CursorKey::new(key.as_ref()));
        self
    }

    /// Overrides the domain of every collection, so that one struct serves many tenants.
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
    /// Default: 5 seconds, which is far above any healthy reply and below most callers' patience.
    #[must_use]
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// How long to find out what became of a write whose reply was lost, before `OutcomeUnknown`.
    ///
    /// Default: 30 seconds, enough for a server to restart or fail over.
    #[must_use]
    pub fn outcome_timeout(mut self, timeout: Duration) -> Self {
        self.outcome_timeout = timeout;
        self
    }

    /// How often `update`, `replace` and `modify` by id start again after another write came first,
    /// before they give up with `Conflict`.
    ///
    /// Default: 256, with random pauses of up to 20 ms; enough for 64 writers on one item.
    #[must_use]
    pub fn conflict_retries(mut self, retries: u32) -> Self {
        self.conflict_retries = retries;
        self
    }

    /// The most bytes of JSON in a document or a result.
    ///
    /// Default: 16 MiB. Redis itself takes 512 MiB, but blocks everybody while it moves them.
    #[must_use]
    pub fn max_document_bytes(mut self, bytes: usize) -> Self {
        self.max_document_bytes = bytes;
        self
    }

    /// The most levels of objects and arrays in a document or a result.
    ///
    /// Default and maximum: 100; `serde_json` reads no more than 128 levels, the envelope among them.
    #[must_use]
    pub fn max_document_depth(mut self, levels: usize) -> Self {
        self.max_document_depth = levels.min(100);
        self
    }

    /// Whether to refuse a server that may remove documents and jobs when its memory is full, which is any
    /// `maxmemory-policy` but `noeviction`: connecting is `Unsupported` then.
    ///
    /// Default: no, a warning is logged, because a cache of documents may be meant.
    #[must_use]
    pub fn refuse_eviction(mut self, on: bool) -> Self {
        self.refuse_eviction = on;
        self
    }

    /// Connects with these options; see [`Store::connect`].
    ///
    /// # Errors
    ///
    /// As [`Store::connect`], and `InvalidName` or `InvalidId` for an option that breaks its rule.
    pub async fn connect(self, url: impl AsRef<str>) -> Result<Store> {
        Store::open(url.as_ref(), self, None).await
    }

    /// Connects with these options; see [`Store::from_env`].
    ///
    /// # Errors
    ///
    /// As [`Store::from_env`].
    pub async fn from_env(self) -> Result<Store> {
        match std::env::var(REDIS_URL) {
            Ok(url) if !url.is_empty() => self.connect(url).await,
            _ => self.embedded().await,
        }
    }

    /// Starts an embedded server with these options; see [`Store::embedded`].
    ///
    /// # Errors
    ///
    /// As [`Store::embedded`].
    pub async fn embedded(self) -> Result<Store> {
        let server = EmbeddedServer::start(None).await?;
        Store::open(&server.url(), self, Some(server)).await
    }

    /// Starts an embedded server with these options; see [`Store::embedded_at`].
    ///
    /// # Errors
    ///
    /// As [`Store::embedded_at`].
    pub async fn embedded_at(self, directory: impl AsRef<Path>) -> Result<Store> {
        let server = EmbeddedServer::start(Some(directory.as_ref())).await?;
        Store::open(&server.url(), self, Some(server)).await
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
                let message = format!("{name} must be at least 1; `audit(false)` writes nothing");
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
