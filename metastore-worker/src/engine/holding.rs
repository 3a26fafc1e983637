//! Jobs that are held: how their handlers end, their time limits, and their leases.

use metastore::queue::{Claim, End};
use tokio::task::JoinError;
use tokio::time::{Instant, timeout};

use super::{Beside, Engine, RunningUnit, Serial};
use crate::handler::Ending;
use crate::metrics;

impl Engine {
    /// A handler has come to its end.
    pub(super) fn run_ended(&mut self, ended: Result<(tokio::task::Id, Vec<Ending>), JoinError>) {
        let (id, endings) = match ended {
            Ok((id, endings)) => (id, Ok(endings)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some(unit) = self.serial_of.remove(&id) else { return };
        // One that was given up has been dealt with.
        let Some(unit) = self.take_unit(unit) else { return };
        let endings = endings.unwrap_or_else(|error| {
            // Handlers catch their panics, so this is a hook's.
            let message = format!("a hook panicked: {error}");
            vec![Ending::Failure { message, is_final: false, panicked: true }; unit.jobs.len()]
        });
        for (serial, ending) in unit.jobs.into_iter().zip(endings) {
            self.ended(serial, ending);
        }
    }

    fn take_unit(&mut self, serial: Serial) -> Option<RunningUnit> {
        let unit = self.units.remove(&serial)?;
        self.deadlines.remove(&(unit.deadline, serial));
        self.tracks[unit.track].running -= 1;
        Some(unit)
    }

    /// A job has ended, and its end is to be recorded; unless it is no longer held.
    fn ended(&mut self, serial: Serial, ending: Ending) {
        let Some(held) = self.held.get_mut(&serial) else { return };
        held.ended_at = Some(Instant::now());
        let track = &mut self.tracks[held.track];
        let end = match ending {
            Ending::Result(json) => End::Result { claim: held.job.claim.clone(), json },
            Ending::Failure { message, is_final, .. } => {
                track.lane.failure(&held.job, message, is_final, &self.config)
            }
        };
        track.ended.push((serial, end));
    }

    /// Ends what has run for too long, and looks again where something is due.
    pub(super) fn pass_time(&mut self, now: Instant) {
        while let Some(&(deadline, serial)) = self.deadlines.first() {
            if deadline > now {
                break;
            }
            let Some(unit) = self.give_up(serial) else { break };
            let message = format!("timed out after {:?}", unit.timeout);
            for job in unit.jobs {
                let message = message.clone();
                self.ended(job, Ending::Failure { message, is_final: false, panicked: false });
            }
        }
        for track in &mut self.tracks {
            if track.due.is_some_and(|due| due <= now) {
                track.hot.store(true, std::sync::atomic::Ordering::Release);
                track.due = None;
            }
        }
    }

    /// Stops a running handler. It is dropped at its next `.await`; one that never comes to one no longer
    /// has a slot, though it still has its thread.
    pub(super) fn give_up(&mut self, serial: Serial) -> Option<RunningUnit> {
        let unit = self.take_unit(serial)?;
        unit.cancelled.cancel();
        unit.abort.abort();
        Some(unit)
    }

    /// Renews all leases, by one call for each store.
    pub(super) fn renew(&mut self) {
        for store in 0..self.sets.len() {
            let mut jobs = Vec::new();
            let mut claims: Vec<(usize, Claim)> = Vec::new();
            for (serial, held) in &self.held {
                let track = &self.tracks[held.track];
                if track.store == store {
                    jobs.push(*serial);
                    claims.push((track.number, held.job.claim.clone()));
                }
            }
            if jobs.is_empty() || self.renewing[store] {
                continue;
            }
            self.renewing[store] = true;
            let (set, lease) = (self.sets[store].0.clone(), self.config.lease);
            self.beside.spawn(async move {
                let claims: Vec<(usize, &Claim)> =
                    claims.iter().map(|(number, claim)| (*number, claim)).collect();
                let held = match timeout(lease / 3, set.renew(&claims, lease)).await {
                    Ok(held) => held,
                    // As if nothing had been asked; the next renewal asks again.
                    Err(_) => Ok(vec![true; claims.len()]),
                };
                Beside::Renewal { store, jobs, held }
            });
        }
    }

    pub(super) fn renewed(
        &mut self,
        store: usize,
        jobs: &[Serial],
        held: metastore::Result<Vec<bool>>,
    ) {
        self.renewing[store] = false;
        match held {
            Ok(held) => {
                for (serial, _) in jobs.iter().zip(held).filter(|(_, held)| !held) {
                    self.lose(*serial);
                }
            }
            // While the server is away nobody else can take the jobs either, so they go on; the fence
            // decides in the end.
            Err(error) => tracing::warn!(%error, "cannot renew leases"),
        }
    }

    /// A job is no longer this worker's. Its handler is stopped, unless it works on others as well.
    fn lose(&mut self, serial: Serial) {
        // One whose end is on its way is told by the answer to that.
        let Some(held) = self.held.get(&serial).filter(|held| held.ended_at.is_none()) else {
            return;
        };
        let (unit, track) = (held.unit, held.track);
        tracing::warn!(
            job = held.job.claim.job,
            lane = &**self.tracks[track].lane.label(),
            "the job is no longer ours"
        );
        self.held.remove(&serial);
        self.report.lost += 1;
        metrics::lost(self.tracks[track].lane.label());
        let others = self
            .units
            .get(&unit)
            .is_some_and(|unit| unit.jobs.iter().any(|job| self.held.contains_key(job)));
        if !others {
            self.give_up(unit);
        }
    }
}
