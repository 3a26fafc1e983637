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

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::clients::Client;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, TcpConfig,
};
use fred::types::{Builder, ClusterHash, CustomCommand, Message, Resp3Frame, Value};
use socket2::TcpKeepalive;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::args::Args;
use super::command::{Command, Fault, Reply};
use super::script::ScriptCall;
use crate::error::{Error, ErrorKind};

/// How many commands may wait in this process before further ones are refused.
const COMMAND_BUFFER: usize = 100_000;

/// How long a connection may stay without any answer from the peer's kernel.
const DEAD_PEER: Duration = Duration::from_secs(15);

/// What a URL may begin with.
const SCHEMES: [&str; 4] = ["redis", "valkey", "redis+unix", "valkey+unix"];

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

    async fn connect(&self) -> Result<Client, Error> {
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
            broadcast_channel_capacity: 4096,
            ..PerformanceConfig::default()
        };
        let client = Builder::from_config(self.config.clone())
            .set_policy(ReconnectPolicy::new_exponential(0, 20, 1_000, 2))
            .with_connection_config(|config| *config = connection)
            .with_performance_config(|config| *config = performance)
            .build()
            .map_err(|error| fault(&error).into_error("connect"))?;
        client.init().await.map_err(|error| fault(&error).into_error("connect"))?;
        Ok(client)
    }
}

/// The shared line for commands.
pub(crate) struct Connection {
    client: Client,
    command_timeout: Duration,
    last_forced: Mutex<Option<Instant>>,
    /// Whether the connection was made anew since somebody asked.
    reconnected: Arc<AtomicBool>,
}

impl Connection {
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        let client = endpoint.connect().await?;
        let command_timeout = endpoint.command_timeout;
        let last_forced = Mutex::new(None);
        let reconnected = Arc::new(AtomicBool::new(false));
        let noted = reconnected.clone();
        client.on_reconnect(move |_| {
            noted.store(true, Ordering::Relaxed);
            async { Ok(()) }
        });
        Ok(Self { client, command_timeout, last_forced, reconnected })
    }

    /// Whether the connection was made anew since the last call: it may lead to another server now.
    pub(crate) fn take_reconnected(&self) -> bool {
        self.reconnected.load(Ordering::Relaxed) && self.reconnected.swap(false, Ordering::Relaxed)
    }

    /// Waits until there is a connection, for at most the command timeout.
    async fn ready(&self) -> Result<(), Fault> {
        if self.client.is_connected() {
            return Ok(());
        }
        let deadline = tokio::time::Instant::now() + self.command_timeout;
        while !self.client.is_connected() {
            if tokio::time::Instant::now() >= deadline {
                let waited = self.command_timeout;
                return Err(Fault::NotSent(format!("no connection within {waited:?}")));
            }
            // `wait_for_connect` misses a connection made between the look and the call, so it is
            // given little time before the next look.
            let look = Duration::from_millis(25);
            let _ = tokio::time::timeout(look, self.client.wait_for_connect()).await;
        }
        Ok(())
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
        let pipeline = self.client.pipeline();
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
        match self.client.custom_raw(command, args).await.map(from_frame) {
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
        let client = self.client.clone();
        tokio::spawn(async move {
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
        self.connection().client.clone()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        quit(&self.client);
    }
}

/// fred's own task keeps its client alive, so dropping the handle alone would leave the connection
/// open.
fn quit(client: &Client) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let client = client.clone();
        runtime.spawn(async move {
            let _ = client.quit().await;
        });
    }
}

/// The line for subscriptions.
pub(crate) struct Subscriber {
    client: Client,
    messages: broadcast::Receiver<Message>,
    reconnections: broadcast::Receiver<fred::types::config::Server>,
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
        let client = endpoint.connect().await?;
        let messages = client.message_rx();
        let reconnections = client.reconnect_rx();
        Ok(Self { client, messages, reconnections })
    }

    /// Subscribes, and returns once the server has confirmed it or the line is down.
    pub(crate) async fn subscribe(&self, channels: Vec<String>) {
        if channels.is_empty() || !self.client.is_connected() {
            return;
        }
        let _ = self.client.subscribe(channels).await;
        let ping = CustomCommand::new_static("PING", ClusterHash::FirstKey, false);
        let _: Result<Value, FredError> = self.client.custom(ping, Vec::<Value>::new()).await;
    }

    pub(crate) async fn unsubscribe(&self, channel: String) {
        let _ = self.client.unsubscribe(channel).await;
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

impl Drop for Subscriber {
    fn drop(&mut self) {
        quit(&self.client);
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

/// Errors of the server begin with a word in capitals; fred's own do not.
pub(crate) fn refusal(message: &str) -> Option<ErrorKind> {
    let code = message.split_whitespace().next()?;
    if code.len() < 3 || !code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
        return None;
    }
    let text = message.to_owned();
    Some(match code {
        "OOM" => ErrorKind::OutOfMemory(text),
        "READONLY" => ErrorKind::ReadOnly(text),
        "LOADING" => ErrorKind::Loading,
        "WRONGTYPE" => ErrorKind::WrongType(text),
        "NOAUTH" | "WRONGPASS" | "NOPERM" => ErrorKind::Auth(text),
        "MASTERDOWN" | "CLUSTERDOWN" | "BUSY" | "TRYAGAIN" | "NOREPLICAS" | "MISCONF" => {
            ErrorKind::Unavailable(text)
        }
        _ => ErrorKind::Server(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_by_their_code_and_losses_by_the_lack_of_one() {
        assert!(matches!(refusal("OOM command not allowed"), Some(ErrorKind::OutOfMemory(_))));
        assert!(matches!(refusal("LOADING Redis is loading"), Some(ErrorKind::Loading)));
        assert!(matches!(refusal("ERR unknown command"), Some(ErrorKind::Server(_))));
        assert!(refusal("Connection closed.").is_none());
        assert!(refusal("Failed to route command.").is_none());
        assert!(refusal("").is_none());
    }
}
