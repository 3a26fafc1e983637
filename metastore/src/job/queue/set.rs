//! `QueueSet`: several queues of one store, read and renewed by one call.

use std::time::Duration;

use super::claim::Claim;
use super::stats::{QueueStats, parse};
use super::transformation_queue::Queue;
use crate::document::Document;
use crate::error::Result;
use crate::key::TransformationKeys;
use crate::redis::command::{Command, Reply, Verdict};
use crate::redis::script::{QUEUE_STATS, RENEW, ScriptCall};
use crate::redis::write::retry::RetryPolicy;
use crate::store::Store;
use crate::time::millis;

/// Several queues of one store. They are numbered from 0, in the order in which they were added.
pub struct QueueSet {
    store: Store,
    queues: Vec<TransformationKeys>,
}

impl std::fmt::Debug for QueueSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueSet").field("queues", &self.queues.len()).finish_non_exhaustive()
    }
}

impl QueueSet {
    /// An empty set.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), queues: Vec::new() }
    }

    /// Adds a queue, which must be in the same store, and returns its number.
    pub fn add<T: Document>(&mut self, queue: &Queue<T>) -> usize {
        self.queues.push(queue.keys.clone());
        self.queues.len() - 1
    }

    /// Whether no job waits, is delayed or runs in any of the queues.
    ///
    /// One round trip with one command, for any number of queues. An idle worker polls with it.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    pub async fn is_idle(&self) -> Result<bool> {
        let keys = self.queues.iter().flat_map(TransformationKeys::busy);
        let reply = self.store.reader().call(Command::new("EXISTS").args(keys)).await;
        let reply = reply.map_err(|fault| fault.into_error("look"))?;
        Ok(reply == Reply::Int(0))
    }

    /// Returns [`Queue::stats`] of each queue.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`.
    pub async fn stats(&self) -> Result<Vec<QueueStats>> {
        self.read_stats("0").await
    }

    /// The same for a worker that polls. It also notes that workers are being served, so that a
    /// lease that ends is that of a dead worker.
    ///
    /// # Errors
    ///
    /// As [`QueueSet::stats`].
    pub async fn poll(&self) -> Result<Vec<QueueStats>> {
        self.read_stats("1").await
    }

    async fn read_stats(&self, by_worker: &'static str) -> Result<Vec<QueueStats>> {
        if self.queues.is_empty() {
            return Ok(Vec::new());
        }
        let call = ScriptCall::new(&QUEUE_STATS).arg(by_worker);
        let call = self.queues.iter().fold(call, |call, queue| {
            call.key(queue.jobs.clone())
                .address(&queue.address)
                .arg(queue.transformation.to_string())
        });
        let mut verdict = self.call("stats", call, Duration::ZERO).await?;
        verdict.array("stats")?.into_iter().map(parse).collect()
    }

    /// Returns the numbers and statistics of the queues in which a worker has something to do, but
    /// to which no worker subscribes. A handler may be missing, or no worker runs.
    ///
    /// One round trip, and one more for each queue that is ready.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`.
    pub async fn unattended(&self) -> Result<Vec<(usize, QueueStats)>> {
        let mut ready: Vec<(usize, QueueStats)> =
            self.stats().await?.into_iter().enumerate().filter(|(_, stats)| stats.ready).collect();
        if ready.is_empty() {
            return Ok(ready);
        }
        let mut unattended = Vec::new();
        for (number, stats) in ready.drain(..) {
            let command = Command::new("PUBSUB").arg("CHANNELS").arg(self.queues[number].wake("*"));
            let reply = self.store.reader().call(command).await;
            let reply = reply.map_err(|fault| fault.into_error("unattended"))?;
            if reply.into_array().is_none_or(|workers| workers.is_empty()) {
                unattended.push((number, stats));
            }
        }
        Ok(unattended)
    }

    /// Renews the leases of claims, each with the number of its queue. Returns for each claim
    /// whether the worker still holds the job.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn renew(&self, claims: &[(usize, &Claim)], lease: Duration) -> Result<Vec<bool>> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = ScriptCall::new(&RENEW).int(millis(lease));
        let mut order = Vec::with_capacity(claims.len());
        for (number, queue) in self.queues.iter().enumerate() {
            let of_queue = || claims.iter().enumerate().filter(move |(_, (of, _))| *of == number);
            let count = of_queue().count();
            if count > 0 {
                call = call.key(queue.leased.clone()).key(queue.control.clone()).int(count as u64);
            }
            for (position, (_, claim)) in of_queue() {
                call = claim.add_lease(call);
                order.push(position);
            }
        }
        // A renewal that arrives after the lease has expired is useless.
        let mut verdict = self.call("renew", call, lease).await?;
        let mut held = vec![false; claims.len()];
        for (position, reply) in order.into_iter().zip(verdict.array("renew")?) {
            held[position] = reply == Reply::Int(1);
        }
        Ok(held)
    }

    async fn call(
        &self,
        operation: &'static str,
        call: ScriptCall,
        retry_timeout: Duration,
    ) -> Result<Verdict> {
        let retry = RetryPolicy::for_at_most(retry_timeout);
        self.store.writer().commit_script(operation, "", call, retry).await
    }
}

impl<T: Document> Queue<T> {
    /// Returns the number of jobs by state, and how long the oldest one has waited.
    ///
    /// One round trip; its cost does not depend on the number of jobs.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`.
    pub async fn stats(&self) -> Result<QueueStats> {
        let mut set = QueueSet::new(self.repo.store());
        set.add(self);
        Ok(set.stats().await?.pop().unwrap_or_default())
    }

    /// Renews the leases of claims. Returns for each claim whether the worker still holds the job.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn renew(&self, claims: &[Claim], lease: Duration) -> Result<Vec<bool>> {
        let mut set = QueueSet::new(self.repo.store());
        let number = set.add(self);
        let claims: Vec<(usize, &Claim)> = claims.iter().map(|claim| (number, claim)).collect();
        set.renew(&claims, lease).await
    }
}
