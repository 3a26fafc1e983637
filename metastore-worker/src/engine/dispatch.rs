//! Filling free slots in equal shares, and sending completions, by one round trip for each queue.

use std::sync::atomic::Ordering;

use metastore::queue::{Completion, TakeOptions};
use tokio::time::Instant;

use super::event::{BackgroundEvent, Take};
use super::state::Engine;
use crate::handler::HandlerExchange;
use crate::lease::LocalId;

/// The most exchanges of a queue in flight: the server processes one while the next is on its way.
const MAX_IN_FLIGHT: usize = 2;

/// The most completions that one exchange records.
const MAX_COMPLETIONS: usize = 256;

impl Engine {
    /// Sends completions, and takes jobs while slots are free and queues may have jobs.
    pub(super) fn dispatch(&mut self) {
        let count = self.queues.len();
        self.turn = (self.turn + 1) % count;
        let takes_jobs = !self.stop.is_cancelled() && self.isolation.is_none();
        // Read once, because subscriptions may set more flags at any time, and the shares depend on
        // the number of set ones.
        let order: Vec<(usize, bool)> = (0..count)
            .map(|offset| (self.turn + offset) % count)
            .map(|index| (index, takes_jobs && self.queues[index].has_jobs()))
            .collect();
        let mut queues_with_jobs = order.iter().filter(|(_, has_jobs)| *has_jobs).count();
        for (index, has_jobs) in order {
            let mut slots = 0;
            if has_jobs {
                slots = self.share(index, queues_with_jobs);
                queues_with_jobs -= 1;
            }
            let queue = &self.queues[index];
            let must_wait = queue.retry_at.is_some_and(|at| at > Instant::now());
            let has_completions = !queue.completions.is_empty() && !must_wait;
            let take = match slots {
                0 if self.must_pass_on(index) => Take::PassOn,
                0 => Take::Nothing,
                slots => Take::Slots(slots),
            };
            let queue = &self.queues[index];
            if queue.in_flight < MAX_IN_FLIGHT && (has_completions || take != Take::Nothing) {
                self.send(index, take, has_completions);
            }
        }
        self.dispatch_alone();
    }

    /// The share of a queue in the free slots, if `queues` of them still need one.
    fn share(&self, index: usize, queues: usize) -> usize {
        let concurrency = self.control.concurrency();
        let used: usize = self.queues.iter().map(|queue| queue.used_slots()).sum();
        let free = concurrency.saturating_sub(used);
        let queue = &self.queues[index];
        let limit = self.control.limit(index).saturating_sub(queue.used_slots());
        let limit = queue.max_slots.map_or(limit, |most| limit.min(most));
        // One exchange does not take all slots, so that the next one can be in flight meanwhile.
        free.div_ceil(queues).min(free).min(limit).min(concurrency.div_ceil(MAX_IN_FLIGHT))
    }

    /// Whether the server has notified this worker of a job that it has no room for. While a take
    /// is in flight, its reply may leave room.
    fn must_pass_on(&self, index: usize) -> bool {
        let queue = &self.queues[index];
        queue.notified.is_woken.load(Ordering::Acquire)
            && self.queues.iter().all(|queue| queue.reserved == 0)
            && queue.take_at.is_none()
    }

    /// Sends one exchange.
    pub(super) fn send(&mut self, index: usize, take: Take, has_completions: bool) {
        let (config, run_context) = (self.config.clone(), self.run_context.clone());
        let channel = self.channel.clone();
        let queue = &mut self.queues[index];
        let jobs = take.slots().saturating_mul(queue.handler.batch_size());
        match take {
            Take::Nothing => {}
            Take::PassOn => queue.notified.is_woken.store(false, Ordering::Release),
            Take::Alone { .. } => {}
            Take::Slots(_) => {
                // Cleared before the request, so that a notification that arrives meanwhile is not
                // lost.
                queue.notified.may_have_jobs.store(false, Ordering::Release);
                queue.notified.is_woken.store(false, Ordering::Release);
                queue.backlog = queue.backlog.saturating_sub(jobs);
                queue.take_at = None;
            }
        }
        let options = (take != Take::Nothing).then(|| {
            let is_alone = matches!(take, Take::Alone { .. });
            TakeOptions::new(config.name.clone(), if is_alone { take.slots() } else { jobs })
                .channel(&*channel)
                .lease(config.lease)
                .max_crashes(config.max_crashes)
                .fast_forward(config.fast_forward)
                .alone(is_alone)
        });
        let completions: Vec<(LocalId, Completion)> = if has_completions {
            queue.retry_at = None;
            queue.completions.drain(..queue.completions.len().min(MAX_COMPLETIONS)).collect()
        } else {
            Vec::new()
        };
        queue.in_flight += 1;
        queue.reserved += take.slots();
        let handler = queue.handler.clone();
        self.background.spawn(async move {
            let (ids, completions): (Vec<LocalId>, Vec<Completion>) =
                completions.into_iter().unzip();
            let exchange =
                handler.exchange(&completions, options.as_ref(), &config, &run_context).await;
            let completions = ids.into_iter().zip(completions).collect();
            BackgroundEvent::Exchanged { queue: index, completions, take, exchange }
        });
    }

    pub(super) fn exchanged(
        &mut self,
        index: usize,
        completions: Vec<(LocalId, Completion)>,
        take: Take,
        exchange: HandlerExchange,
    ) {
        let queue = &mut self.queues[index];
        queue.in_flight -= 1;
        queue.reserved -= take.slots();
        let mut recorded = Vec::with_capacity(completions.len());
        for ((id, completion), outcome) in completions.into_iter().zip(exchange.outcomes) {
            if self.recorded(index, id, completion, outcome) {
                recorded.push(id);
            }
        }
        let store = self.queues[index].store;
        self.keeper.tables[store].remove(recorded);
        match exchange.taken {
            None => {}
            Some(Ok(taken)) => self.taken(index, take, taken),
            Some(Err(error)) => self.take_failed(index, take, &error),
        }
    }
}
