//! The faults, chosen by the seed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::time::sleep;

use super::History;
use super::recovery::{Orphans, Recoveries};
use super::workers::{LEASE, Workers};
use crate::{Proxy, Server};

/// How long processes that were cut off, delayed or restarted need to work again.
const SETTLING: Duration = Duration::from_millis(1_500);

/// Injects one fault after the other; only frozen workers thaw during other faults.
pub(super) struct Faults {
    server: Arc<Server>,
    proxies: Arc<[Proxy; 2]>,
    workers: Workers,
    history: History,
    random: fastrand::Rng,
    frozen: Vec<(usize, Instant)>,
    recoveries: Recoveries,
}

impl Faults {
    pub(super) fn new(
        server: Arc<Server>,
        proxies: Arc<[Proxy; 2]>,
        workers: Workers,
        history: History,
        random: fastrand::Rng,
    ) -> Self {
        let (frozen, recoveries) = (Vec::new(), Recoveries::default());
        Self { server, proxies, workers, history, random, frozen, recoveries }
    }

    pub(super) async fn inject(&mut self, length: Duration) {
        let end = Instant::now() + length;
        sleep(Duration::from_millis(500)).await;
        while Instant::now() < end {
            self.one().await;
            sleep(Duration::from_millis(self.random.u64(50..600))).await;
            self.thaw_due();
        }
    }

    async fn one(&mut self) {
        let at = self.random.usize(..self.workers.count());
        match self.random.u8(..100) {
            0..25 => self.kill(at).await,
            25..40 => self.freeze(at),
            40..52 => self.stop(at).await,
            52..67 => {
                let proxy = self.random.usize(..2);
                self.history.fault("cut", format!("all connections of proxy {proxy}"));
                self.proxies[proxy].drop_all();
            }
            67..80 => self.delay().await,
            80..93 => {
                self.history.fault("flush", "scripts");
                self.server.cli(&["SCRIPT", "FLUSH"]).await;
            }
            _ => self.restart().await,
        }
    }

    async fn kill(&mut self, at: usize) {
        if self.is_frozen(at) {
            return;
        }
        // Before and after every third one nothing else happens, so that its time is meaningful.
        let is_measured = self.random.u8(..3) == 0 && self.frozen.is_empty();
        if is_measured {
            sleep(SETTLING).await;
        }
        self.history.fault("kill", format!("worker {at}"));
        let kill = || self.workers.signal(at, Signal::KILL);
        if !is_measured {
            kill();
            self.workers.replace(at).await;
            return;
        }
        let orphans = Orphans::of(&self.server, self.workers.id(at), kill).await;
        self.workers.replace(at).await;
        let times = orphans.watch(&mut self.recoveries).await;
        self.history.note(format!("jobs of worker {at} were brought back after {times:?}"));
    }

    fn freeze(&mut self, at: usize) {
        if self.is_frozen(at) {
            return;
        }
        let time = LEASE.mul_f64(1.2 + self.random.f64());
        self.history.fault("freeze", format!("worker {at} for {time:?}"));
        self.workers.signal(at, Signal::STOP);
        self.frozen.push((at, Instant::now() + time));
    }

    async fn stop(&mut self, at: usize) {
        if self.is_frozen(at) {
            return;
        }
        self.history.fault("stop", format!("worker {at}"));
        self.workers.signal(at, Signal::TERM);
        self.workers.replace(at).await;
    }

    async fn delay(&mut self) {
        let proxy = self.random.usize(..2);
        let time = Duration::from_millis(self.random.u64(50..1_500));
        self.history.fault("delay", format!("proxy {proxy} for {time:?}"));
        self.proxies[proxy].pause();
        sleep(time).await;
        self.proxies[proxy].resume();
    }

    async fn restart(&mut self) {
        let kills = self.random.bool();
        self.history.fault("restart", if kills { "of the killed server" } else { "of the server" });
        if kills {
            self.server.kill();
        } else {
            self.server.stop();
        }
        sleep(Duration::from_millis(self.random.u64(0..1_200))).await;
        self.server.restart().await;
        self.history.note("the server is back");
    }

    fn is_frozen(&self, at: usize) -> bool {
        self.frozen.iter().any(|(frozen, _)| *frozen == at)
    }

    fn thaw_due(&mut self) {
        let now = Instant::now();
        for (at, until) in std::mem::take(&mut self.frozen) {
            if until <= now {
                self.history.note(format!("worker {at} goes on"));
                self.workers.signal(at, Signal::CONT);
            } else {
                self.frozen.push((at, until));
            }
        }
    }

    /// Ends all faults that last.
    pub(super) async fn end_all(&mut self) {
        while !self.frozen.is_empty() {
            sleep(Duration::from_millis(50)).await;
            self.thaw_due();
        }
    }

    pub(super) fn into_parts(self) -> (Recoveries, Workers) {
        (self.recoveries, self.workers)
    }
}
