//! Subscribing to the notifications of the queues.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;

use super::handler_queue::Notified;
use super::state::Engine;
use crate::control::Control;
use crate::handler::ErasedHandler;
use crate::lease::LeaseTable;

impl Engine {
    /// Subscribes to the notifications of all queues, as background tasks.
    pub(super) fn subscribe(&self) -> JoinSet<()> {
        let mut subscriptions = JoinSet::new();
        for (index, queue) in self.queues.iter().enumerate() {
            let subscription = Subscription {
                index,
                handler: queue.handler.clone(),
                control: self.control.clone(),
                channel: self.channel.clone(),
            };
            let leases = self.keeper.tables[queue.store].clone();
            subscriptions.spawn(subscription.clone().wake_ups(queue.notified.clone()));
            subscriptions.spawn(subscription.cancellations(leases));
        }
        subscriptions
    }
}

#[derive(Clone)]
struct Subscription {
    index: usize,
    handler: Arc<dyn ErasedHandler>,
    control: Arc<Control>,
    channel: Arc<str>,
}

impl Subscription {
    /// Sets the flags at each notification. Retries a failed subscription forever.
    async fn wake_ups(self, notified: Arc<Notified>) {
        loop {
            match self.handler.wake_up(&self.channel).await {
                Ok(mut wake_up) => {
                    self.control.status().disconnected[self.index] = false;
                    loop {
                        // Set at once too: a job may have been requested before the subscription.
                        notified.may_have_jobs.store(true, Ordering::Release);
                        self.control.wake.notify_one();
                        wake_up.notified().await;
                        // If this worker has no room, another one must be notified instead.
                        notified.is_woken.store(true, Ordering::Release);
                    }
                }
                Err(error) => {
                    self.control.status().disconnected[self.index] = true;
                    let queue = &**self.handler.label();
                    tracing::warn!(queue, %error, "cannot subscribe to the queue; polling continues");
                    tokio::time::sleep(self.control.poll_interval).await;
                }
            }
        }
    }

    /// Renews the leases of running jobs at each notification that some have been cancelled: the
    /// leases of those are gone.
    async fn cancellations(self, leases: Arc<LeaseTable>) {
        loop {
            match self.handler.cancellations(&self.channel).await {
                Ok(mut cancellations) => loop {
                    leases.request_renewal();
                    cancellations.notified().await;
                },
                Err(error) => {
                    let queue = &**self.handler.label();
                    tracing::debug!(queue, %error, "cannot subscribe to cancellations");
                    tokio::time::sleep(self.control.poll_interval).await;
                }
            }
        }
    }
}
