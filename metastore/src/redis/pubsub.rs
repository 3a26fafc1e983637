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
    Subscribe { channel: String, topic: Option<String>, reply: oneshot::Sender<Subscription> },
    Unsubscribe { channel: String, topic: Option<String> },
}

/// The subscriptions of one channel, by topic: a message holds topics, separated by spaces. `None`
/// is for all messages.
#[derive(Default)]
struct Channel(HashMap<Option<String>, Topic>);

struct Topic {
    changes: watch::Sender<u64>,
    subscriptions: usize,
}

/// One subscription; dropping it ends it.
pub(crate) struct Subscription {
    channel: String,
    topic: Option<String>,
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

    /// Subscribes to the messages of a channel that hold this topic, or to all. When it returns,
    /// the server has confirmed the subscription, or the connection is down, and then the
    /// reconnection is reported as a change.
    pub(crate) async fn subscribe(
        &self,
        channel: String,
        topic: Option<String>,
    ) -> Result<Subscription, Error> {
        let (reply, subscription) = oneshot::channel();
        if self.requests.send(Request::Subscribe { channel, topic, reply }).is_err() {
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
        let (channel, topic) = (std::mem::take(&mut self.channel), self.topic.take());
        let _ = self.requests.send(Request::Unsubscribe { channel, topic });
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
                Some(Request::Subscribe { channel, topic, reply }) => {
                    let Some(requests) = requests.upgrade() else { return };
                    let mut new = Vec::new();
                    add(&mut channels, channel, topic, reply, &requests, &mut new);
                    // Those that wait already join, so that many callers need one command.
                    let mut ended = Vec::new();
                    while let Ok(request) = inbox.try_recv() {
                        match request {
                            Request::Subscribe { channel, topic, reply } => {
                                add(&mut channels, channel, topic, reply, &requests, &mut new);
                            }
                            Request::Unsubscribe { channel, topic } => ended.push((channel, topic)),
                        }
                    }
                    let names: Vec<String> = new.iter().filter(|(_, _, is_new)| *is_new)
                        .map(|(_, subscription, _)| subscription.channel.clone()).collect();
                    if !names.is_empty() {
                        subscriber.subscribe(names).await;
                    }
                    for (reply, subscription, _) in new {
                        // If the caller has stopped waiting, the subscription is dropped, which
                        // ends it.
                        let _ = reply.send(subscription);
                    }
                    for (channel, topic) in ended {
                        end(&mut channels, &subscriber, channel, topic).await;
                    }
                }
                Some(Request::Unsubscribe { channel, topic }) => {
                    end(&mut channels, &subscriber, channel, topic).await;
                }
                None => return,
            },
            event = subscriber.next() => match event {
                SubscriberEvent::Message { channel, text } => {
                    if let Some(channel) = channels.get(&channel) {
                        channel.notify(&text);
                    }
                }
                SubscriberEvent::Gap => {
                    subscriber.subscribe(channels.keys().cloned().collect()).await;
                    for topic in channels.values().flat_map(|channel| channel.0.values()) {
                        topic.notify();
                    }
                }
                SubscriberEvent::Closed => return,
            },
        }
    }
}

/// A caller, its subscription, and whether its channel is new.
type NewSubscription = (oneshot::Sender<Subscription>, Subscription, bool);

fn add(
    channels: &mut HashMap<String, Channel>,
    channel: String,
    topic: Option<String>,
    reply: oneshot::Sender<Subscription>,
    requests: &mpsc::UnboundedSender<Request>,
    new: &mut Vec<NewSubscription>,
) {
    let is_new = !channels.contains_key(&channel);
    let topics = &mut channels.entry(channel.clone()).or_default().0;
    let entry = topics
        .entry(topic.clone())
        .or_insert_with(|| Topic { changes: watch::Sender::new(0), subscriptions: 0 });
    entry.subscriptions += 1;
    let changes = entry.changes.subscribe();
    new.push((reply, Subscription { channel, topic, changes, requests: requests.clone() }, is_new));
}

async fn end(
    channels: &mut HashMap<String, Channel>,
    subscriber: &Subscriber,
    channel: String,
    topic: Option<String>,
) {
    let Some(topics) = channels.get_mut(&channel).map(|channel| &mut channel.0) else { return };
    let Some(entry) = topics.get_mut(&topic) else { return };
    entry.subscriptions -= 1;
    if entry.subscriptions == 0 {
        topics.remove(&topic);
    }
    if topics.is_empty() {
        channels.remove(&channel);
        subscriber.unsubscribe(channel).await;
    }
}

impl Channel {
    fn notify(&self, text: &str) {
        if let Some(all) = self.0.get(&None) {
            all.notify();
            if self.0.len() == 1 {
                return;
            }
        }
        for topic in text.split(' ') {
            if let Some(topic) = self.0.get(&Some(topic.to_owned())) {
                topic.notify();
            }
        }
    }
}

impl Topic {
    fn notify(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}
