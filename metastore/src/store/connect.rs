//! Connecting to a server, or starting an embedded one.

use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;
use ulid::Generator;

use super::clock::Clock;
use super::cursor_keys::CursorKeys;
use super::embedded::EmbeddedServer;
use super::options::StoreOptions;
use super::server_info::ServerInfo;
use super::{Inner, Store, without_password};
use crate::error::Result;
use crate::redis::connection::{Connection, Endpoint};
use crate::redis::read::Reader;
use crate::redis::write::Writer;

/// The variable with the URL of the server to connect to.
const REDIS_URL: &str = "REDIS_URL";

impl Store {
    /// Connects to the server at `url`: `redis://[user:password@]host:6379[/database]`, or
    /// `redis+unix:///path` for a socket.
    ///
    /// Three round trips. Once connected, the store reconnects automatically and indefinitely. Its
    /// connections belong to the tokio runtime in which it was opened: when that runtime ends, each
    /// call of the store fails with [`RuntimeEnded`](crate::ErrorKind::RuntimeEnded).
    ///
    /// Logs a warning if the server may remove documents when its memory is full; see
    /// [`StoreOptions::refuse_eviction`].
    ///
    /// # Errors
    ///
    /// `Unavailable` if there is no server or it accepts no more connections, `Auth` for a wrong
    /// password, `Loading` while it loads its data, `InvalidArgument` for an invalid URL,
    /// `Unsupported` for a node of a Redis Cluster and for a server before Redis 7.0 or Valkey 7.2.
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
    /// It runs the `redis-server` or `valkey-server` on the PATH, or the program at the path in the
    /// variable `METASTORE_REDIS_SERVER`, on a private socket in a temporary folder. The server and
    /// its data are removed with the last clone of the store, and when the process ends, even if it
    /// is killed.
    ///
    /// # Errors
    ///
    /// `Embedded` if no server is found or it does not start.
    pub async fn embedded() -> Result<Self> {
        Self::options().embedded().await
    }

    /// As [`Store::embedded`], with the data kept in `directory` (append-only file, synced every
    /// second). A directory that does not exist is created with mode 0700, and only this user can
    /// read the files that the server writes there.
    ///
    /// # Errors
    ///
    /// As [`Store::embedded`], and `Embedded` if another process uses the directory. If the server
    /// does not start, the message has the last line of its log.
    pub async fn embedded_at(directory: impl AsRef<Path>) -> Result<Self> {
        Self::options().embedded_at(directory).await
    }

    /// Returns options to set before connecting.
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
        // A server that does not return its information, for example to a user without the right,
        // is accepted.
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
        Ok(Self::assemble(connection, clock, endpoint, url.to_owned(), options, server))
    }

    /// Opens another connection to the same server, with the same options. It belongs to the
    /// current runtime, so it works while all threads of the first one's runtime are blocked.
    #[doc(hidden)]
    pub async fn open_second_connection(&self) -> Result<Self> {
        let endpoint = self.0.endpoint.clone();
        let connection = Arc::new(Connection::open(&endpoint).await?);
        let clock = Clock::read(&connection).await?;
        let (url, options) = (self.0.url.clone(), self.0.options.clone());
        Ok(Self::assemble(connection, clock, endpoint, url, options, None))
    }

    fn assemble(
        connection: Arc<Connection>,
        clock: Clock,
        endpoint: Endpoint,
        url: String,
        options: StoreOptions,
        server: Option<EmbeddedServer>,
    ) -> Self {
        Self(Arc::new(Inner {
            writer: Writer::new(connection.clone()),
            reader: Reader::new(connection.clone()),
            connection,
            endpoint,
            url,
            cursor_keys: CursorKeys::new(options.cursor_key.clone()),
            options,
            clock,
            ulids: Mutex::new(Generator::new()),
            hub: OnceCell::new(),
            server,
        }))
    }
}

impl StoreOptions {
    /// Connects with these options; see [`Store::connect`].
    ///
    /// # Errors
    ///
    /// As [`Store::connect`], and `InvalidName` or `InvalidArgument` for an invalid option.
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
}
