//! Waiting for something to be published, without ever relying on the message.
//!
//! A message may be lost while the line is down, so a subscription tells only that it is time to
//! look: after each message, after each reconnection, and when messages came too fast. One task owns
//! the line and the table of channels, so that subscribing and unsubscribing stay in order.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot, watch};

use super::command::Fault;
use super::connection::{Endpoint, Event, Subscriber};
use super::runtime::StoreRuntime;
use crate::error::Error;

/// The subscriptions of one store.
pub(crate) struct Hub {
    requests: mpsc::UnboundedSender<Request>,
    runtime: StoreRuntime,
}

enum Request {
    Subscribe { channel: String, reply: oneshot::Sender<Subscription> },
    Unsubscribe { channel: String },
}

struct Channel {
    changes: watch::Sender<u64>,
    subscriptions: usize,
}

/// One subscription; dropping it ends it.
pub(crate) struct Subscription {
    channel: String,
    changes: watch::Receiver<u64>,
    requests: mpsc::UnboundedSender<Request>,
}

impl Hub {
    /// Opens a connection that lives in the runtime of the store, whoever subscribes first.
    pub(crate) async fn open(endpoint: &Endpoint, runtime: &StoreRuntime) -> Result<Self, Error> {
        let endpoint = endpoint.clone();
        let opening = runtime.spawn(async move {
            let subscriber = Subscriber::open(&endpoint).await?;
            let (requests, inbox) = mpsc::unbounded_channel();
            tokio::spawn(run(subscriber, inbox, requests.downgrade()));
            Ok(requests)
        });
        let ended = |fault: Fault| fault.into_error("subscribe");
        let opened = runtime.answer(opening).await.map_err(ended)?;
        let requests = opened.unwrap_or_else(|_| Err(ended(Fault::RuntimeEnded)))?;
        Ok(Self { requests, runtime: runtime.clone() })
    }

    /// Subscribes. On return the server has confirmed it, or the line is down, in which case its
    /// return counts as a change.
    pub(crate) async fn subscribe(&self, channel: String) -> Result<Subscription, Error> {
        let (reply, subscription) = oneshot::channel();
        if self.requests.send(Request::Subscribe { channel, reply }).is_err() {
            return Err(self.closed().await);
        }
        match self.runtime.answer(subscription).await {
            Ok(Ok(subscription)) => Ok(subscription),
            Ok(Err(_)) => Err(self.closed().await),
            Err(fault) => Err(fault.into_error("subscribe")),
        }
    }

    /// Why nothing answers here any more.
    async fn closed(&self) -> Error {
        let fault = if self.runtime.is_ending().await {
            Fault::RuntimeEnded
        } else {
            Fault::NotSent("the connection for subscriptions is closed".to_owned())
        };
        fault.into_error("subscribe")
    }
}

impl Subscription {
    /// Returns when it is time to look. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // The hub is gone with its store; only deadlines and sweeps are left to the caller.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let _ =
            self.requests.send(Request::Unsubscribe { channel: std::mem::take(&mut self.channel) });
    }
}

/// Runs until the hub and all its subscriptions are gone; `requests` must not keep it alive itself.
async fn run(
    mut subscriber: Subscriber,
    mut inbox: mpsc::UnboundedReceiver<Request>,
    requests: mpsc::WeakUnboundedSender<Request>,
) {
    let mut channels: HashMap<String, Channel> = HashMap::new();
    loop {
        tokio::select! {
            request = inbox.recv() => match request {
                Some(Request::Subscribe { channel, reply }) => {
                    let Some(requests) = requests.upgrade() else { return };
                    if !channels.contains_key(&channel) {
                        subscriber.subscribe(vec![channel.clone()]).await;
                    }
                    let entry = channels.entry(channel.clone()).or_insert_with(|| Channel {
                        changes: watch::Sender::new(0),
                        subscriptions: 0,
                    });
                    entry.subscriptions += 1;
                    // If the caller gave up meanwhile, what was sent is dropped, and that ends it.
                    let _ = reply.send(Subscription {
                        channel,
                        changes: entry.changes.subscribe(),
                        requests,
                    });
                }
                Some(Request::Unsubscribe { channel }) => {
                    if let Some(entry) = channels.get_mut(&channel) {
                        entry.subscriptions -= 1;
                        if entry.subscriptions == 0 {
                            channels.remove(&channel);
                            subscriber.unsubscribe(channel).await;
                        }
                    }
                }
                None => return,
            },
            event = subscriber.next() => match event {
                Event::Message(channel) => {
                    if let Some(entry) = channels.get(&channel) {
                        entry.changes.send_modify(|count| *count += 1);
                    }
                }
                Event::Gap => {
                    subscriber.subscribe(channels.keys().cloned().collect()).await;
                    for entry in channels.values() {
                        entry.changes.send_modify(|count| *count += 1);
                    }
                }
                Event::Closed => return,
            },
        }
    }
}
