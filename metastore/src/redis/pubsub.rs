//! Subscriptions to channels, without relying on the delivery of each message.
//!
//! A message may be lost while the connection is down. So a subscription only reports that
//! something may have changed: after each message, after each reconnection, and when messages
//! arrived too fast. One task owns the connection and the table of channels, so that subscribing
//! and unsubscribing stay in order.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot, watch};

use super::command::Fault;
use super::connection::{Endpoint, Subscriber, SubscriberEvent};
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
    /// Opens a connection that lives in the runtime of the store, whichever
    /// runtime subscribes first.
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

    /// Subscribes. When it returns, the server has confirmed the subscription, or the connection is
    /// down, and then the reconnection is reported as a change.
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

    /// Why there is no reply any more.
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
    /// Returns when something may have changed. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // The hub was dropped with its store: only the timers of the caller can wake it.
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
                    // If the caller has stopped waiting, the subscription is
                    // dropped, which ends it.
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
                SubscriberEvent::Message(channel) => {
                    if let Some(entry) = channels.get(&channel) {
                        entry.changes.send_modify(|count| *count += 1);
                    }
                }
                SubscriberEvent::Gap => {
                    subscriber.subscribe(channels.keys().cloned().collect()).await;
                    for entry in channels.values() {
                        entry.changes.send_modify(|count| *count += 1);
                    }
                }
                SubscriberEvent::Closed => return,
            },
        }
    }
}
