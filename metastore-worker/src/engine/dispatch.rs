//! Filling free slots in equal shares, and sending completions, by one round trip for each queue.

use std::sync::atomic::Ordering;

use metastore::queue::{Completion, TakeOptions};
use tokio::time::Instant;

use super::event::{BackgroundEvent, LocalId};
use super::state::Engine;
use crate::handler::{HandlerExchange, TakenCalls, UndecodableJob};

/// The most exchanges of a queue in flight: the server processes one while the next is on its way.
const MAX_IN_FLIGHT: usize = 2;

/// The most completions that one exchange records.
const MAX_COMPLETIONS: usize = 256;

impl Engine {
    /// Sends completions, and takes jobs while slots are free and queues may have jobs.
    pub(super) fn dispatch(&mut self) {
        let count = self.queues.len();
        self.turn = (self.turn + 1) % count;
        let is_stopping = self.stop.is_cancelled();
        // Read once, because subscriptions may set more flags at any time, and the shares depend on
        // the number of set ones.
        let order: Vec<(usize, bool)> = (0..count)
            .map(|offset| (self.turn + offset) % count)
            .map(|index| (index, !is_stopping && self.queues[index].has_jobs()))
            .collect();
        let mut queues_with_jobs = order.iter().filter(|(_, has_jobs)| *has_jobs).count();
        for (index, has_jobs) in order {
            let queue = &self.queues[index];
            let mut slots = 0;
            if has_jobs {
                slots = self.share(index, queues_with_jobs);
                queues_with_jobs -= 1;
            }
            let must_wait = queue.retry_at.is_some_and(|at| at > Instant::now());
            let has_completions = !queue.completions.is_empty() && !must_wait;
            if queue.in_flight < MAX_IN_FLIGHT && (has_completions || slots > 0) {
                self.send(index, slots, has_completions);
            }
        }
    }

    /// The share of a queue in the free slots, if `queues` of them still need one.
    fn share(&self, index: usize, queues: usize) -> usize {
        let concurrency = self.control.concurrency();
        let used: usize = self.queues.iter().map(|queue| queue.used_slots()).sum();
        let free = concurrency.saturating_sub(used);
        let limit = self.control.limit(index).saturating_sub(self.queues[index].used_slots());
        // One exchange does not take all slots, so that the next one can be in flight meanwhile.
        free.div_ceil(queues).min(free).min(limit).min(concurrency.div_ceil(MAX_IN_FLIGHT))
    }

    fn send(&mut self, index: usize, slots: usize, has_completions: bool) {
        let (config, run_context) = (self.config.clone(), self.run_context.clone());
        let queue = &mut self.queues[index];
        let take = (slots > 0).then(|| {
            // Cleared before the request, so that a notification that arrives meanwhile is not
            // lost.
            queue.may_have_jobs.store(false, Ordering::Release);
            let jobs = slots.saturating_mul(queue.handler.batch_size());
            queue.backlog = queue.backlog.saturating_sub(jobs);
            TakeOptions::new(config.name.clone(), jobs)
                .lease(config.lease)
                .max_crashes(config.max_crashes)
                .fast_forward(config.fast_forward)
        });
        let completions: Vec<(LocalId, Completion)> = if has_completions {
            queue.retry_at = None;
            queue.completions.drain(..queue.completions.len().min(MAX_COMPLETIONS)).collect()
        } else {
            Vec::new()
        };
        queue.in_flight += 1;
        queue.reserved += slots;
        let handler = queue.handler.clone();
        self.background.spawn(async move {
            let (ids, completions): (Vec<LocalId>, Vec<Completion>) =
                completions.into_iter().unzip();
            let exchange =
                handler.exchange(&completions, take.as_ref(), &config, &run_context).await;
            let completions = ids.into_iter().zip(completions).collect();
            BackgroundEvent::Exchanged { queue: index, completions, slots, exchange }
        });
    }

    pub(super) fn exchanged(
        &mut self,
        index: usize,
        completions: Vec<(LocalId, Completion)>,
        slots: usize,
        exchange: HandlerExchange,
    ) {
        let queue = &mut self.queues[index];
        queue.in_flight -= 1;
        queue.reserved -= slots;
        for ((id, completion), outcome) in completions.into_iter().zip(exchange.outcomes) {
            self.recorded(index, id, completion, outcome);
        }
        match exchange.taken {
            None => {}
            Some(Ok(taken)) => self.taken(index, taken),
            // The next poll tries again; the store reconnects by itself.
            Some(Err(error)) => {
                let queue = &mut self.queues[index];
                if !std::mem::replace(&mut queue.is_failing, true) {
                    tracing::warn!(queue = &**queue.label(), %error, "cannot take jobs");
                }
                let store = queue.store;
                self.control.record_contact(store, Some(error.to_string()));
            }
        }
    }

    fn taken(&mut self, index: usize, taken: TakenCalls) {
        let queue = &mut self.queues[index];
        if std::mem::take(&mut queue.is_failing) {
            tracing::info!(queue = &**queue.label(), "can take jobs again");
        }
        queue.due = taken.due_in.map(|due| Instant::now() + due);
        // Jobs that another exchange has requested meanwhile do not count.
        let requested = queue.reserved.saturating_mul(queue.handler.batch_size());
        queue.backlog = taken.backlog.saturating_sub(requested);
        let store = queue.store;
        self.control.record_contact(store, None);
        for UndecodableJob { job, message, is_fatal } in taken.undecodable {
            let handler = &self.queues[index].handler;
            let completion = handler.failure(&job, message, is_fatal, &self.config);
            self.complete_without_run(index, job, completion);
        }
        let is_stopping = self.stop.is_cancelled();
        for call in taken.calls {
            if is_stopping {
                // Taken before the stop, arrived after it.
                for job in call.jobs {
                    let completion = Completion::Release { claim: job.claim.clone() };
                    self.complete_without_run(index, job, completion);
                }
            } else {
                self.start_call(index, call);
            }
        }
    }
}
