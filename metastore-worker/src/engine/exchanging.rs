//! Filling free slots in equal shares and recording what has ended, in one round trip for each lane.

use std::sync::atomic::Ordering;
use std::time::Duration;

use metastore::queue::{End, Ended, TakeOptions};
use tokio::time::Instant;

use super::{Beside, Engine, Held, RunningUnit, Serial};
use crate::lane::{Broken, Exchanged, Haul, Unit};
use crate::metrics;

/// How many exchanges of a lane may be on their way: one is carried out while the next travels.
const IN_FLIGHT: usize = 2;

/// How many ended jobs one exchange records.
const MAX_ENDS: usize = 256;

/// How long to rest after an attempt to record that failed, before the next one.
const REST: Duration = Duration::from_millis(200);

/// How long an end is worth recording again, at least.
const WORTH: Duration = Duration::from_secs(30);

impl Engine {
    /// Sends what has ended, and takes jobs while there are free slots and lanes that may have some.
    pub(super) fn exchange(&mut self) {
        let count = self.tracks.len();
        self.turn = (self.turn + 1) % count;
        let stopping = self.stop.is_cancelled();
        // Read once: whoever listens may set more of them at any moment, and shares are by their number.
        let order: Vec<(usize, bool)> = (0..count)
            .map(|offset| (self.turn + offset) % count)
            .map(|index| {
                let track = &self.tracks[index];
                let may_have_some = track.backlog > 0 || track.hot.load(Ordering::Acquire);
                (index, !stopping && may_have_some)
            })
            .collect();
        let mut hot = order.iter().filter(|(_, is_hot)| *is_hot).count();
        for (index, is_hot) in order {
            let used: usize = self.tracks.iter().map(|track| track.running + track.reserved).sum();
            let free = self.control.concurrency().saturating_sub(used);
            let track = &self.tracks[index];
            let of_lane = self.control.limit(index).saturating_sub(track.running + track.reserved);
            let mut slots = 0;
            if is_hot {
                let share = self.control.concurrency().div_ceil(IN_FLIGHT);
                slots = free.div_ceil(hot).min(free).min(of_lane).min(share);
                hot -= 1;
            }
            let rests = track.rest_until.is_some_and(|until| until > Instant::now());
            let has_ended = !track.ended.is_empty() && !rests;
            if track.exchanges < IN_FLIGHT && (has_ended || slots > 0) {
                self.send(index, slots, has_ended);
            }
        }
    }

    fn send(&mut self, index: usize, slots: usize, has_ended: bool) {
        let (config, around) = (self.config.clone(), self.around.clone());
        let track = &mut self.tracks[index];
        let take = (slots > 0).then(|| {
            // Cleared before asking, so that a message that comes meanwhile is not forgotten.
            track.hot.store(false, Ordering::Release);
            let jobs = slots.saturating_mul(track.lane.batch());
            track.backlog = track.backlog.saturating_sub(jobs);
            TakeOptions::new(config.name.clone(), jobs)
                .lease(config.lease)
                .max_crashes(config.max_crashes)
                .fast_forward(config.fast_forward)
        });
        let ends: Vec<(Serial, End)> = if has_ended {
            track.rest_until = None;
            track.ended.drain(..track.ended.len().min(MAX_ENDS)).collect()
        } else {
            Vec::new()
        };
        track.exchanges += 1;
        track.reserved += slots;
        let lane = track.lane.clone();
        self.beside.spawn(async move {
            let (serials, ends): (Vec<Serial>, Vec<End>) = ends.into_iter().unzip();
            let exchanged = lane.exchange(&ends, take.as_ref(), &config, &around).await;
            let ends = serials.into_iter().zip(ends).collect();
            Beside::Exchange { track: index, ends, slots, exchanged }
        });
    }

    pub(super) fn exchanged(
        &mut self,
        index: usize,
        ends: Vec<(Serial, End)>,
        slots: usize,
        exchanged: Exchanged,
    ) {
        let track = &mut self.tracks[index];
        track.exchanges -= 1;
        track.reserved -= slots;
        for ((serial, end), ended) in ends.into_iter().zip(exchanged.ends) {
            self.recorded(index, serial, end, ended);
        }
        match exchanged.haul {
            None => {}
            Some(Ok(haul)) => self.hauled(index, haul),
            // The next sweep tries again; the connection comes back by itself.
            Some(Err(error)) => {
                let track = &mut self.tracks[index];
                if !std::mem::replace(&mut track.failing, true) {
                    let lane = &**track.lane.label();
                    tracing::warn!(lane, %error, "cannot take jobs");
                }
                let store = track.store;
                self.control.note_contact(store, Some(error.to_string()));
            }
        }
    }

    fn hauled(&mut self, index: usize, haul: Haul) {
        let stopping = self.stop.is_cancelled();
        let track = &mut self.tracks[index];
        if std::mem::take(&mut track.failing) {
            tracing::info!(lane = &**track.lane.label(), "can take jobs again");
        }
        track.due = haul.due_in.map(|due| Instant::now() + due);
        // What another exchange has asked for meanwhile is not counted twice.
        let asked_for = track.reserved.saturating_mul(track.lane.batch());
        track.backlog = haul.backlog.saturating_sub(asked_for);
        let store = track.store;
        self.control.note_contact(store, None);
        for Broken { job, message, is_final } in haul.broken {
            let end = self.tracks[index].lane.failure(&job, message, is_final, &self.config);
            let serial = self.serial();
            let now = Instant::now();
            let held = Held { track: index, job, unit: 0, since: now, ended_at: Some(now) };
            self.held.insert(serial, held);
            self.tracks[index].ended.push((serial, end));
        }
        for unit in haul.units {
            if stopping {
                self.give_back(index, unit);
            } else {
                self.begin(index, unit);
            }
        }
    }

    fn begin(&mut self, index: usize, unit: Unit) {
        let Unit { jobs, timeout, cancelled, life } = unit;
        let unit = self.serial();
        let now = Instant::now();
        let mut serials = Vec::with_capacity(jobs.len());
        for job in jobs {
            metrics::began(self.tracks[index].lane.label(), &job);
            let serial = self.serial();
            self.held.insert(serial, Held { track: index, job, unit, since: now, ended_at: None });
            serials.push(serial);
        }
        let abort = self.runs.spawn(life);
        self.serial_of.insert(abort.id(), unit);
        let deadline = now + timeout;
        self.deadlines.insert((deadline, unit));
        self.tracks[index].running += 1;
        let running =
            RunningUnit { track: index, jobs: serials, deadline, timeout, cancelled, abort };
        self.units.insert(unit, running);
    }

    /// Jobs that came too late to be run.
    fn give_back(&mut self, index: usize, unit: Unit) {
        let now = Instant::now();
        for job in unit.jobs {
            let serial = self.serial();
            let end = End::Release { claim: job.claim.clone() };
            let held = Held { track: index, job, unit: 0, since: now, ended_at: Some(now) };
            self.held.insert(serial, held);
            self.tracks[index].ended.push((serial, end));
        }
    }

    /// What became of one end.
    fn recorded(
        &mut self,
        index: usize,
        serial: Serial,
        end: End,
        ended: metastore::Result<Ended>,
    ) {
        let Some(held) = self.held.get(&serial) else { return };
        let track = &mut self.tracks[index];
        self.stale[track.store] = true;
        let label = &**track.lane.label();
        let job = held.job.claim.job.as_str();
        match ended {
            Ok(Ended::Recorded) => {
                metrics::ended(track.lane.label(), &end, held.since.elapsed());
                tracing::debug!(job, lane = label, "the end of the job is recorded");
                match end {
                    End::Result { .. } => self.report.finished += 1,
                    End::Release { .. } => self.report.released += 1,
                    _ => self.report.failed += 1,
                }
            }
            Ok(_) => {
                tracing::warn!(job, lane = label, "the job is no longer ours");
                metrics::lost(track.lane.label());
                self.report.lost += 1;
            }
            // The server may be back while the lease still holds, or nobody else has taken the job.
            Err(error)
                if error.is_retryable()
                    && held
                        .ended_at
                        .is_some_and(|at| at.elapsed() < self.config.lease.max(WORTH)) =>
            {
                track.rest_until = Some(Instant::now() + REST);
                track.ended.push((serial, end));
                return;
            }
            Err(error) => {
                // The lease ends by itself, and then the job is taken again.
                tracing::warn!(job, lane = label, %error, "cannot record the end");
                metrics::lost(track.lane.label());
                self.report.lost += 1;
            }
        }
        self.held.remove(&serial);
    }
}
