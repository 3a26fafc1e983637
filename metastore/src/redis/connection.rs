//! Connections: the only file that imports fred, so that it could be replaced in a day.
//!
//! What fred does in ways that matter here, each found in its source or by a test:
//!
//! - A command whose connection dies is sent again up to three times by default. One attempt is set,
//!   and the commit id decides about the rest.
//! - A pipeline that was queued while the line was down is written after the reconnection, even when
//!   its caller has long been told of a timeout. So [`Connection::ready`] is awaited first.
//! - An array of three or four elements that begins with a word such as `message` or `subscribe` is
//!   taken for a pub/sub frame and swallowed, and all later replies go to the wrong callers. So no
//!   reply begins with text that a user chose: scripts answer with a number first, and `MGET` never
//!   asks for three or four keys.
//! - An array within a reply that looks so is kept, with `pubsub` put before it. So replies are taken as
//!   frames, in which it is marked, and it is taken away again. In a pipeline there are no frames: no
//!   reply there holds an array of texts that a user chose.
//! - `subscribe` returns before the server has confirmed it; a `PING` on the same line waits for that.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::clients::Client;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, Server, TcpConfig,
};
use fred::types::{Builder, ClusterHash, CustomCommand, Message, Resp3Frame, Value};
use socket2::TcpKeepalive;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task::AbortHandle;

use crate::error::{Error, ErrorKind};
use crate::redis::args::Args;
use crate::redis::command::{Command, Fault, Reply};
use crate::redis::refusal::refusal;
use crate::redis::runtime::StoreRuntime;
use crate::redis::script::ScriptCall;

/// How many commands may wait in this process before further ones are refused.
const COMMAND_BUFFER: usize = 100_000;

/// How long a connection may stay without any answer from the peer's kernel.
const DEAD_PEER: Duration = Duration::from_secs(15);

/// What a URL may begin with.
const SCHEMES: [&str; 4] = ["redis", "valkey", "redis+unix", "valkey+unix"];

/// How many events of a connection are kept for whoever reads them. fred sets the space aside at once, for
/// nine kinds of event: 300 bytes for each of these. On the connection for commands only the last error is read.
const COMMAND_EVENTS: usize = 16;

/// The same for subscriptions, whose messages come in bursts: a task hands on at most 128 of them before
/// their reader has its turn on the same thread. If some are dropped, all who wait look.
const SUBSCRIPTION_EVENTS: usize = 512;

/// The least time between two reconnections that a read-only server causes.
const FORCED_RECONNECTION_PAUSE: Duration = Duration::from_secs(1);

/// What both kinds of connection need to know.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    config: Config,
    command_timeout: Duration,
}

impl Endpoint {
    pub(crate) fn parse(url: &str, command_timeout: Duration) -> Result<Self, Error> {
        let refused = |reason: &str| {
            let message = format!(
                "the URL {reason}; expected such as \
                 `redis://[user:password@]host:6379[/database]` or `redis+unix:///path`"
            );
            Error::new("connect", ErrorKind::InvalidArgument(message))
        };
        // fred takes an unknown scheme for a plain host, whose name is then looked up in vain.
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        if !SCHEMES.contains(&scheme) {
            return Err(refused(&format!("does not begin with one of {}", SCHEMES.join(", "))));
        }
        let config = Config::from_url(url).map_err(|error| refused(error.details()))?;
        Ok(Self { config: Config { fail_fast: true, ..config }, command_timeout })
    }

    async fn connect(&self, events: usize) -> Result<Link, Error> {
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
            broadcast_channel_capacity: events,
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

/// A client and the task that drives it. That task keeps the client and its connection alive, so it is
/// aborted with the last handle: this closes the connection at once, on whatever thread the handle is
/// dropped, and even if no runtime is left that could send a QUIT.
struct Link {
    client: Client,
    task: AbortHandle,
}

impl Link {
    /// Connects. If this is given up half way, nothing goes on in the background.
    async fn open(client: Client) -> Result<Self, FredError> {
        let connected = client.clone();
        let mut connected = pin!(async move { connected.wait_for_connect().await });
        let mut link = None;
        // The first poll subscribes to the outcome, which the task must not come before.
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

/// What went wrong with the connection, read when it matters.
struct Errors {
    received: broadcast::Receiver<(FredError, Option<Server>)>,
    last: Option<FredError>,
}

/// The shared line for commands.
pub(crate) struct Connection {
    link: Link,
    runtime: StoreRuntime,
    command_timeout: Duration,
    last_forced: Mutex<Option<Instant>>,
    /// Whether the connection was made anew since somebody asked.
    reconnected: Arc<AtomicBool>,
    errors: Mutex<Errors>,
}

impl Connection {
    /// Opens a connection that lives in the current runtime.
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        let link = endpoint.connect(COMMAND_EVENTS).await?;
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

    /// Whether the connection was made anew since the last call: it may lead to another server now.
    pub(crate) fn take_reconnected(&self) -> bool {
        self.reconnected.load(Ordering::Relaxed) && self.reconnected.swap(false, Ordering::Relaxed)
    }

    /// Waits until there is a connection, for at most the command timeout.
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
            // `wait_for_connect` misses a connection made between the look and the call, so it is
            // given little time before the next look.
            let look = Duration::from_millis(25);
            let _ = tokio::time::timeout(look, client.wait_for_connect()).await;
        }
        Ok(())
    }

    /// Why there is no connection: what the server said to the last attempt, if it said anything.
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

    /// Sends one script call, by its hash, and its text if the server does not know it.
    pub(crate) async fn script(&self, call: &ScriptCall) -> Result<Reply, Fault> {
        self.ready().await?;
        match self.send(call.by_hash(fred::util::sha1_hash)).await {
            reply if is_unknown_script(&reply) => self.send(call.by_text()).await,
            reply => reply,
        }
    }

    /// Sends several script calls as one MULTI … EXEC. The first refusal stands for all, also when the
    /// server does not know one of the scripts.
    pub(crate) async fn scripts(&self, calls: &[&ScriptCall]) -> Result<Vec<Reply>, Fault> {
        let mut commands = vec![Command::new("MULTI")];
        commands.extend(calls.iter().map(|call| call.by_hash(fred::util::sha1_hash)));
        commands.push(Command::new("EXEC"));
        let mut replies = self.pipeline(commands).await?;
        match replies.pop() {
            Some(Ok(Reply::Array(results))) if results.len() == calls.len() => Ok(results),
            Some(Err(fault)) => Err(fault),
            other => Err(Fault::Lost(format!("no reply to EXEC: {other:?}"))),
        }
    }

    /// Sends several script calls at once, each a step of its own with its own reply. Those that the
    /// server does not know are sent again one by one.
    pub(crate) async fn scripts_apart(
        &self,
        calls: &[&ScriptCall],
    ) -> Result<Vec<Result<Reply, Fault>>, Fault> {
        let by_hash = calls.iter().map(|call| call.by_hash(fred::util::sha1_hash)).collect();
        let mut replies = self.pipeline(by_hash).await?;
        for (reply, call) in replies.iter_mut().zip(calls) {
            if is_unknown_script(reply) {
                *reply = self.send(call.by_text()).await;
            }
        }
        Ok(replies)
    }

    /// Sends several commands at once; each has its own reply.
    pub(crate) async fn pipeline(
        &self,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Reply, Fault>>, Fault> {
        self.ready().await?;
        let expected = commands.len();
        let pipeline = self.link.client.pipeline();
        for command in commands {
            let (command, args) = to_fred(command);
            // In a pipeline this only queues.
            let queued: Result<Value, FredError> = pipeline.custom(command, args).await;
            queued.map_err(|error| fault(&error))?;
        }
        let replies: Vec<Result<Value, FredError>> = pipeline.try_all().await;
        if replies.len() != expected {
            // One error stands for all when the line broke or the time ran out.
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
        // See the head of this file: a reply of three or four elements could pass for pub/sub.
        let asked_for = if (3..=4).contains(&wanted) { 5 } else { wanted };
        for key in keys.iter().cycle().take(asked_for) {
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
            self.look_for_the_primary();
        }
        fault
    }

    /// A server that has become a replica stays connected, so only a new connection, through the
    /// name or the proxy that now leads to the new primary, ends the refusals. Not fred's own
    /// `reconnect_errors`: they fail every other command in flight with the same error.
    fn look_for_the_primary(&self) {
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

impl crate::Store {
    /// The client underneath, for commands that metastore does not know.
    ///
    /// The one place where a type of fred is public; it changes when fred does. Commands sent through
    /// it bypass everything that metastore promises.
    #[must_use]
    pub fn fred_client(&self) -> Client {
        self.connection().link.client.clone()
    }
}

/// The line for subscriptions.
pub(crate) struct Subscriber {
    link: Link,
    messages: broadcast::Receiver<Message>,
    reconnections: broadcast::Receiver<Server>,
}

/// What happens on the line for subscriptions.
pub(crate) enum Event {
    /// Something was published on this channel.
    Message(String),
    /// Messages may have been missed: the line was down, or they came faster than they were read.
    Gap,
    /// The line is closed for good.
    Closed,
}

impl Subscriber {
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        let link = endpoint.connect(SUBSCRIPTION_EVENTS).await?;
        let messages = link.client.message_rx();
        let reconnections = link.client.reconnect_rx();
        Ok(Self { link, messages, reconnections })
    }

    /// Subscribes, and returns once the server has confirmed it or the line is down.
    pub(crate) async fn subscribe(&self, channels: Vec<String>) {
        if channels.is_empty() || !self.link.client.is_connected() {
            return;
        }
        let _ = self.link.client.subscribe(channels).await;
        let ping = CustomCommand::new_static("PING", ClusterHash::FirstKey, false);
        let _: Result<Value, FredError> = self.link.client.custom(ping, Vec::<Value>::new()).await;
    }

    pub(crate) async fn unsubscribe(&self, channel: String) {
        let _ = self.link.client.unsubscribe(channel).await;
    }

    pub(crate) async fn next(&mut self) -> Event {
        tokio::select! {
            message = self.messages.recv() => match message {
                Ok(message) => Event::Message(message.channel.to_string()),
                Err(RecvError::Lagged(_)) => Event::Gap,
                Err(RecvError::Closed) => Event::Closed,
            },
            reconnection = self.reconnections.recv() => match reconnection {
                Ok(_) | Err(RecvError::Lagged(_)) => Event::Gap,
                Err(RecvError::Closed) => Event::Closed,
            },
        }
    }
}

/// Nothing was carried out then: the server looks the script up before anything else.
fn is_unknown_script(reply: &Result<Reply, Fault>) -> bool {
    matches!(reply, Err(Fault::Refused(ErrorKind::Server(message))) if message.starts_with("NOSCRIPT"))
}

fn to_fred(command: Command) -> (CustomCommand, Vec<Value>) {
    let args = command.args.into_iter().map(Value::Bytes).collect();
    (CustomCommand::new_static(command.name, ClusterHash::FirstKey, false), args)
}

/// A reply, or what the server says against the command.
fn from_frame(frame: Resp3Frame) -> Result<Reply, String> {
    let array = |frames: Vec<Resp3Frame>| -> Result<_, String> {
        frames.into_iter().map(from_frame).collect()
    };
    Ok(match frame {
        Resp3Frame::Null => Reply::Nil,
        Resp3Frame::Number { data, .. } => Reply::Int(data),
        Resp3Frame::SimpleString { data, .. } | Resp3Frame::BlobString { data, .. } => {
            Reply::Data(data)
        }
        Resp3Frame::Array { data, .. } => Reply::Array(array(data)?),
        // See the head of this file: what this array begins with is fred's own.
        Resp3Frame::Push { mut data, .. } => Reply::Array(array(data.split_off(1))?),
        Resp3Frame::SimpleError { data, .. } => return Err(data.to_string()),
        _ => return Err("ERR the reply is of a kind that RESP2 does not have".to_owned()),
    })
}

fn to_reply(value: Value) -> Reply {
    match value {
        Value::Null => Reply::Nil,
        Value::Integer(number) => Reply::Int(number),
        Value::Boolean(yes) => Reply::Int(yes.into()),
        Value::Double(number) => Reply::Data(number.to_string().into()),
        Value::String(text) => Reply::Data(text.into_inner()),
        Value::Bytes(bytes) => Reply::Data(bytes),
        Value::Queued => Reply::Data(Bytes::from_static(b"QUEUED")),
        Value::Array(values) => Reply::Array(values.into_iter().map(to_reply).collect()),
        Value::Map(map) => Reply::Array(
            map.inner()
                .into_iter()
                .flat_map(|(key, value)| [Reply::Data(key.into_bytes()), to_reply(value)])
                .collect(),
        ),
    }
}

/// Tells a refusal by the server from a loss on the way.
fn fault(error: &FredError) -> Fault {
    let message = error.details();
    if let Some(kind) = refusal(message) {
        return Fault::Refused(kind);
    }
    match error.kind() {
        FredKind::Auth => Fault::Refused(ErrorKind::Auth(message.to_owned())),
        FredKind::Backpressure => {
            Fault::NotSent(format!("{COMMAND_BUFFER} commands are waiting already"))
        }
        FredKind::Config | FredKind::Url | FredKind::InvalidArgument => {
            Fault::Refused(ErrorKind::InvalidArgument(message.to_owned()))
        }
        _ => Fault::Lost(error.to_string()),
    }
}
