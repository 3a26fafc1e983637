//! Looking without having been told: the safety net for lost messages and lost workers.

use std::sync::atomic::Ordering;

use metastore::queue::QueueStats;
use tokio::time::Instant;

use super::{Beside, Engine, Mode};
use crate::metrics;

impl Engine {
    /// Looks at all queues: one command for each store, and one more where there is anything at all.
    pub(super) fn look(&mut self) {
        for (store, (set, _)) in self.sets.iter().enumerate() {
            if std::mem::replace(&mut self.looking[store], true) {
                continue;
            }
            let set = set.clone();
            // The number of dead jobs is no work, so nothing but a closer look tells it.
            let is_stale = std::mem::take(&mut self.stale[store]) && metrics::ARE_ON;
            self.beside.spawn(async move {
                let is_idle = if is_stale { Ok(false) } else { set.is_idle().await };
                let found = match is_idle {
                    Ok(true) => Ok(None),
                    Ok(false) => set.stats().await.map(Some),
                    Err(error) => Err(error),
                };
                Beside::Look { store, found }
            });
        }
    }

    pub(super) fn looked(
        &mut self,
        store: usize,
        found: metastore::Result<Option<Vec<QueueStats>>>,
    ) {
        self.looking[store] = false;
        self.idle[store] = false;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.control.note_contact(store, Some(error.to_string()));
                // So that it is said by the attempt to take, once for each lane.
                for &track in &self.sets[store].1 {
                    self.tracks[track].hot.store(true, Ordering::Release);
                }
                return;
            }
        };
        self.control.note_contact(store, None);
        let tracks = self.sets[store].1.clone();
        self.stale[store] = found.as_ref().is_some_and(|stats| {
            stats.iter().any(|stats| stats.waiting + stats.delayed + stats.running > 0)
        });
        let is_known = found.is_some();
        let stats = found.unwrap_or_else(|| vec![QueueStats::default(); tracks.len()]);
        let fast = self.config.fast_forward;
        self.idle[store] = true;
        for (index, stats) in tracks.into_iter().zip(stats) {
            let track = &mut self.tracks[index];
            metrics::queue(track.lane.label(), &stats, is_known.then_some(stats.dead));
            let ready = stats.ready || (fast && stats.delayed > 0 && !stats.paused);
            if ready {
                track.hot.store(true, Ordering::Release);
            }
            track.due = stats.due_in.map(|due| Instant::now() + due);
            // A paused queue is as idle as it will be.
            self.idle[store] &= !ready && stats.running == 0;
        }
        if self.mode == Mode::UntilIdle {
            // Something may have been waiting on a running job elsewhere.
            self.control.wake.notify_one();
        }
    }
}
