//! `WakeUp`: notifications that a queue may have jobs.

use super::transformation_queue::Queue;
use crate::document::Document;
use crate::error::Result;
use crate::redis::command::Verdict;
use crate::redis::pubsub::Subscription;
use crate::redis::script::{MAY_PUBLISH, ScriptCall};

/// A subscription to the notifications of a queue for one worker; made by [`Queue::wake_up`] and
/// [`Queue::cancellations`].
pub struct WakeUp(Subscription);

impl WakeUp {
    /// Returns when there may be something to do: after a notification, and after each
    /// reconnection.
    ///
    /// Cancel-safe.
    pub async fn notified(&mut self) {
        self.0.changed().await;
    }
}

impl<T: Document> Queue<T> {
    /// Subscribes to the notifications for one worker, by the name that it takes jobs under, see
    /// [`TakeOptions::channel`](super::TakeOptions::channel). A worker is notified once when there
    /// are jobs, after a take that left it room. One that cannot take them passes the notification
    /// on by a take of zero jobs.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    pub async fn wake_up(&self, channel: &str) -> Result<WakeUp> {
        self.repo.store().subscribe(self.keys.wake(channel)).await.map(WakeUp)
    }

    /// Subscribes to the notification that jobs which this worker runs have been cancelled; a
    /// renewal of their leases says which.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    pub async fn cancellations(&self, channel: &str) -> Result<WakeUp> {
        self.repo.store().subscribe(self.keys.cancel(channel)).await.map(WakeUp)
    }

    /// Whether the user may publish the notifications of this queue and of its jobs. Without that
    /// right jobs still run, but workers and waiting callers notice changes only when they poll.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Auth`, `Unavailable`.
    pub async fn may_publish(&self) -> Result<bool> {
        const OPERATION: &str = "may_publish";
        let call = self.begin(ScriptCall::new(&MAY_PUBLISH));
        let reply = self.repo.store().reader().script(&call).await;
        let reply =
            reply.map_err(|fault| fault.into_error(OPERATION).at(self.keys.jobs.clone()))?;
        Ok(Verdict::from_reply(reply, OPERATION)?.number(OPERATION)? == 1)
    }
}
