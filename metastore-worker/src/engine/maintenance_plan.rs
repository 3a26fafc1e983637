//! `MaintenancePlan`: which collections and queues are maintained, and when.

use std::sync::Arc;
use std::time::Duration;

use metastore::queue::QueueSet;
use tokio::time::Instant;

use crate::collection::MaintainedCollection;
use crate::config::Config;

/// The least time between two collections, so that many collections do not keep an idle worker
/// busy.
const MIN_PAUSE: Duration = Duration::from_secs(4);

pub(super) struct MaintenancePlan {
    /// The collections whose items expire. They take turns.
    pub(super) expiring: Vec<Arc<dyn MaintainedCollection>>,
    pub(super) turn: usize,
    pub(super) is_reaping: bool,
    pub(super) reap_at: Option<Instant>,
    /// The queues of the worker's collections without a handler, by store.
    pub(super) unhandled: Vec<UnhandledQueues>,
    pub(super) check_at: Instant,
}

pub(super) struct UnhandledQueues {
    pub(super) server: String,
    pub(super) set: Arc<QueueSet>,
    pub(super) labels: Vec<String>,
    /// For each queue, whether its waiting jobs have been logged.
    pub(super) are_logged: Vec<bool>,
    pub(super) is_checking: bool,
}

impl MaintenancePlan {
    pub(super) fn new(
        collections: &[Arc<dyn MaintainedCollection>],
        handled: &[Arc<str>],
        config: &Config,
        until_idle: bool,
    ) -> Self {
        let mut unhandled = Vec::new();
        for (position, first) in collections.iter().enumerate() {
            let store = first.store();
            if collections[..position].iter().any(|earlier| earlier.store().is_same_as(store)) {
                continue;
            }
            let mut set = QueueSet::new(store);
            let of_store = collections.iter().filter(|other| other.store().is_same_as(store));
            let labels: Vec<String> = of_store
                .flat_map(|collection| collection.add_unhandled(handled, &mut set))
                .collect();
            if !labels.is_empty() {
                unhandled.push(UnhandledQueues {
                    server: store.server().to_owned(),
                    set: Arc::new(set),
                    are_logged: vec![false; labels.len()],
                    labels,
                    is_checking: false,
                });
            }
        }
        let expires =
            |collection: &&Arc<dyn MaintainedCollection>| collection.expires() && !until_idle;
        let expiring: Vec<_> = collections.iter().filter(expires).cloned().collect();
        let now = Instant::now();
        // Workers that start at the same time have subscribed by then. A worker that runs until it
        // is idle checks at once.
        let delay = if until_idle { Duration::ZERO } else { config.poll_interval };
        let mut plan = Self {
            expiring,
            turn: 0,
            is_reaping: false,
            reap_at: None,
            unhandled,
            check_at: now + delay,
        };
        if !plan.expiring.is_empty() {
            // Random, so that workers that start at the same time take turns.
            plan.reap_at = Some(now + plan.pause(config).mul_f64(fastrand::f64()));
        }
        plan
    }

    /// When the next maintenance is due.
    pub(super) fn next_time(&self) -> Instant {
        self.reap_at.map_or(self.check_at, |at| at.min(self.check_at))
    }

    /// Whether a check of unhandled queues is in flight.
    pub(super) fn is_checking(&self) -> bool {
        self.unhandled.iter().any(|queues| queues.is_checking)
    }

    pub(super) fn pause(&self, config: &Config) -> Duration {
        pause(config.maintenance_interval, self.expiring.len())
    }
}

/// The time between two collections. Each has its turn once in an interval, unless the pauses would
/// be too short.
fn pause(interval: Duration, collections: usize) -> Duration {
    let count = u32::try_from(collections).unwrap_or(u32::MAX).max(1);
    (interval / count).max(MIN_PAUSE.min(interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_collections_do_not_make_an_idle_worker_busy() {
        let minute = Duration::from_secs(60);
        for (interval, collections, expected) in [
            (minute, 1, minute),
            (minute, 4, Duration::from_secs(15)),
            (minute, 15, MIN_PAUSE),
            (minute, 1_000, MIN_PAUSE),
            (Duration::from_millis(200), 8, Duration::from_millis(200)),
        ] {
            assert_eq!(pause(interval, collections), expected, "{collections} collections");
        }
    }
}
