//! Subscribing to the notifications of the queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use super::state::Engine;
use crate::control::Control;
use crate::handler::ErasedHandler;

impl Engine {
    /// Subscribes to the notifications of all queues, as background tasks.
    pub(super) fn subscribe(&self) -> JoinSet<()> {
        let mut subscriptions = JoinSet::new();
        for (index, queue) in self.queues.iter().enumerate() {
            let (handler, may_have_jobs) = (queue.handler.clone(), queue.may_have_jobs.clone());
            subscriptions.spawn(subscribe(index, handler, may_have_jobs, self.control.clone()));
        }
        subscriptions
    }
}

/// Sets the flag at each notification. Retries a failed subscription forever.
async fn subscribe(
    index: usize,
    handler: Arc<dyn ErasedHandler>,
    may_have_jobs: Arc<AtomicBool>,
    control: Arc<Control>,
) {
    loop {
        match handler.wake_up().await {
            Ok(mut wake_up) => {
                control.status().disconnected[index] = false;
                loop {
                    // Set at once too: a job may have been requested before the subscription.
                    may_have_jobs.store(true, Ordering::Release);
                    control.wake.notify_one();
                    wake_up.notified().await;
                }
            }
            Err(error) => {
                control.status().disconnected[index] = true;
                let queue = &**handler.label();
                tracing::warn!(queue, %error, "cannot subscribe to the queue; polling continues");
                tokio::time::sleep(control.poll_interval).await;
            }
        }
    }
}
