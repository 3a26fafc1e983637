//! Faults of worker processes: killed, frozen, stopped, restarted one after the other.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::time::sleep;

use super::{Faults, TICK};
use crate::chaos::recovery::Orphans;
use crate::chaos::runs;
use crate::chaos::workers::{DRAIN, LEASE};

/// How long processes that were cut off, delayed or restarted need to work again.
const SETTLING: Duration = Duration::from_millis(1_500);

/// How often to check whether a process holds jobs before it is killed.
const MOMENTS: usize = 100;

/// How often to look at the jobs of a killed process.
const LOOK: Duration = Duration::from_millis(5);

impl Faults {
    pub(super) async fn kill(&mut self, at: usize) {
        if self.is_frozen(at) {
            return;
        }
        // Before and after some of them nothing else happens, so that their time is meaningful.
        if self.random.u8(..4) == 0 {
            self.end_all().await;
            self.kill_and_measure(at).await;
            return;
        }
        self.history.fault("worker killed", format!("worker {at}"));
        self.workers.signal(at, Signal::KILL);
        self.workers.replace(at).await;
    }

    async fn kill_and_measure(&mut self, at: usize) {
        self.quiet.send_replace(true);
        self.pause(SETTLING).await;
        for _ in 0..MOMENTS {
            if !runs::unfinished(self.workers.log(at)).is_empty() {
                break;
            }
            sleep(LOOK).await;
        }
        let aborted = self.workers.aborted;
        self.history.fault("worker killed", format!("worker {at}, and nothing else happens"));
        let log = self.workers.log(at).to_owned();
        let kill = || self.workers.signal(at, Signal::KILL);
        let mut orphans = Orphans::of(&self.tasks, &log, kill).await;
        self.workers.replace(at).await;
        while orphans.look().await {
            self.workers.respawn_ended();
            sleep(LOOK).await;
        }
        let times = orphans.times;
        self.history.note(format!("jobs of worker {at} were returned after {times:?}"));
        // A second worker that ends at the same time may be the one that was to take them.
        if self.workers.aborted == aborted {
            self.recoveries.extend(times);
        }
        self.quiet.send_replace(false);
    }

    /// Suspends a worker for longer than its leases.
    pub(super) fn freeze(&mut self, at: usize) {
        if self.is_frozen(at) {
            return;
        }
        let time = LEASE.mul_f64(1.2 + self.random.f64());
        self.history.fault("worker frozen", format!("worker {at} for {time:?}"));
        self.workers.signal(at, Signal::STOP);
        self.frozen.push((at, Instant::now() + time));
    }

    pub(super) async fn stop(&mut self, at: usize) {
        if self.is_frozen(at) {
            return;
        }
        self.history.fault("worker stopped", format!("worker {at}"));
        self.workers.signal(at, Signal::TERM);
        self.workers.replace(at).await;
    }

    /// Stops one worker after the other and kills those that still run after the grace, which may
    /// be shorter than a worker needs.
    pub(super) async fn roll(&mut self) {
        self.end_all().await;
        let grace = DRAIN.mul_f64(0.2 + self.random.f64() * 1.5);
        self.history.fault("rolling restart", format!("of all workers, with a grace of {grace:?}"));
        for at in 0..self.workers.count() {
            self.workers.signal(at, Signal::TERM);
            if !self.workers.replace_within(at, grace).await {
                self.history.fault("worker killed after its grace", format!("worker {at}"));
            }
            self.pause(TICK).await;
        }
    }
}
