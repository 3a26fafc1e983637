//! Hearing of jobs as they come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use super::Engine;
use crate::control::Control;
use crate::lane::Lane;

impl Engine {
    /// Listens to the wake-up calls of all queues.
    pub(super) fn listen(&self) -> JoinSet<()> {
        let mut listeners = JoinSet::new();
        for (index, track) in self.tracks.iter().enumerate() {
            let (lane, hot) = (track.lane.clone(), track.hot.clone());
            listeners.spawn(listen(index, lane, hot, self.control.clone()));
        }
        listeners
    }
}

/// Marks a lane as hot whenever its queue announces something. Subscribes again for ever.
async fn listen(index: usize, lane: Arc<dyn Lane>, hot: Arc<AtomicBool>, control: Arc<Control>) {
    loop {
        match lane.wake_up().await {
            Ok(mut wake_up) => {
                control.seen().deaf[index] = false;
                loop {
                    // Also once at the beginning: something may have come before the subscription.
                    hot.store(true, Ordering::Release);
                    control.wake.notify_one();
                    wake_up.notified().await;
                }
            }
            Err(error) => {
                control.seen().deaf[index] = true;
                let lane = &**lane.label();
                tracing::warn!(lane, %error, "cannot listen, the sweep goes on");
                tokio::time::sleep(control.poll_interval).await;
            }
        }
    }
}
