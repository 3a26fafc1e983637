//! Where and how to connect.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::interfaces::ClientLike;
use fred::types::Builder;
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, TcpConfig,
};
use socket2::TcpKeepalive;
use tokio::task::AbortHandle;

use super::convert::{COMMAND_BUFFER, fault};
use crate::error::{Error, ErrorKind};

/// How long a connection may stay open without any acknowledgement from the peer's kernel.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const DEAD_PEER: Duration = Duration::from_secs(15);

/// The schemes that a URL may have.
const SCHEMES: [&str; 4] = ["redis", "valkey", "redis+unix", "valkey+unix"];

/// The server's address and the timeouts that all connections to it have in common.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    config: Config,
    pub(super) command_timeout: Duration,
}

impl Endpoint {
    pub(crate) fn parse(url: &str, command_timeout: Duration) -> Result<Self, Error> {
        let refused = |reason: &str| {
            let message = format!(
                "the URL {reason}; expected for example \
                 `redis://[user:password@]host:6379[/database]` or `redis+unix:///path`"
            );
            Error::new("connect", ErrorKind::InvalidArgument(message))
        };
        // fred takes an unknown scheme for a plain host name, and then fails to resolve it.
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        if !SCHEMES.contains(&scheme) {
            return Err(refused(&format!("does not begin with one of {}", SCHEMES.join(", "))));
        }
        let config = Config::from_url(url).map_err(|error| refused(error.details()))?;
        Ok(Self { config: Config { fail_fast: true, ..config }, command_timeout })
    }

    /// Connects. `event_buffer` is the number of events that are kept until they are read.
    pub(super) async fn connect(&self, event_buffer: usize) -> Result<Link, Error> {
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(5))
            .with_interval(Duration::from_secs(2));
        let connection = ConnectionConfig {
            connection_timeout: self.command_timeout,
            internal_command_timeout: self.command_timeout,
            max_command_attempts: 1,
            max_command_buffer_len: COMMAND_BUFFER,
            tcp: TcpConfig {
                nodelay: Some(true),
                keepalive: Some(keepalive),
                #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
                user_timeout: Some(DEAD_PEER),
                ..TcpConfig::default()
            },
            ..ConnectionConfig::default()
        };
        let performance = PerformanceConfig {
            default_command_timeout: self.command_timeout,
            broadcast_channel_capacity: event_buffer,
            ..PerformanceConfig::default()
        };
        let client = Builder::from_config(self.config.clone())
            .set_policy(ReconnectPolicy::new_exponential(0, 20, 1_000, 2))
            .with_connection_config(|config| *config = connection)
            .with_performance_config(|config| *config = performance)
            .build()
            .map_err(|error| fault(&error).into_error("connect"))?;
        Link::open(client).await.map_err(|error| fault(&error).into_error("connect"))
    }
}

/// A client and the task that drives it.
///
/// The task keeps the client and its connection alive, so it is aborted when the link is dropped.
/// That closes the connection at once, on whatever thread the drop happens, and even if no runtime
/// is left that could send a QUIT.
pub(super) struct Link {
    pub(super) client: Client,
    task: AbortHandle,
}

impl Link {
    /// Connects. If the future is dropped before it completes, no task stays in the background.
    async fn open(client: Client) -> Result<Self, FredError> {
        let connected = client.clone();
        let mut connected = pin!(async move { connected.wait_for_connect().await });
        let mut link = None;
        // The first poll subscribes to the outcome, and the task must not report it before that.
        let outcome = poll_fn(|context| {
            let polled = connected.as_mut().poll(context);
            link.get_or_insert_with(|| Self {
                task: client.connect().abort_handle(),
                client: client.clone(),
            });
            polled
        });
        outcome.await?;
        link.ok_or_else(|| FredError::new(FredKind::Canceled, "not connected"))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}
