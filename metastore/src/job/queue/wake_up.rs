//! `WakeUp`: notifications that a queue may have jobs.

use super::transformation_queue::Queue;
use crate::document::Document;
use crate::error::Result;
use crate::redis::command::Verdict;
use crate::redis::pubsub::Subscription;
use crate::redis::script::{MAY_PUBLISH, ScriptCall};

/// A subscription to the notifications of a queue; made by [`Queue::wake_up`].
pub struct WakeUp(Subscription);

impl WakeUp {
    /// Returns when the queue may have jobs: after a notification, and after each reconnection.
    ///
    /// Cancel-safe.
    pub async fn notified(&mut self) {
        self.0.changed().await;
    }
}

impl<T: Document> Queue<T> {
    /// Subscribes to the notification that is published when the queue turns from empty to not
    /// empty.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    pub async fn wake_up(&self) -> Result<WakeUp> {
        self.repo.store().subscribe(self.keys.wake.clone()).await.map(WakeUp)
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
        let at = self.repo.address();
        let call = self.names(ScriptCall::new(&MAY_PUBLISH).key(at.index()));
        let reply = self.repo.store().reader().script(&call).await;
        let reply = reply.map_err(|fault| fault.into_error(OPERATION).at(at.index()))?;
        Ok(Verdict::from_reply(reply, OPERATION)?.number(OPERATION)? == 1)
    }
}
