//! The loop of a worker: slots are filled, ended jobs recorded, leases renewed, time limits kept.
//!
//! One task owns all of it, so nothing is locked and nothing can be seen half changed. It never waits for
//! the server itself: exchanges, looks and renewals run beside it, and it acts on what they give.

mod exchanging;
mod holding;
mod listening;
mod looking;
mod stopping;
mod upkeep;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use metastore::queue::{End, QueueSet, QueueStats};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::control::Control;
use crate::handler::Ending;
use crate::kept::Kept;
use crate::lane::{Exchanged, HeldJob, Lane, Surroundings};
use crate::worker::Report;
use upkeep::Upkeep;

/// When the worker ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    UntilStopped,
    UntilIdle,
}

/// One lane with what is known of its queue.
struct Track {
    lane: Arc<dyn Lane>,
    /// Which of the stores its queue is in, and its number in the set of that store.
    store: usize,
    number: usize,
    /// Whether the queue may have something to take. Set by messages and looks.
    hot: Arc<AtomicBool>,
    /// How many jobs waited when they were last counted and have not been asked for since.
    backlog: usize,
    /// When a delayed job or an expired lease is next due.
    due: Option<Instant>,
    /// Jobs that have ended and wait to be recorded.
    ended: Vec<(Serial, End)>,
    /// Not to be recorded before then, after an attempt that failed.
    rest_until: Option<Instant>,
    /// How many exchanges are on their way.
    exchanges: usize,
    /// How many slots those have reserved for what they take.
    reserved: usize,
    /// How many calls of the handler run.
    running: usize,
    /// Whether the last attempt to take failed; said once, not at every sweep.
    failing: bool,
}

/// The number of a job, or of a call of a handler, within this worker.
type Serial = u64;

/// A job that this worker holds, from taking it until its end is recorded.
struct Held {
    track: usize,
    job: HeldJob,
    /// The call that it is part of, while that runs.
    unit: Serial,
    since: Instant,
    ended_at: Option<Instant>,
}

/// One running call of a handler.
struct RunningUnit {
    track: usize,
    jobs: Vec<Serial>,
    deadline: Instant,
    timeout: Duration,
    cancelled: CancellationToken,
    abort: AbortHandle,
}

/// What a task beside the loop gives.
enum Beside {
    Exchange { track: usize, ends: Vec<(Serial, End)>, slots: usize, exchanged: Exchanged },
    Look { store: usize, found: metastore::Result<Option<Vec<QueueStats>>> },
    Reaped,
    Others { number: usize, found: metastore::Result<Vec<(usize, QueueStats)>> },
    Renewal { store: usize, jobs: Vec<Serial>, held: metastore::Result<Vec<bool>> },
}

pub(crate) struct Engine {
    tracks: Vec<Track>,
    /// The queues of each store, and the tracks that they belong to.
    sets: Vec<(Arc<QueueSet>, Vec<usize>)>,
    config: Arc<Config>,
    around: Surroundings,
    control: Arc<Control>,
    stop: CancellationToken,
    mode: Mode,
    held: HashMap<Serial, Held>,
    units: HashMap<Serial, RunningUnit>,
    /// The running calls by their deadline.
    deadlines: BTreeSet<(Instant, Serial)>,
    runs: JoinSet<Vec<Ending>>,
    serial_of: HashMap<tokio::task::Id, Serial>,
    beside: JoinSet<Beside>,
    /// Looks and renewals on their way, by store.
    looking: Vec<bool>,
    renewing: Vec<bool>,
    /// Whether the last look found nothing to do, by store.
    idle: Vec<bool>,
    /// Whether the measured numbers may have changed since the last look, although nothing is to be
    /// done; by store.
    stale: Vec<bool>,
    next_serial: Serial,
    /// Where the next round begins, so that each lane comes first in its turn.
    turn: usize,
    report: Report,
    upkeep: Upkeep,
}

impl Engine {
    pub(crate) fn new(
        lanes: Vec<Arc<dyn Lane>>,
        kept: &[Arc<dyn Kept>],
        config: Config,
        around: Surroundings,
        control: Arc<Control>,
        stop: CancellationToken,
        mode: Mode,
    ) -> Self {
        let mut sets: Vec<(QueueSet, Vec<usize>)> =
            control.stores.iter().map(|store| (QueueSet::new(store), Vec::new())).collect();
        let mut tracks = Vec::with_capacity(lanes.len());
        for (index, lane) in lanes.into_iter().enumerate() {
            let same = |store: &metastore::Store| store.is_same_as(lane.store());
            let store = control.stores.iter().position(same).unwrap_or(0);
            let number = lane.join(&mut sets[store].0);
            sets[store].1.push(index);
            tracks.push(Track {
                lane,
                store,
                number,
                hot: Arc::new(AtomicBool::new(true)),
                backlog: 0,
                due: None,
                ended: Vec::new(),
                rest_until: None,
                exchanges: 0,
                reserved: 0,
                running: 0,
                failing: false,
            });
        }
        let stores = sets.len();
        let upkeep = Upkeep::new(kept, &tracks, &config, mode);
        Self {
            tracks,
            sets: sets.into_iter().map(|(set, tracks)| (Arc::new(set), tracks)).collect(),
            config: Arc::new(config),
            around,
            control,
            stop,
            mode,
            held: HashMap::new(),
            units: HashMap::new(),
            deadlines: BTreeSet::new(),
            runs: JoinSet::new(),
            serial_of: HashMap::new(),
            beside: JoinSet::new(),
            looking: vec![false; stores],
            renewing: vec![false; stores],
            idle: vec![false; stores],
            stale: vec![true; stores],
            next_serial: 0,
            turn: 0,
            report: Report::default(),
            upkeep,
        }
    }

    pub(crate) async fn run(mut self) -> Report {
        let mut listeners = self.listen();
        let mut sweep = Instant::now() + self.config.poll_interval;
        let renewal = self.config.lease / 3;
        let mut renew = Instant::now() + renewal;
        while !self.stop.is_cancelled() && !self.is_done() {
            self.go_round();
            let upkeep = self.upkeep.next_time();
            let wait_until = self.next_time().min(sweep).min(renew).min(upkeep);
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.control.wake.notified() => {}
                Some(ended) = self.runs.join_next_with_id() => self.run_ended(ended),
                Some(given) = self.beside.join_next() => self.given(given),
                () = sleep_until(wait_until) => {}
            }
            // Whatever else is about to end does so first, and is recorded together with this one.
            tokio::task::yield_now().await;
            let now = Instant::now();
            self.pass_time(now);
            if now >= renew {
                self.renew();
                renew = now + renewal;
            }
            if now >= sweep {
                self.look();
                sweep = now + self.config.poll_interval;
            }
            self.keep_up(now);
        }
        listeners.shutdown().await;
        self.drain().await;
        self.control.seen().report = self.report;
        self.report
    }

    /// Acts on all that has happened, and sends what is to be sent.
    fn go_round(&mut self) {
        while let Some(ended) = self.runs.try_join_next_with_id() {
            self.run_ended(ended);
        }
        while let Some(given) = self.beside.try_join_next() {
            self.given(given);
        }
        self.exchange();
        if self.mode == Mode::UntilIdle && self.is_quiet() {
            self.look();
        }
        let mut seen = self.control.seen();
        seen.report = self.report;
        seen.beat = std::time::Instant::now();
    }

    fn given(&mut self, given: Result<Beside, tokio::task::JoinError>) {
        match given {
            Ok(Beside::Exchange { track, ends, slots, exchanged }) => {
                self.exchanged(track, ends, slots, exchanged);
            }
            Ok(Beside::Look { store, found }) => self.looked(store, found),
            Ok(Beside::Reaped) => self.reaped(),
            Ok(Beside::Others { number, found }) => self.looked_at_others(number, found),
            Ok(Beside::Renewal { store, jobs, held }) => self.renewed(store, &jobs, held),
            // A mistake of this crate; the leases end by themselves.
            Err(error) => tracing::error!(%error, "a task of the worker ended badly"),
        }
    }

    /// Whether nothing runs here and nothing is on its way.
    fn is_quiet(&self) -> bool {
        self.held.is_empty() && self.tracks.iter().all(|track| track.exchanges == 0)
    }

    fn is_done(&self) -> bool {
        self.mode == Mode::UntilIdle
            && self.is_quiet()
            && self.idle.iter().all(|idle| *idle)
            && !self.looking.contains(&true)
            && !self.upkeep.is_looking()
    }

    /// When something is due besides sweeps and renewals.
    fn next_time(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let due = self.tracks.iter().filter_map(|track| track.due);
        let rests = self.tracks.iter().filter_map(|track| track.rest_until);
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        due.chain(rests).chain(deadline).min().unwrap_or(far).min(far)
    }

    fn serial(&mut self) -> Serial {
        self.next_serial += 1;
        self.next_serial
    }
}
