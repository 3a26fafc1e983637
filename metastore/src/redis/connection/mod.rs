//! Connections: the only folder that imports fred, so that the client can be replaced in a day.
//!
//! fred behaves in some ways that matter here. Each was found in its source or by a test:
//!
//! - By default it resends a command up to three times if the connection is lost. One attempt is
//!   configured, and the commit id decides about retries.
//! - It writes a pipeline that was queued while the connection was down after the reconnection,
//!   even if its caller has long received a timeout. So [`Connection::ready`] is awaited first.
//! - It takes an array of three or four elements that begins with a word such as `message` or
//!   `subscribe` for a pub/sub frame and drops it, and all later replies go to the wrong callers.
//!   So no reply begins with text that a user chose: scripts return a number first, and `MGET`
//!   never asks for three or four keys.
//! - It keeps such an array within a reply, but inserts `pubsub` before its elements. So
//!   replies are read as frames, where the array is marked as a push frame, and the inserted
//!   element is removed. A pipeline has no frames: no reply there contains an array of texts
//!   that a user chose.
//! - Its `subscribe` returns before the server has confirmed it. A `PING` on the same
//!   connection waits for that.

mod convert;
mod endpoint;
mod subscriber;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(crate) use fred::clients::Client;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::interfaces::{ClientLike, EventInterface};
use fred::types::Value;
use fred::types::config::Server;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use crate::error::{Error, ErrorKind};
use crate::redis::args::Args;
use crate::redis::command::{Command, Fault, Reply};
use crate::redis::runtime::StoreRuntime;
use crate::redis::script::ScriptCall;
use convert::{fault, from_frame, to_fred, to_reply};
pub(crate) use endpoint::Endpoint;
use endpoint::Link;
pub(crate) use subscriber::{Subscriber, SubscriberEvent};

/// How many events are kept until they are read. fred allocates the space at once, for nine types
/// of event: 300 bytes for each of these. Only the last error is read on this connection.
const EVENT_BUFFER: usize = 16;

/// The shortest time between two reconnections that a read-only server causes.
const FORCED_RECONNECTION_PAUSE: Duration = Duration::from_secs(1);

/// The connection for commands, which all callers share.
pub(crate) struct Connection {
    link: Link,
    runtime: StoreRuntime,
    command_timeout: Duration,
    last_forced: Mutex<Option<Instant>>,
    /// Whether there was a reconnection since the last [`Connection::take_reconnected`].
    reconnected: Arc<AtomicBool>,
    errors: Mutex<Errors>,
}

/// The errors of the connection, which are read only when a command fails.
struct Errors {
    received: broadcast::Receiver<(FredError, Option<Server>)>,
    last: Option<FredError>,
}

impl Connection {
    /// Opens a connection that lives in the current runtime.
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        let link = endpoint.connect(EVENT_BUFFER).await?;
        let reconnected = Arc::new(AtomicBool::new(false));
        let noted = reconnected.clone();
        link.client.on_reconnect(move |_| {
            noted.store(true, Ordering::Relaxed);
            async { Ok(()) }
        });
        Ok(Self {
            errors: Mutex::new(Errors { received: link.client.error_rx(), last: None }),
            link,
            runtime: StoreRuntime::current(),
            command_timeout: endpoint.command_timeout,
            last_forced: Mutex::new(None),
            reconnected,
        })
    }

    pub(crate) fn runtime(&self) -> &StoreRuntime {
        &self.runtime
    }

    /// The client itself, for [`Store::fred_client`](crate::Store::fred_client).
    pub(crate) fn client(&self) -> Client {
        self.link.client.clone()
    }

    /// Whether there was a reconnection since the last call: the server may be another one now.
    pub(crate) fn take_reconnected(&self) -> bool {
        self.reconnected.load(Ordering::Relaxed) && self.reconnected.swap(false, Ordering::Relaxed)
    }

    /// Waits until the connection is established, for at most the command timeout.
    async fn ready(&self) -> Result<(), Fault> {
        self.runtime.check()?;
        let client = &self.link.client;
        if client.is_connected() {
            return Ok(());
        }
        let deadline = tokio::time::Instant::now() + self.command_timeout;
        while !client.is_connected() {
            self.runtime.check()?;
            if tokio::time::Instant::now() >= deadline {
                return Err(self.not_connected());
            }
            // `wait_for_connect` misses a connection that is established between the check and the
            // call, so the check is soon repeated.
            let interval = Duration::from_millis(25);
            let _ = tokio::time::timeout(interval, client.wait_for_connect()).await;
        }
        Ok(())
    }

    /// Why there is no connection: the server's reply to the last attempt, if there was one.
    fn not_connected(&self) -> Fault {
        let waited = self.command_timeout;
        match self.last_error() {
            Some(error) => match fault(&error) {
                refused @ Fault::Refused(_) => refused,
                _ => Fault::NotSent(format!("no connection within {waited:?}: {error}")),
            },
            None => Fault::NotSent(format!("no connection within {waited:?}")),
        }
    }

    fn last_error(&self) -> Option<FredError> {
        let mut errors = self.errors.lock().ok()?;
        loop {
            match errors.received.try_recv() {
                Ok((error, _)) => errors.last = Some(error),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return errors.last.clone(),
            }
        }
    }

    /// Sends one command.
    pub(crate) async fn call(&self, command: Command) -> Result<Reply, Fault> {
        self.ready().await?;
        self.send(command).await
    }

    /// Sends one script call by its hash, and again with its text if the server does not know it.
    pub(crate) async fn script(&self, call: &ScriptCall) -> Result<Reply, Fault> {
        self.ready().await?;
        match self.send(call.by_hash(fred::util::sha1_hash)).await {
            reply if is_unknown_script(&reply) => self.send(call.by_text()).await,
            reply => reply,
        }
    }

    /// Sends several script calls as one MULTI … EXEC. The first refusal is that of all calls, also
    /// if the server does not know one of the scripts.
    pub(crate) async fn transaction(&self, calls: &[ScriptCall]) -> Result<Vec<Reply>, Fault> {
        self.exec(calls.iter().map(|call| call.by_hash(fred::util::sha1_hash)).collect()).await
    }

    /// Sends commands as one MULTI … EXEC. `commands` makes them, given the function that makes a
    /// command from a script call. They are made again with the texts of the scripts if the server
    /// does not know one, so they must write nothing without it. The first refusal is that of all.
    pub(crate) async fn guarded_transaction(
        &self,
        commands: impl Fn(fn(&ScriptCall) -> Command) -> Vec<Command>,
    ) -> Result<Vec<Reply>, Fault> {
        let by_hash = |call: &ScriptCall| call.by_hash(fred::util::sha1_hash);
        match self.exec(commands(by_hash)).await {
            reply if is_unknown_script(&reply) => self.exec(commands(ScriptCall::by_text)).await,
            reply => reply,
        }
    }

    /// Sends commands as one MULTI … EXEC.
    async fn exec(&self, commands: Vec<Command>) -> Result<Vec<Reply>, Fault> {
        let expected = commands.len();
        let mut all = Vec::with_capacity(expected + 2);
        all.push(Command::new("MULTI"));
        all.extend(commands);
        all.push(Command::new("EXEC"));
        let mut replies = self.pipeline(all).await?;
        match replies.pop() {
            Some(Ok(Reply::Array(results))) if results.len() == expected => Ok(results),
            Some(Err(fault)) => Err(fault),
            other => Err(Fault::Lost(format!("no reply to EXEC: {other:?}"))),
        }
    }

    /// Sends several script calls in one round trip. Each is atomic on its own and has its own
    /// reply. Those that the server does not know are sent again one by one.
    pub(crate) async fn pipeline_scripts(&self, calls: &[ScriptCall]) -> Vec<Result<Reply, Fault>> {
        if let [call] = calls {
            return vec![self.script(call).await];
        }
        let by_hash = calls.iter().map(|call| call.by_hash(fred::util::sha1_hash)).collect();
        let mut replies = match self.pipeline(by_hash).await {
            Ok(replies) => replies,
            Err(fault) => return vec![Err(fault); calls.len()],
        };
        for (reply, call) in replies.iter_mut().zip(calls) {
            if is_unknown_script(reply) {
                *reply = self.send(call.by_text()).await;
            }
        }
        replies
    }

    /// Sends several commands in one round trip; each has its own reply.
    pub(crate) async fn pipeline(
        &self,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Reply, Fault>>, Fault> {
        self.ready().await?;
        let expected = commands.len();
        let pipeline = self.link.client.pipeline();
        for command in commands {
            let (command, args) = to_fred(command);
            // In a pipeline this only queues the command.
            let queued: Result<Value, FredError> = pipeline.custom(command, args).await;
            queued.map_err(|error| fault(&error))?;
        }
        let replies: Vec<Result<Value, FredError>> = pipeline.try_all().await;
        if replies.len() != expected {
            // After a lost connection or a timeout there is one error for all commands.
            let error = replies.into_iter().find_map(Result::err);
            let lost = || Fault::Lost("fewer replies than commands".to_owned());
            return Err(error.map_or_else(lost, |error| self.fault(&error)));
        }
        Ok(replies
            .into_iter()
            .map(|reply| reply.map(to_reply).map_err(|error| self.fault(&error)))
            .collect())
    }

    /// Reads several strings in one command.
    pub(crate) async fn mget(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Reply>, Fault> {
        let wanted = keys.len();
        let mut args = Args::with_capacity(wanted, keys.iter().map(|key| key.as_ref().len()).sum());
        // fred could take a reply of three or four elements for a pub/sub frame: see the module's
        // documentation.
        let requested = if (3..=4).contains(&wanted) { 5 } else { wanted };
        for key in keys.iter().cycle().take(requested) {
            args.push(key.as_ref().as_bytes());
        }
        let reply = self.call(Command { name: "MGET", args: args.into_vec() }).await?;
        let mut values = reply.into_array().unwrap_or_default();
        values.truncate(wanted);
        Ok(values)
    }

    async fn send(&self, command: Command) -> Result<Reply, Fault> {
        let (command, args) = to_fred(command);
        match self.link.client.custom_raw(command, args).await.map(from_frame) {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(message)) => {
                let error = FredError::new(FredKind::Unknown, message);
                Err(self.fault(&error))
            }
            Err(error) => Err(self.fault(&error)),
        }
    }

    fn fault(&self, error: &FredError) -> Fault {
        let fault = fault(error);
        if let Fault::Refused(ErrorKind::ReadOnly(_)) = fault {
            self.force_reconnection();
        }
        fault
    }

    /// Reconnects after a server has refused a write as a replica.
    ///
    /// A server that has become a replica stays connected. So only a new connection, through
    /// the name or the proxy that now leads to the new primary, ends the refusals. fred's
    /// own `reconnect_errors` are not used, because they fail every other command in flight
    /// with the same error.
    fn force_reconnection(&self) {
        let Ok(mut last_forced) = self.last_forced.lock() else { return };
        if last_forced.is_some_and(|at| at.elapsed() < FORCED_RECONNECTION_PAUSE) {
            return;
        }
        *last_forced = Some(Instant::now());
        let client = self.link.client.clone();
        self.runtime.spawn(async move {
            let _ = client.force_reconnection().await;
        });
    }
}

/// Whether the server does not know the script. It checks that first, so nothing was done.
fn is_unknown_script<R>(reply: &Result<R, Fault>) -> bool {
    matches!(reply, Err(Fault::Refused(ErrorKind::Server(message))) if message.starts_with("NOSCRIPT"))
}
