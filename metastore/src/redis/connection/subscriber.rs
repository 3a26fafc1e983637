//! The connection for subscriptions.

use fred::error::Error as FredError;
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::config::Server;
use fred::types::{ClusterHash, CustomCommand, Message, Value};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::endpoint::{Endpoint, Link};
use crate::error::Error;

/// How many events are kept until they are read. Messages arrive in bursts: a task forwards at
/// most 128 of them before their reader runs on the same thread. If some are dropped, all
/// subscribers are notified.
const EVENT_BUFFER: usize = 512;

/// The connection for subscriptions.
pub(crate) struct Subscriber {
    link: Link,
    messages: broadcast::Receiver<Message>,
    reconnections: broadcast::Receiver<Server>,
}

/// An event on the connection for subscriptions.
pub(crate) enum SubscriberEvent {
    /// A message was published on a channel.
    Message { channel: String, text: String },
    /// Messages may be missing: the connection was lost, or they arrived faster than they were
    /// read.
    Gap,
    /// The connection is closed for good.
    Closed,
}

impl Subscriber {
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        let link = endpoint.connect(EVENT_BUFFER).await?;
        let messages = link.client.message_rx();
        let reconnections = link.client.reconnect_rx();
        Ok(Self { link, messages, reconnections })
    }

    /// Subscribes, and returns once the server has confirmed it or the connection is lost.
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

    pub(crate) async fn next(&mut self) -> SubscriberEvent {
        tokio::select! {
            message = self.messages.recv() => match message {
                Ok(message) => SubscriberEvent::Message {
                    channel: message.channel.to_string(),
                    text: message.value.as_string().unwrap_or_default(),
                },
                Err(RecvError::Lagged(_)) => SubscriberEvent::Gap,
                Err(RecvError::Closed) => SubscriberEvent::Closed,
            },
            reconnection = self.reconnections.recv() => match reconnection {
                Ok(_) | Err(RecvError::Lagged(_)) => SubscriberEvent::Gap,
                Err(RecvError::Closed) => SubscriberEvent::Closed,
            },
        }
    }
}
