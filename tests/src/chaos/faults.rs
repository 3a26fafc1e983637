//! The faults, chosen by the seed.

mod line;
mod processes;
mod requests;
mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use metastore::Repo;
use rustix::process::Signal;
use tokio::sync::watch;
use tokio::time::sleep;

use super::History;
use super::jobs::Task;
use super::workers::Workers;
use crate::{Proxy, Server};

pub(super) use requests::Requests;
pub(super) use server::USER;

/// How often to check for workers that have ended and for frozen ones that are to continue.
const TICK: Duration = Duration::from_millis(20);

/// The faults of processes, lines and servers. Those of single requests are in [`Requests`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FaultKind {
    KillWorker,
    FreezeWorker,
    StopWorker,
    RollingRestart,
    CutLine,
    StallLine,
    SlowLine,
    FlushScripts,
    RestartServer,
    FreezeServer,
    TakeRight,
    FillServer,
    StepClock,
}

/// How many of each kind there are among 100.
const SHARES: [(FaultKind, usize); 13] = [
    (FaultKind::KillWorker, 18),
    (FaultKind::FreezeWorker, 12),
    (FaultKind::StopWorker, 7),
    (FaultKind::RollingRestart, 4),
    (FaultKind::CutLine, 13),
    (FaultKind::StallLine, 8),
    (FaultKind::SlowLine, 8),
    (FaultKind::FlushScripts, 8),
    (FaultKind::RestartServer, 4),
    (FaultKind::FreezeServer, 3),
    (FaultKind::TakeRight, 6),
    (FaultKind::FillServer, 4),
    (FaultKind::StepClock, 5),
];

/// Injects one fault after the other; only frozen workers thaw during other faults, and faults of
/// single requests happen all the time.
pub(super) struct Faults {
    pub(super) server: Arc<Server>,
    pub(super) proxies: Arc<[Proxy]>,
    pub(super) workers: Workers,
    pub(super) tasks: Repo<Task>,
    pub(super) history: History,
    pub(super) random: fastrand::Rng,
    /// Whether the server's clock is stepped.
    pub(super) steps_clock: bool,
    /// Stops the faults of single requests while true.
    pub(super) quiet: watch::Sender<bool>,
    frozen: Vec<(usize, Instant)>,
    /// How long the jobs of killed workers took to return to their queue.
    recoveries: Vec<Duration>,
    /// The kinds that come next, the last one first.
    deck: Vec<FaultKind>,
}

impl Faults {
    pub(super) fn new(
        server: Arc<Server>,
        proxies: Arc<[Proxy]>,
        workers: Workers,
        tasks: Repo<Task>,
        history: History,
        random: fastrand::Rng,
        steps_clock: bool,
    ) -> Self {
        let mut faults = Self {
            server,
            proxies,
            workers,
            tasks,
            history,
            random,
            steps_clock,
            quiet: watch::Sender::new(false),
            frozen: Vec::new(),
            recoveries: Vec::new(),
            deck: Vec::new(),
        };
        // Each kind comes once before any comes twice, so that a short campaign has all of them.
        faults.deal(|_| 1);
        faults
    }

    fn deal(&mut self, count: impl Fn(usize) -> usize) {
        for (kind, share) in SHARES {
            if kind != FaultKind::StepClock || self.steps_clock {
                self.deck.extend(std::iter::repeat_n(kind, count(share)));
            }
        }
        self.random.shuffle(&mut self.deck);
    }

    pub(super) async fn inject(&mut self, length: Duration) {
        let end = Instant::now() + length;
        self.pause(Duration::from_millis(500)).await;
        while Instant::now() < end {
            if self.deck.is_empty() {
                self.deal(|share| share);
            }
            if let Some(kind) = self.deck.pop() {
                self.one(kind).await;
            }
            self.pause_between(20, 300).await;
        }
    }

    async fn one(&mut self, kind: FaultKind) {
        let at = self.random.usize(..self.workers.count());
        match kind {
            FaultKind::KillWorker => self.kill(at).await,
            FaultKind::FreezeWorker => self.freeze(at),
            FaultKind::StopWorker => self.stop(at).await,
            FaultKind::RollingRestart => self.roll().await,
            FaultKind::CutLine => self.cut_line(),
            FaultKind::StallLine => self.stall_line().await,
            FaultKind::SlowLine => self.slow_line().await,
            FaultKind::FlushScripts => self.flush_scripts().await,
            FaultKind::RestartServer => self.restart_server().await,
            FaultKind::FreezeServer => self.freeze_server().await,
            FaultKind::TakeRight => self.take_right().await,
            FaultKind::FillServer => self.fill_server().await,
            FaultKind::StepClock => self.step_clock().await,
        }
    }

    /// Waits, and meanwhile replaces workers that have ended and lets frozen ones continue.
    pub(super) async fn pause(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            self.workers.respawn_ended();
            self.thaw_due();
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            sleep(left.min(TICK)).await;
        }
    }

    /// Pauses for a time between two numbers of milliseconds.
    async fn pause_between(&mut self, least: u64, most: u64) {
        let time = Duration::from_millis(self.random.u64(least..=most));
        self.pause(time).await;
    }

    fn is_frozen(&self, at: usize) -> bool {
        self.frozen.iter().any(|(frozen, _)| *frozen == at)
    }

    fn thaw_due(&mut self) {
        let now = Instant::now();
        for (at, until) in std::mem::take(&mut self.frozen) {
            if until <= now {
                self.history.note(format!("worker {at} continues"));
                self.workers.signal(at, Signal::CONT);
            } else {
                self.frozen.push((at, until));
            }
        }
    }

    /// Waits until no worker is frozen any more.
    pub(super) async fn end_all(&mut self) {
        while !self.frozen.is_empty() {
            self.pause(TICK).await;
        }
    }

    pub(super) fn into_parts(self) -> (Vec<Duration>, Workers) {
        (self.recoveries, self.workers)
    }
}
