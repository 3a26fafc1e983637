//! A connection to a server, with its options.

mod clock;
mod connect;
pub(crate) mod cursor;
mod cursor_keys;
mod embedded;
mod options;
mod server_info;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use tokio::task::JoinError;
use tracing::Instrument as _;
use ulid::{Generator, Ulid};

use crate::error::{Error, Result};
use crate::json::Limits;
use crate::redis::command::{Command, Fault};
use crate::redis::connection::{Client, Connection, Endpoint};
use crate::redis::pubsub::{Hub, Subscription};
use crate::redis::read::Reader;
use crate::redis::write::Writer;
use crate::time::Timestamp;
use clock::Clock;
use cursor::Cursor;
use cursor_keys::CursorKeys;
use embedded::EmbeddedServer;
pub use options::StoreOptions;
use server_info::ServerInfo;

/// The maximum bytes of the trace context of a job.
pub(crate) const MAX_TRACE_LEN: usize = 512;

/// A connection to Redis or Valkey with its options. Cloning is cheap and shares the connection.
///
/// ```no_run
/// # async fn example() -> Result<(), metastore::Error> {
/// use metastore::Store;
///
/// let url = "redis://127.0.0.1:6379";
/// let store = Store::connect(url).await?;
/// let audited = Store::options().audit(true).actor("u42").connect(url).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    connection: Arc<Connection>,
    writer: Writer,
    reader: Reader,
    endpoint: Endpoint,
    url: String,
    options: StoreOptions,
    clock: Clock,
    cursor_keys: CursorKeys,
    ulids: std::sync::Mutex<Generator>,
    hub: OnceCell<Hub>,
    // Dropped last, so that the connections close before their server ends.
    server: Option<EmbeddedServer>,
}

impl Store {
    /// The URL of the server, with which another process can connect to it, even if it is embedded.
    ///
    /// It contains the password, if there is one.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The URL of the server without user and password, for logs and messages.
    #[must_use]
    pub fn server(&self) -> String {
        without_password(&self.0.url)
    }

    /// Whether this store started the server itself.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.0.server.is_some()
    }

    /// The server's time, without a round trip.
    ///
    /// It is advanced by the clock of this process, and read from the server on connecting, and in
    /// the background after each reconnection and once a minute.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let clock = &self.0.clock;
        if self.connection().take_reconnected() | clock.is_due() {
            // It may fail: the server refuses writes whose time is far from its own.
            let store = Arc::downgrade(&self.0);
            self.connection().runtime().spawn(async move {
                if let Some(store) = store.upgrade() {
                    let _ = store.clock.reread(&store.connection).await;
                }
            });
        }
        clock.now()
    }

    /// Sets the server's time, in milliseconds, from its latest reply.
    pub(crate) fn correct_clock(&self, server: u64) {
        self.0.clock.set(server * 1_000, Instant::now());
    }

    /// The trace context of the caller, if the options have a source of it.
    pub(crate) fn trace(&self) -> Option<String> {
        let source = self.0.options.trace_source?;
        source().filter(|trace| trace.len() <= MAX_TRACE_LEN)
    }

    /// Publishes a message and returns when the store's own subscription has received it. If the
    /// subscription connection receives nothing, it never returns: use a timeout.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    pub async fn check_pubsub(&self) -> Result<()> {
        const OPERATION: &str = "check_pubsub";
        let channel = format!("echo:{}", self.new_ulid());
        let mut subscription = self.subscribe(channel.clone()).await?;
        loop {
            let command = Command::new("PUBLISH").arg(channel.clone()).arg("");
            self.reader().call(command).await.map_err(|fault| fault.into_error(OPERATION))?;
            // A message is lost while the subscription reconnects, so it is published again.
            let received = tokio::time::timeout(Duration::from_millis(250), subscription.changed());
            if received.await.is_ok() {
                return Ok(());
            }
        }
    }

    /// The `maxmemory-policy` of the server: with any other than `noeviction`, it removes documents
    /// and jobs when its memory is full. `None` if the server does not return it.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    pub async fn eviction_policy(&self) -> Result<Option<String>> {
        let info = ServerInfo::read(self.connection()).await;
        let info = info.map_err(|fault| fault.into_error("eviction_policy"))?;
        Ok(info.eviction_policy)
    }

    /// Whether both share one connection.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The client of the connection, for commands that metastore does not have.
    ///
    /// This is the only place where a type of fred is public, and it changes when fred does.
    /// Commands sent through it bypass everything that metastore guarantees.
    #[must_use]
    pub fn fred_client(&self) -> Client {
        self.connection().client()
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0.connection
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.0.writer
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.0.reader
    }

    pub(crate) fn settings(&self) -> &StoreOptions {
        &self.0.options
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            bytes: self.0.options.max_document_bytes,
            depth: self.0.options.max_document_depth,
        }
    }

    /// A new ULID with the server's time, greater than all earlier ones of this store.
    pub(crate) fn new_ulid(&self) -> Ulid {
        self.new_ulid_at(self.now())
    }

    /// A new ULID with this time.
    pub(crate) fn new_ulid_at(&self, now: Timestamp) -> Ulid {
        let mut ulids = self.0.ulids.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match ulids.generate_from_datetime(now.into()) {
            Ok(ulid) => ulid,
            Err(overflow) => overflow.commit_overflow_increment(),
        }
    }

    /// A cursor for a position in a query.
    pub(crate) async fn cursor(
        &self,
        query: &[u8],
        position: &[u8],
        operation: &'static str,
    ) -> Result<Cursor> {
        self.0.cursor_keys.cursor(self.reader(), query, position, operation).await
    }

    /// The position of a cursor, if it belongs to the query.
    pub(crate) async fn position(
        &self,
        cursor: &Cursor,
        query: &[u8],
        operation: &'static str,
    ) -> Result<Vec<u8>> {
        self.0.cursor_keys.position(self.reader(), cursor, query, operation).await
    }

    /// Runs work on `count` elements in a task, so that several run in parallel. The task continues
    /// if the caller stops waiting.
    ///
    /// All results are `RuntimeEnded` if the runtime in which the store was opened has ended. A
    /// panic is passed on to the caller.
    pub(crate) async fn spawn_detached<O: Send + 'static>(
        &self,
        operation: &'static str,
        count: usize,
        work: impl Future<Output = Vec<Result<O>>> + Send + 'static,
    ) -> Vec<Result<O>> {
        let runtime = self.0.connection.runtime();
        let task = runtime.answer(runtime.spawn(work.in_current_span())).await;
        let fail =
            |fault: Fault| (0..count).map(|_| Err(fault.clone().into_error(operation))).collect();
        let ended = match task {
            Ok(ended) => ended,
            Err(fault) => return fail(fault),
        };
        match ended.map_err(JoinError::try_into_panic) {
            Ok(results) => results,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(_)) => fail(Fault::RuntimeEnded),
        }
    }

    /// Subscribes to a channel, on a second connection, which the first subscription opens.
    pub(crate) async fn subscribe(&self, channel: String) -> Result<Subscription, Error> {
        self.subscribe_to(channel, None).await
    }

    /// Subscribes to the messages of a channel that name `topic`, or to all of them.
    pub(crate) async fn subscribe_to(
        &self,
        channel: String,
        topic: Option<String>,
    ) -> Result<Subscription, Error> {
        let hub = self
            .0
            .hub
            .get_or_try_init(|| Hub::open(&self.0.endpoint, self.0.connection.runtime()))
            .await?;
        hub.subscribe(channel, topic).await
    }
}

/// A URL without user and password, for logs.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}{}", &url[..scheme + 3], &url[at + 1..])
        }
        _ => url.to_owned(),
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("server", &self.server()).finish_non_exhaustive()
    }
}
