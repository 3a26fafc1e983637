//! Draining: waiting for the running jobs and releasing the others.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::state::Engine;

/// How long to try to release jobs after the drain timeout. If the server is unavailable, the jobs
/// return to the queue when their leases expire.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(4);

impl Engine {
    /// Waits for the running jobs while the keeper renews their leases, and releases those that do
    /// not end in time.
    pub(super) async fn drain(&mut self) {
        self.stop.cancel();
        let deadline = Instant::now() + self.config.drain_timeout;
        self.release_awaiting();
        let mut has_released = false;
        // Also waits for a `take` in flight, whose jobs would otherwise stay leased until the lease
        // expires.
        loop {
            self.process();
            // Checked after `process`, which may have handled the last event: nothing would wake
            // the loop after that.
            if self.is_drained() {
                break;
            }
            let now = Instant::now();
            if now >= deadline && !has_released {
                has_released = true;
                self.release_all();
                continue;
            }
            if now >= deadline + RELEASE_TIMEOUT {
                let jobs = self.jobs.len();
                tracing::warn!(
                    jobs,
                    "cannot release jobs; they are retried after their leases expire"
                );
                self.report.lost += jobs as u64;
                break;
            }
            let end = if has_released { deadline + RELEASE_TIMEOUT } else { deadline };
            let wait_until = self.next_deadline().min(end);
            tokio::select! {
                () = self.control.wake.notified() => {}
                Some(ended) = self.tasks.join_next() => self.call_ended(ended),
                Some(event) = self.keeper.events.recv() => self.handle_lease_event(event),
                Some(event) = self.background.join_next() => self.handle_event(event),
                () = sleep_until(wait_until) => {}
            }
            self.handle_deadlines(Instant::now());
        }
        self.tasks.abort_all();
    }
}
