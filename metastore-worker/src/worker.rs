//! The worker: takes jobs as slots are free, renews leases, and stops in order.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metastore::queue::Claim;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::{Config, ConfigError};
use crate::lane::{Held, Lane, Outcome};

/// How long to wait for the reply to a `take` after stop was asked for: jobs in it would otherwise
/// stay leased to nobody.
const LAST_TAKE: Duration = Duration::from_secs(1);

/// How long giving back may take at the end; without a server it never succeeds, and the leases end
/// by themselves.
const LAST_RELEASE: Duration = Duration::from_secs(5);

/// Carries out transformations; made by [`Worker::builder`].
#[must_use = "a worker does nothing until it is run or started"]
pub struct Worker {
    lanes: Vec<Arc<dyn Lane>>,
    config: Config,
    checked: Result<(), ConfigError>,
}

/// What a worker did from start to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Jobs whose result was stored.
    pub finished: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Jobs that were given back at the end.
    pub released: u64,
    /// Jobs that were no longer this worker's when they ended.
    pub lost: u64,
}

/// A worker that runs in the background; made by [`Worker::start`].
///
/// Dropping it stops the worker as [`RunningWorker::stop`] does, without waiting for it.
pub struct RunningWorker {
    task: JoinHandle<Report>,
    stop: DropGuard,
}

impl RunningWorker {
    /// Takes no further jobs, waits for the running ones up to the drain timeout, gives the rest back
    /// without counting an attempt, and tells what was done.
    pub async fn stop(self) -> Report {
        drop(self.stop);
        self.task.await.unwrap_or_default()
    }
}

impl Worker {
    pub(crate) fn new(
        lanes: Vec<Arc<dyn Lane>>,
        config: Config,
        checked: Result<(), ConfigError>,
    ) -> Self {
        Self { lanes, config, checked }
    }

    /// Runs until `shutdown` returns, then stops as [`RunningWorker::stop`] does.
    ///
    /// It survives the server being away for any time.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], before anything is done.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
    ) -> Result<Report, ConfigError> {
        let running = self.start()?;
        let RunningWorker { mut task, stop } = running;
        tokio::select! {
            () = shutdown => {}
            // Only a panic ends it before it is told to.
            report = &mut task => return Ok(report.unwrap_or_default()),
        }
        drop(stop);
        Ok(task.await.unwrap_or_default())
    }

    /// Starts running in the background.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], before anything is done.
    pub fn start(self) -> Result<RunningWorker, ConfigError> {
        self.checked.clone()?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(Engine::new(self.lanes, self.config, stop.clone()).run());
        Ok(RunningWorker { task, stop: stop.drop_guard() })
    }
}

/// One lane with what is known of its queue.
struct Track {
    lane: Arc<dyn Lane>,
    /// Whether the queue may have something to take. Set by messages and sweeps.
    hot: Arc<AtomicBool>,
    /// When a delayed job or an expired lease is next due.
    due: Option<Instant>,
    /// Whether the last attempt to take failed; said once, not at every sweep.
    failing: bool,
}

/// A job that runs here, with what is needed to renew it and to end it.
struct Running {
    track: usize,
    claim: Claim,
    lost: CancellationToken,
    give_back: CancellationToken,
}

struct Engine {
    tracks: Vec<Track>,
    config: Config,
    stop: CancellationToken,
    wake: Arc<Notify>,
    running: HashMap<tokio::task::Id, Running>,
    jobs: JoinSet<Outcome>,
    /// Where the next round begins, so that each lane comes first in its turn.
    turn: usize,
    report: Report,
}

impl Engine {
    fn new(lanes: Vec<Arc<dyn Lane>>, config: Config, stop: CancellationToken) -> Self {
        let tracks = lanes
            .into_iter()
            .map(|lane| Track {
                lane,
                hot: Arc::new(AtomicBool::new(true)),
                due: None,
                failing: false,
            })
            .collect();
        Self {
            tracks,
            config,
            stop,
            wake: Arc::new(Notify::new()),
            running: HashMap::new(),
            jobs: JoinSet::new(),
            turn: 0,
            report: Report::default(),
        }
    }

    async fn run(mut self) -> Report {
        let mut listeners = JoinSet::new();
        for track in &self.tracks {
            let (lane, hot) = (track.lane.clone(), track.hot.clone());
            listeners.spawn(listen(lane, hot, self.wake.clone(), self.config.poll_interval));
        }
        let mut sweep = Instant::now() + self.config.poll_interval;
        let renewal = self.config.lease / 3;
        let mut renew = Instant::now() + renewal;
        while !self.stop.is_cancelled() {
            // All that have ended meanwhile, so that their slots are filled by one call.
            while let Some(ended) = self.jobs.try_join_next_with_id() {
                self.ended(ended);
            }
            self.fill().await;
            let due = self.tracks.iter().filter_map(|track| track.due).min();
            let look = due.map_or(sweep, |due| due.min(sweep));
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.wake.notified() => {}
                Some(ended) = self.jobs.join_next_with_id() => self.ended(ended),
                () = sleep_until(renew) => {
                    self.renew().await;
                    renew = Instant::now() + renewal;
                }
                () = sleep_until(look) => {
                    let now = Instant::now();
                    for track in &mut self.tracks {
                        if now >= sweep || track.due.is_some_and(|due| due <= now) {
                            track.hot.store(true, Ordering::Release);
                            track.due = None;
                        }
                    }
                    if now >= sweep {
                        sweep = now + self.config.poll_interval;
                    }
                }
            }
        }
        listeners.shutdown().await;
        self.drain(renewal).await;
        self.report
    }

    /// Takes jobs while there are free slots and lanes that may have some, in equal shares.
    async fn fill(&mut self) {
        loop {
            let free = self.config.concurrency - self.running.len();
            let count = self.tracks.len();
            let hot: Vec<usize> = (0..count)
                .map(|offset| (self.turn + offset) % count)
                .filter(|&track| self.tracks[track].hot.load(Ordering::Acquire))
                .collect();
            if free == 0 || hot.is_empty() || self.stop.is_cancelled() {
                return;
            }
            self.turn = (self.turn + 1) % count;
            let share = free.div_ceil(hot.len());
            for track in hot {
                let free = self.config.concurrency - self.running.len();
                if free > 0 {
                    self.take(track, share.min(free)).await;
                }
            }
        }
    }

    async fn take(&mut self, index: usize, count: usize) {
        let track = &mut self.tracks[index];
        // Cleared before asking, so that a message that comes meanwhile is not forgotten.
        track.hot.store(false, Ordering::Release);
        let take = track.lane.clone().take(count, &self.config);
        let late = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_TAKE).await;
        };
        let haul = tokio::select! {
            haul = take => haul,
            () = late => return,
        };
        match haul {
            Ok(haul) => {
                if std::mem::take(&mut track.failing) {
                    tracing::info!(lane = track.lane.label(), "can take jobs again");
                }
                track.due = haul.due_in.map(|due| Instant::now() + due);
                if haul.waiting > 0 {
                    track.hot.store(true, Ordering::Release);
                }
                for job in haul.jobs {
                    self.begin(index, job);
                }
            }
            // The next sweep tries again; the connection comes back by itself.
            Err(error) => {
                if !std::mem::replace(&mut track.failing, true) {
                    tracing::warn!(lane = track.lane.label(), %error, "cannot take jobs");
                }
            }
        }
    }

    fn begin(&mut self, track: usize, job: Held) {
        let Held { claim, lost, give_back, life } = job;
        let task = self.jobs.spawn(life);
        self.running.insert(task.id(), Running { track, claim, lost, give_back });
    }

    fn ended(&mut self, ended: Result<(tokio::task::Id, Outcome), tokio::task::JoinError>) {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            // Handlers run in tasks of their own, so this would be a mistake of this crate.
            Err(error) => {
                tracing::error!(%error, "a job's task ended badly");
                (error.id(), Outcome::Lost)
            }
        };
        self.running.remove(&id);
        match outcome {
            Outcome::Finished => self.report.finished += 1,
            Outcome::Failed => self.report.failed += 1,
            Outcome::Released => self.report.released += 1,
            Outcome::Lost => self.report.lost += 1,
        }
    }

    /// Renews all leases, one call for each lane with running jobs.
    async fn renew(&mut self) {
        for (index, track) in self.tracks.iter().enumerate() {
            let held: Vec<&Running> =
                self.running.values().filter(|running| running.track == index).collect();
            if held.is_empty() {
                continue;
            }
            let claims: Vec<Claim> = held.iter().map(|running| running.claim.clone()).collect();
            let renewal = track.lane.renew(&claims, self.config.lease);
            // While the server is away nobody else can take the jobs either, so they go on; the
            // fence decides in the end.
            match timeout(self.config.lease / 3, renewal).await {
                Ok(Ok(still_ours)) => {
                    for (running, _) in held.iter().zip(still_ours).filter(|(_, ours)| !ours) {
                        running.lost.cancel();
                    }
                }
                Ok(Err(error)) => {
                    tracing::warn!(lane = track.lane.label(), %error, "cannot renew leases");
                }
                Err(_) => {
                    tracing::warn!(lane = track.lane.label(), "cannot renew leases in time");
                }
            }
        }
    }

    /// Waits for the running jobs, still renewing them, and gives back what does not end in time.
    async fn drain(&mut self, renewal: Duration) {
        let deadline = Instant::now() + self.config.drain_timeout;
        let mut renew = Instant::now() + renewal;
        let mut given_back = false;
        while !self.jobs.is_empty() {
            tokio::select! {
                Some(ended) = self.jobs.join_next_with_id() => self.ended(ended),
                () = sleep_until(renew), if !given_back => {
                    self.renew().await;
                    renew = Instant::now() + renewal;
                }
                () = sleep_until(deadline + LAST_RELEASE) => {
                    tracing::warn!(jobs = self.jobs.len(), "cannot give jobs back, leaving them");
                    self.report.lost += self.jobs.len() as u64;
                    self.jobs.shutdown().await;
                }
                () = sleep_until(deadline), if !given_back => {
                    given_back = true;
                    for running in self.running.values() {
                        running.give_back.cancel();
                    }
                }
            }
        }
    }
}

/// Marks a lane as hot whenever its queue announces something. Subscribes again for ever.
async fn listen(lane: Arc<dyn Lane>, hot: Arc<AtomicBool>, wake: Arc<Notify>, pause: Duration) {
    loop {
        match lane.wake_up().await {
            Ok(mut wake_up) => loop {
                // Also once at the beginning: something may have come before the subscription.
                hot.store(true, Ordering::Release);
                wake.notify_one();
                wake_up.notified().await;
            },
            Err(error) => {
                tracing::warn!(lane = lane.label(), %error, "cannot listen, the sweep goes on");
                tokio::time::sleep(pause).await;
            }
        }
    }
}
