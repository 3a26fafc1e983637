//! Stopping in order.

use std::time::Duration;

use metastore::queue::End;
use tokio::time::{Instant, sleep_until};

use super::Engine;

/// How long giving back may take at the end; without a server it never succeeds, and the leases end
/// by themselves.
const LAST_RELEASE: Duration = Duration::from_secs(5);

impl Engine {
    /// Waits for the running jobs, still renewing them, and gives back what does not end in time.
    pub(super) async fn drain(&mut self) {
        self.stop.cancel();
        let deadline = Instant::now() + self.config.drain_timeout;
        let renewal = self.config.lease / 3;
        let mut renew = Instant::now() + renewal;
        let mut gave_back = false;
        // Also what a `take` on its way brings is waited for: it would stay leased to nobody.
        loop {
            self.go_round();
            // Asked after the round, which may have dealt with the last of it: nothing would wake us then.
            if self.is_quiet() {
                break;
            }
            let now = Instant::now();
            if now >= deadline && !gave_back {
                gave_back = true;
                self.give_all_back();
                continue;
            }
            if now >= deadline + LAST_RELEASE {
                tracing::warn!(jobs = self.held.len(), "cannot give jobs back, leaving them");
                self.report.lost += self.held.len() as u64;
                break;
            }
            let end = if gave_back { deadline + LAST_RELEASE } else { deadline };
            let wait_until = self.next_time().min(renew).min(end);
            tokio::select! {
                Some(ended) = self.runs.join_next_with_id() => self.run_ended(ended),
                Some(given) = self.beside.join_next() => self.given(given),
                () = sleep_until(wait_until) => {}
            }
            let now = Instant::now();
            self.pass_time(now);
            if now >= renew {
                self.renew();
                renew = now + renewal;
            }
        }
        self.runs.abort_all();
    }

    fn give_all_back(&mut self) {
        let units: Vec<_> = self.units.keys().copied().collect();
        for serial in units {
            let Some(unit) = self.give_up(serial) else { continue };
            for job in unit.jobs {
                let Some(held) = self.held.get_mut(&job) else { continue };
                held.ended_at = Some(Instant::now());
                let end = End::Release { claim: held.job.claim.clone() };
                self.tracks[held.track].ended.push((job, end));
            }
        }
    }
}
