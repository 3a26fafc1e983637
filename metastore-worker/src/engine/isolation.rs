//! Running jobs alone that may have crashed a worker.
//!
//! When a worker crashes, any of the jobs that it ran may be the cause. They are run again one at a
//! time, by a worker that runs nothing else meanwhile, so that a further crash shows which job it
//! was. The server asks one worker at a time to empty itself for that.

use std::time::Duration;

use tokio::time::Instant;

use super::event::Take;
use super::state::{Engine, Isolation};

/// How long a worker waits for its running jobs to end, before it works normally again for as long.
const MAX_WAIT: Duration = Duration::from_secs(10 * 60);

/// The least pause after an attempt that found nothing to take.
const MIN_PAUSE: Duration = Duration::from_secs(1);

impl Engine {
    /// Takes no more jobs until the worker has run the suspects of a queue alone.
    pub(super) fn isolate(&mut self, index: usize) {
        let now = Instant::now();
        let queue = &self.queues[index];
        let is_ignored = queue.ignores_suspects_until.is_some_and(|until| until > now);
        if self.isolation.is_some() || self.stop.is_cancelled() || is_ignored {
            return;
        }
        tracing::info!(
            queue = &**queue.label(),
            "jobs that a crashed worker ran are run alone; other jobs wait until then"
        );
        self.isolation = Some(Isolation {
            queue: index,
            is_taking: false,
            runs_alone: false,
            announce_at: now + self.config.lease,
            give_up_at: now + MAX_WAIT,
        });
    }

    /// Takes a job alone if nothing else runs.
    pub(super) fn dispatch_alone(&mut self) {
        let now = Instant::now();
        let is_ready = self.runs_nothing() && self.queues.iter().all(|queue| queue.reserved == 0);
        let Some(isolation) = &mut self.isolation else { return };
        if isolation.is_taking {
            return;
        }
        let index = isolation.queue;
        let is_patient = is_ready || isolation.runs_alone || now < isolation.give_up_at;
        if self.stop.is_cancelled() || !is_patient {
            self.end_isolation(MAX_WAIT);
        } else if is_ready || now >= isolation.announce_at {
            isolation.is_taking = true;
            isolation.announce_at = now + self.config.lease;
            self.send(index, Take::Alone { is_ready }, false);
        }
    }

    /// Handles the reply to a take of a job that runs alone. `has_job`: whether there was one;
    /// `was_ready`: whether the worker could have run it; `has_suspects`: whether there are more.
    pub(super) fn taken_alone(&mut self, has_job: bool, was_ready: bool, has_suspects: bool) {
        let Some(isolation) = &mut self.isolation else { return };
        isolation.is_taking = false;
        isolation.runs_alone = has_job || (isolation.runs_alone && !was_ready);
        if has_job {
            // The others wait until it has ended.
        } else if was_ready || !has_suspects {
            // Those that are left cannot be taken now: they are held back by a limit or a pause, or
            // are those of another worker.
            let pause = if has_suspects {
                self.config.poll_interval.max(MIN_PAUSE)
            } else {
                Duration::ZERO
            };
            self.end_isolation(pause);
        }
    }

    /// Works normally again. Requests to run jobs of this queue alone are ignored for a while.
    fn end_isolation(&mut self, pause: Duration) {
        let Some(isolation) = self.isolation.take() else { return };
        self.queues[isolation.queue].ignores_suspects_until = Some(Instant::now() + pause);
        // Nothing was taken meanwhile.
        for queue in &self.queues {
            queue.set_may_have_jobs();
        }
    }
}
