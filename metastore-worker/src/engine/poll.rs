//! Polling the queues: finds jobs after a lost notification, and the jobs of crashed workers.

use metastore::queue::QueueStats;

use super::event::BackgroundEvent;
use super::state::{Engine, Mode};
use crate::metrics;

impl Engine {
    /// Polls all queues: one round trip for each store, and a second one if it has any jobs.
    pub(super) fn poll(&mut self) {
        for (store, queues) in self.stores.iter_mut().enumerate() {
            if std::mem::replace(&mut queues.is_polling, true) {
                continue;
            }
            let set = queues.set.clone();
            // `is_idle` ignores dead jobs, so only the statistics can update their gauge.
            let needs_stats =
                std::mem::take(&mut queues.are_gauges_outdated) && metrics::ARE_ENABLED;
            self.background.spawn(async move {
                let is_idle = if needs_stats { Ok(false) } else { set.is_idle().await };
                let stats = match is_idle {
                    Ok(true) => Ok(None),
                    Ok(false) => set.poll().await.map(Some),
                    Err(error) => Err(error),
                };
                BackgroundEvent::Polled { store, stats }
            });
        }
    }

    pub(super) fn polled(
        &mut self,
        store: usize,
        stats: metastore::Result<Option<Vec<QueueStats>>>,
    ) {
        let queues = &mut self.stores[store];
        queues.is_polling = false;
        queues.is_idle = false;
        let stats = match stats {
            Ok(stats) => stats,
            Err(error) => {
                self.control.record_contact(store, Some(error.to_string()));
                // The attempt to take jobs logs the error, once for each queue.
                for &index in &queues.queues {
                    self.queues[index].set_may_have_jobs();
                }
                return;
            }
        };
        self.control.record_contact(store, None);
        queues.are_gauges_outdated = stats.as_ref().is_some_and(|stats| {
            stats.iter().any(|stats| stats.waiting + stats.delayed + stats.running > 0)
        });
        let has_stats = stats.is_some();
        let stats = stats.unwrap_or_else(|| vec![QueueStats::default(); queues.queues.len()]);
        let fast_forward = self.config.fast_forward;
        queues.is_idle = true;
        for (&index, stats) in queues.queues.iter().zip(stats) {
            let queue = &mut self.queues[index];
            metrics::queue_polled(queue.label(), &stats, has_stats.then_some(stats.dead));
            let is_ready = stats.ready || (fast_forward && stats.delayed > 0 && !stats.paused);
            if is_ready {
                queue.set_may_have_jobs();
            }
            // A paused queue counts as idle.
            queues.is_idle &= !is_ready && stats.running == 0;
        }
        if self.mode == Mode::UntilIdle {
            // Polls again, because another worker may be running jobs.
            self.control.wake.notify_one();
        }
    }
}
