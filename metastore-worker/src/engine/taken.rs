//! The replies to takes.

use std::time::Duration;

use metastore::queue::Completion;
use tokio::time::Instant;

use super::event::Take;
use super::state::Engine;
use crate::handler::{TakenCalls, UndecodableJob};
use crate::lease::{Lease, LocalId};

/// How long a job whose item a newer program has written is left to newer workers.
const NEWER_SCHEMA_DELAY: Duration = Duration::from_secs(30);

/// The pause after a take that failed.
const TAKE_PAUSE: Duration = Duration::from_millis(500);

impl Engine {
    pub(super) fn taken(&mut self, index: usize, take: Take, taken: TakenCalls) {
        let queue = &mut self.queues[index];
        if std::mem::take(&mut queue.is_failing) {
            tracing::info!(queue = &**queue.label(), "can take jobs again");
        }
        queue.due = taken.due_in.map(|due| Instant::now() + due);
        // Jobs that another exchange has requested meanwhile do not count.
        let requested = queue.reserved.saturating_mul(queue.handler.batch_size());
        queue.backlog = taken.backlog.saturating_sub(requested);
        if taken.has_newer && !std::mem::replace(&mut queue.has_logged_newer_jobs, true) {
            tracing::warn!(
                queue = &**queue.label(),
                "a newer version of this program has requested jobs; they are left to its workers"
            );
        }
        let store = queue.store;
        self.control.record_contact(store, None);
        self.take_more(index, take);
        let is_empty = taken.calls.is_empty() && taken.undecodable.is_empty();
        let mut leases = Vec::with_capacity(taken.calls.len() + taken.undecodable.len());
        for job in taken.undecodable {
            self.complete_undecodable(index, job, &mut leases);
        }
        let is_stopping = self.stop.is_cancelled();
        let mut calls = Vec::with_capacity(taken.calls.len());
        for call in taken.calls {
            if is_stopping {
                // Taken before the stop, arrived after it.
                for job in call.jobs {
                    let claim = job.claim.clone();
                    let completion = Completion::Release { claim, delay: Duration::ZERO };
                    leases.push(self.complete_without_run(index, job, completion));
                }
            } else {
                calls.extend(self.insert_call(index, call, &mut leases));
            }
        }
        // Before the handlers start, so that a renewal finds each run.
        self.keeper.tables[store].add(leases);
        for call in calls {
            self.start_call(call);
        }
        if let Take::Alone { is_ready } = take {
            self.taken_alone(is_ready && !is_empty, is_ready, taken.has_suspects);
        } else if taken.has_suspects {
            self.isolate(index);
        }
    }

    /// Completes a job whose item does not decode.
    fn complete_undecodable(
        &mut self,
        index: usize,
        undecodable: UndecodableJob,
        leases: &mut Vec<(LocalId, Lease)>,
    ) {
        let UndecodableJob { job, message, is_newer } = undecodable;
        let queue = &mut self.queues[index];
        // A worker that skips delays would take the job again at once, and for ever.
        let completion = if is_newer && !self.config.fast_forward {
            if !std::mem::replace(&mut queue.has_logged_newer_items, true) {
                tracing::warn!(
                    job = job.claim.job,
                    item = job.claim.item.as_str(),
                    queue = &**queue.label(),
                    error = message,
                    "a newer version of this program has written an item; such jobs are left to \
                     its workers"
                );
            }
            Completion::Release { claim: job.claim.clone(), delay: NEWER_SCHEMA_DELAY }
        } else {
            queue.handler.failure(&job, message, !is_newer, &self.config)
        };
        leases.push(self.complete_without_run(index, job, completion));
    }

    /// Takes fewer jobs after a take without a reply: on a slow line, a smaller reply may arrive in
    /// time. The jobs of the lost reply return to the queue when their leases end.
    pub(super) fn take_failed(&mut self, index: usize, take: Take, error: &metastore::Error) {
        let queue = &mut self.queues[index];
        if !std::mem::replace(&mut queue.is_failing, true) {
            tracing::warn!(queue = &**queue.label(), %error, "cannot take jobs");
        }
        if let Take::Slots(slots) = take {
            if error.is_retryable() {
                queue.max_slots = Some((slots / 2).max(1));
            }
            let pause = TAKE_PAUSE.min(self.config.poll_interval);
            queue.take_at = Some(Instant::now() + pause);
            queue.set_may_have_jobs();
        }
        let (store, max_slots) = (queue.store, queue.max_slots);
        let store_error = Some(error.to_string());
        self.control.record_contact(store, store_error);
        self.control.status().reduced[index] = max_slots;
        if let Take::Alone { .. } = take {
            self.taken_alone(false, true, true);
        }
    }

    /// Takes twice as many jobs after a reply, until the limit of a failed take is gone.
    fn take_more(&mut self, index: usize, take: Take) {
        let concurrency = self.control.concurrency();
        let queue = &mut self.queues[index];
        let (Some(most), Take::Slots(_)) = (queue.max_slots, take) else { return };
        queue.max_slots = Some(most.saturating_mul(2)).filter(|most| *most < concurrency);
        // An empty queue is taken from, too, so that the health does not depend on new jobs.
        queue.set_may_have_jobs();
        let max_slots = queue.max_slots;
        self.control.status().reduced[index] = max_slots;
    }
}
