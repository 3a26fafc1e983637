//! What needs no hurry: expired items are forgotten, and queues that nobody handles are told of.

use std::sync::Arc;
use std::time::Duration;

use metastore::queue::{QueueSet, QueueStats};
use tokio::time::Instant;

use super::{Beside, Engine, Mode, Track};
use crate::config::Config;
use crate::kept::Kept;

/// The least time between two collections, so that many of them do not make an idle worker busy.
const PAUSE: Duration = Duration::from_secs(4);

/// How often a collection is asked to forget in its turn. Each call forgets up to 500 items.
const MAX_CALLS: usize = 200;

/// When what is next looked after.
pub(super) struct Upkeep {
    /// The collections whose items expire. They take turns.
    expiring: Vec<Arc<dyn Kept>>,
    turn: usize,
    reaping: bool,
    reap_at: Option<Instant>,
    /// The queues of the worker's collections that it has no handler for, by store.
    others: Vec<Others>,
    look_at: Instant,
}

struct Others {
    server: String,
    set: Arc<QueueSet>,
    labels: Vec<String>,
    told: Vec<bool>,
    looking: bool,
}

impl Upkeep {
    pub(super) fn new(
        kept: &[Arc<dyn Kept>],
        tracks: &[Track],
        config: &Config,
        mode: Mode,
    ) -> Self {
        let now = Instant::now();
        let handled: Vec<Arc<str>> =
            tracks.iter().map(|track| track.lane.label().clone()).collect();
        let mut others = Vec::new();
        for (position, first) in kept.iter().enumerate() {
            let store = first.store();
            if kept[..position].iter().any(|earlier| earlier.store().is_same_as(store)) {
                continue;
            }
            let mut set = QueueSet::new(store);
            let of_store = kept.iter().filter(|kept| kept.store().is_same_as(store));
            let labels: Vec<String> =
                of_store.flat_map(|kept| kept.join_others(&handled, &mut set)).collect();
            if !labels.is_empty() {
                let (set, told) = (Arc::new(set), vec![false; labels.len()]);
                let server = store.server().to_owned();
                others.push(Others { server, set, labels, told, looking: false });
            }
        }
        let until_idle = mode == Mode::UntilIdle;
        let expires = |kept: &&Arc<dyn Kept>| kept.expires() && !until_idle;
        let expiring: Vec<_> = kept.iter().filter(expires).cloned().collect();
        // Workers that were started together listen by then; one that runs until it is idle is alone.
        let wait = if until_idle { Duration::ZERO } else { config.poll_interval };
        let look_at = now + wait;
        let mut upkeep = Self { expiring, turn: 0, reaping: false, reap_at: None, others, look_at };
        if !upkeep.expiring.is_empty() {
            // At random, so that workers that were started together take turns.
            upkeep.reap_at = Some(now + upkeep.pause(config).mul_f64(fastrand::f64()));
        }
        upkeep
    }

    /// When something is to be done.
    pub(super) fn next_time(&self) -> Instant {
        self.reap_at.map_or(self.look_at, |at| at.min(self.look_at))
    }

    /// Whether it is still to be found out if there is something to tell.
    pub(super) fn is_looking(&self) -> bool {
        self.others.iter().any(|others| others.looking)
    }

    fn pause(&self, config: &Config) -> Duration {
        pause(config.maintenance_interval, self.expiring.len())
    }
}

/// From one collection to the next: each has its turn once in an interval, if that leaves pauses enough.
fn pause(interval: Duration, collections: usize) -> Duration {
    let count = u32::try_from(collections).unwrap_or(u32::MAX).max(1);
    (interval / count).max(PAUSE.min(interval))
}

impl Engine {
    pub(super) fn keep_up(&mut self, now: Instant) {
        if self.upkeep.reap_at.is_some_and(|at| at <= now) {
            self.upkeep.reap_at = Some(now + self.upkeep.pause(&self.config));
            self.reap();
        }
        if self.upkeep.look_at <= now {
            self.upkeep.look_at = now + self.config.maintenance_interval;
            self.look_at_others();
            self.stale.fill(true);
        }
    }

    fn reap(&mut self) {
        let upkeep = &mut self.upkeep;
        if std::mem::replace(&mut upkeep.reaping, true) {
            return;
        }
        upkeep.turn = (upkeep.turn + 1) % upkeep.expiring.len();
        let kept = upkeep.expiring[upkeep.turn].clone();
        self.beside.spawn(async move {
            for _ in 0..MAX_CALLS {
                match kept.reap().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        let collection = kept.address();
                        // That the server is away is said by the attempts to take.
                        if error.is_retryable() {
                            tracing::debug!(collection, %error, "cannot forget expired items yet");
                        } else {
                            tracing::warn!(collection, %error, "cannot forget expired items");
                        }
                        break;
                    }
                }
            }
            Beside::Reaped
        });
    }

    pub(super) fn reaped(&mut self) {
        self.upkeep.reaping = false;
    }

    /// One command for each store, and up to two more where there are jobs.
    fn look_at_others(&mut self) {
        for (number, others) in self.upkeep.others.iter_mut().enumerate() {
            if std::mem::replace(&mut others.looking, true) {
                continue;
            }
            let set = others.set.clone();
            self.beside.spawn(async move {
                let found = match set.is_idle().await {
                    Ok(true) => Ok(Vec::new()),
                    Ok(false) => set.unattended().await,
                    Err(error) => Err(error),
                };
                Beside::Others { number, found }
            });
        }
    }

    pub(super) fn looked_at_others(
        &mut self,
        number: usize,
        found: metastore::Result<Vec<(usize, QueueStats)>>,
    ) {
        let others = &mut self.upkeep.others[number];
        others.looking = false;
        let server = &others.server;
        let found = found.unwrap_or_else(|error| {
            tracing::debug!(server, %error, "cannot look for jobs that nobody handles");
            Vec::new()
        });
        for (queue, stats) in found {
            if !std::mem::replace(&mut others.told[queue], true) {
                tracing::warn!(
                    queue = others.labels[queue],
                    server,
                    jobs = stats.waiting + stats.delayed,
                    oldest = ?stats.oldest,
                    "jobs wait that no worker handles; they stay queued"
                );
            }
        }
        if self.mode == Mode::UntilIdle {
            self.control.wake.notify_one();
        }
    }
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
            (minute, 15, PAUSE),
            (minute, 1_000, PAUSE),
            (Duration::from_millis(200), 8, Duration::from_millis(200)),
        ] {
            assert_eq!(pause(interval, collections), expected, "{collections} collections");
        }
    }
}
