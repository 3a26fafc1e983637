//! A connection to a server, with its options.

mod clock;
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
use cursor_keys::CursorKeys;
use embedded::EmbeddedServer;
pub use options::StoreOptions;
use server_info::ServerInfo;

/// The most bytes of the trace context that a job takes along.
pub(crate) const MAX_TRACE_LEN: usize = 512;

/// A connection to Redis or Valkey with its options. Cloning is cheap and shares the connection.
///
/// ```no_run
/// # async fn example() -> Result<(), metastore::Error> {
/// use metastore::Store;
///
/// let store = Store::connect("redis://127.0.0.1:6379").await?;
/// let audited = Store::options().audit(true).actor("u42").connect("redis://127.0.0.1:6379").await?;
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
    /// Connects to the server at `url`: `redis://[user:password@]host:6379[/database]`, or
    /// `redis+unix:///path` for a socket.
    ///
    /// Three round trips. Once connected, the store reconnects by itself for ever. Its connections live in the
    /// tokio runtime in which it was opened: when that runtime ends, each call of the store is
    /// [`RuntimeEnded`](crate::ErrorKind::RuntimeEnded).
    ///
    /// Logs a warning if the server may remove documents when its memory is full; see
    /// [`StoreOptions::refuse_eviction`].
    ///
    /// # Errors
    ///
    /// `Unavailable` if there is no server or it has no connection left, `Auth` for a wrong password, `Loading`
    /// while it reads its data, `InvalidArgument` for a URL that is none, `Unsupported` for a node of a
    /// Redis Cluster and for a server before Redis 7.0 or Valkey 7.2.
    pub async fn connect(url: impl AsRef<str>) -> Result<Self> {
        Self::options().connect(url).await
    }

    /// Connects to `REDIS_URL` if it is set, otherwise starts an embedded server.
    ///
    /// # Errors
    ///
    /// As [`Store::connect`] and [`Store::embedded`].
    pub async fn from_env() -> Result<Self> {
        Self::options().from_env().await
    }

    /// Starts a private server for this process and connects to it.
    ///
    /// It runs the `redis-server` or `valkey-server` on the PATH, or the one that the variable
    /// `METASTORE_REDIS_SERVER` names, on a private socket in a temporary folder. It ends with the
    /// last clone of the store, and with the process, also when the process is killed; its data goes
    /// with it.
    ///
    /// # Errors
    ///
    /// `Embedded` if no server is found or it does not start.
    pub async fn embedded() -> Result<Self> {
        Self::options().embedded().await
    }

    /// Like [`Store::embedded`], with the data kept in `directory` (append-only file, synced every
    /// second). A directory that does not exist is made with mode 0700, and whatever the server writes in it is
    /// readable by this user only.
    ///
    /// # Errors
    ///
    /// `Embedded` also if another process uses the directory, with the last line of the server's log if the
    /// server does not start.
    pub async fn embedded_at(directory: impl AsRef<std::path::Path>) -> Result<Self> {
        Self::options().embedded_at(directory).await
    }

    /// Options to be set before connecting.
    #[must_use]
    pub fn options() -> StoreOptions {
        StoreOptions::default()
    }

    async fn open(
        url: &str,
        options: StoreOptions,
        server: Option<EmbeddedServer>,
    ) -> Result<Self> {
        options.check()?;
        let endpoint = Endpoint::parse(url, options.command_timeout)?;
        let connection = Arc::new(Connection::open(&endpoint).await?);
        let clock = Clock::read(&connection).await?;
        // A server that does not say what it is, such as one whose user may not ask, is not refused for it.
        let info = ServerInfo::read(&connection).await.unwrap_or_default();
        info.check(!options.refuse_eviction)?;
        if let Some(policy) = info.evicting() {
            let server = without_password(url);
            tracing::warn!(
                server,
                policy,
                "the server may remove documents and jobs when its memory is full; set \
                 `maxmemory-policy noeviction`"
            );
        }
        Ok(Self(Arc::new(Inner {
            writer: Writer::new(connection.clone()),
            reader: Reader::new(connection.clone()),
            connection,
            endpoint,
            url: url.to_owned(),
            cursor_keys: CursorKeys::new(options.cursor_key.clone()),
            options,
            clock,
            ulids: std::sync::Mutex::new(Generator::new()),
            hub: OnceCell::new(),
            server,
        })))
    }

    /// The URL that another process can use to reach the same server, an embedded one too.
    ///
    /// It holds the password, if there is one.
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

    /// The server's time, as this process knows it without asking.
    ///
    /// It is read on connecting, after each reconnection and once a minute, in the background.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let clock = &self.0.clock;
        if self.connection().take_reconnected() | clock.is_due() {
            // Only a try: the server refuses writes whose time is far from its own.
            let store = Arc::downgrade(&self.0);
            self.connection().runtime().spawn(async move {
                if let Some(store) = store.upgrade() {
                    let _ = store.clock.reread(&store.connection).await;
                }
            });
        }
        clock.now()
    }

    /// Notes the server's time, in milliseconds, as it has just told it.
    pub(crate) fn correct_clock(&self, server: u64) {
        self.0.clock.set(server * 1_000, Instant::now());
    }

    /// The trace context of the caller, if there is a source of it.
    pub(crate) fn trace(&self) -> Option<String> {
        let source = self.0.options.trace_source?;
        source().filter(|trace| trace.len() <= MAX_TRACE_LEN)
    }

    /// Returns once a message that it sends to itself has come back, through the line that subscriptions
    /// use. It never does on a line that is deaf: put a timeout around it.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    pub async fn hears_itself(&self) -> Result<()> {
        let channel = format!("echo:{}", self.new_ulid());
        let mut subscription = self.subscribe(channel.clone()).await?;
        loop {
            let command = Command::new("PUBLISH").arg(channel.clone()).arg("");
            self.reader().call(command).await.map_err(|fault| fault.into_error("hear"))?;
            // A message sent while the line was down is lost, so another follows.
            let heard = tokio::time::timeout(Duration::from_millis(250), subscription.changed());
            if heard.await.is_ok() {
                return Ok(());
            }
        }
    }

    /// What the server does when its memory is full, its `maxmemory-policy`: only `noeviction` keeps it from
    /// throwing documents and jobs away. `None` if it does not tell.
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

    /// Whether both are handles on the same connection.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The client of the connection, for commands that metastore does not have.
    ///
    /// This is the only place where a type of fred is public, and it changes when fred does. Commands sent
    /// through it bypass everything that metastore guarantees.
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

    /// A new ULID by the server's time, greater than all before it from this store.
    pub(crate) fn new_ulid(&self) -> Ulid {
        self.new_ulid_at(self.now())
    }

    /// The same where the time is known already.
    pub(crate) fn new_ulid_at(&self, now: Timestamp) -> Ulid {
        let mut ulids = self.0.ulids.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match ulids.generate_from_datetime(now.into()) {
            Ok(ulid) => ulid,
            Err(overflow) => overflow.commit_overflow_increment(),
        }
    }

    /// Runs work on `count` elements as a task, so that several run in parallel on all cores. It continues if
    /// its caller no longer waits.
    ///
    /// All results are `RuntimeEnded` if the runtime in which the store was opened has ended. A panic is
    /// resumed in the caller.
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

    /// Subscribes to a channel, on a second connection that the first subscription opens.
    pub(crate) async fn subscribe(&self, channel: String) -> Result<Subscription, Error> {
        let hub = self
            .0
            .hub
            .get_or_try_init(|| Hub::open(&self.0.endpoint, self.0.connection.runtime()))
            .await?;
        hub.subscribe(channel).await
    }
}

/// A URL as it may be logged.
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
