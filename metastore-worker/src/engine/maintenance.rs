//! Maintenance: removing expired items from the indexes, and warning about unhandled queues.

use metastore::queue::QueueStats;
use tokio::time::Instant;

use super::event::BackgroundEvent;
use super::state::{Engine, Mode};

/// The most calls in one turn of a collection. Each call removes up to 500 items.
const MAX_CALLS: usize = 200;

impl Engine {
    pub(super) fn maintain(&mut self, now: Instant) {
        if self.maintenance.reap_at.is_some_and(|at| at <= now) {
            self.maintenance.reap_at = Some(now + self.maintenance.pause(&self.config));
            self.reap();
        }
        if self.maintenance.check_at <= now {
            self.maintenance.check_at = now + self.config.maintenance_interval;
            self.check_unhandled();
            // The number of dead jobs may change without this worker.
            for store in &mut self.stores {
                store.are_gauges_outdated = true;
            }
        }
    }

    /// Removes the expired items of the next collection.
    fn reap(&mut self) {
        let plan = &mut self.maintenance;
        if std::mem::replace(&mut plan.is_reaping, true) {
            return;
        }
        plan.turn = (plan.turn + 1) % plan.expiring.len();
        let collection = plan.expiring[plan.turn].clone();
        self.background.spawn(async move {
            for _ in 0..MAX_CALLS {
                match collection.reap().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        let collection = collection.address();
                        // The attempts to take jobs log that the server is unavailable.
                        if error.is_retryable() {
                            tracing::debug!(collection, %error, "cannot remove expired items yet");
                        } else {
                            tracing::warn!(collection, %error, "cannot remove expired items");
                        }
                        break;
                    }
                }
            }
            BackgroundEvent::Reaped
        });
    }

    pub(super) fn reaped(&mut self) {
        self.maintenance.is_reaping = false;
    }

    /// Checks the queues without a handler: one round trip for each store, and up to two more if it
    /// has jobs.
    fn check_unhandled(&mut self) {
        for (number, queues) in self.maintenance.unhandled.iter_mut().enumerate() {
            if std::mem::replace(&mut queues.is_checking, true) {
                continue;
            }
            let set = queues.set.clone();
            self.background.spawn(async move {
                let found = match set.is_idle().await {
                    Ok(true) => Ok(Vec::new()),
                    Ok(false) => set.unattended().await,
                    Err(error) => Err(error),
                };
                BackgroundEvent::Checked { number, found }
            });
        }
    }

    pub(super) fn checked(
        &mut self,
        number: usize,
        found: metastore::Result<Vec<(usize, QueueStats)>>,
    ) {
        let queues = &mut self.maintenance.unhandled[number];
        queues.is_checking = false;
        let server = &queues.server;
        let found = found.unwrap_or_else(|error| {
            tracing::debug!(server, %error, "cannot check the queues without a handler");
            Vec::new()
        });
        for (queue, stats) in found {
            if !std::mem::replace(&mut queues.are_logged[queue], true) {
                tracing::warn!(
                    queue = queues.labels[queue],
                    server,
                    jobs = stats.waiting + stats.delayed,
                    oldest = ?stats.oldest,
                    "no worker handles the jobs of this queue; they stay queued"
                );
            }
        }
        if self.mode == Mode::UntilIdle {
            self.control.wake.notify_one();
        }
    }
}
