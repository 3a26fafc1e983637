//! Several queues of one store, looked at and renewed together.

use std::time::Duration;

use super::stats::parse;
use super::{Claim, Queue, QueueStats, add_claim};
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::key::TransformationKeys;
use crate::redis::command::{Command, Reply, Verdict, unexpected};
use crate::redis::script::{LOOK, RENEW, ScriptCall};
use crate::redis::write::{Commit, WriteSet};
use crate::store::Store;
use crate::time::millis;

/// Several queues of one store, each with a number from 0 in the order in which they were added.
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
    /// None yet, in this store.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), queues: Vec::new() }
    }

    /// Adds a queue, which has to be of the same server, and gives its number.
    pub fn add<T: Document>(&mut self, queue: &Queue<T>) -> usize {
        self.queues.push(queue.keys.clone());
        self.queues.len() - 1
    }

    /// Whether there is anything at all that waits, is delayed or runs.
    ///
    /// One command, however many queues there are: what a worker with nothing to do asks.
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

    /// What [`Queue::stats`] tells, of each queue.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`.
    pub async fn stats(&self) -> Result<Vec<QueueStats>> {
        let call = self.queues.iter().fold(ScriptCall::new(&LOOK), |call, queue| {
            call.keys(queue.all()).arg(queue.item_prefix.clone()).arg(queue.record_suffix.clone())
        });
        let mut verdict = self.call("stats", call, Duration::ZERO).await?;
        verdict.array("stats")?.into_iter().map(parse).collect()
    }

    /// The queues that a worker would find something to do in, but that no worker listens to, with their
    /// numbers: perhaps a handler is missing, or no worker runs.
    ///
    /// One round trip, and another one if there is anything to do.
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
        let channels = ready.iter().map(|(number, _)| self.queues[*number].wake.clone());
        let command = Command::new("PUBSUB").arg("NUMSUB").args(channels);
        let reply = self.store.reader().call(command).await;
        let reply = reply.map_err(|fault| fault.into_error("unattended"))?;
        let strange = || unexpected("unattended", &"no numbers of subscribers");
        let listeners = reply.into_array().ok_or_else(strange)?;
        let mut listeners = listeners.into_iter().skip(1).step_by(2);
        ready.retain(|_| matches!(listeners.next(), Some(Reply::Int(0))));
        Ok(ready)
    }

    /// Prolongs claims on jobs, each of the queue with the number before it; gives for each whether the
    /// worker still holds it.
    ///
    /// One round trip for all.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutcomeUnknown`.
    pub async fn renew(&self, claims: &[(usize, &Claim)], lease: Duration) -> Result<Vec<bool>> {
        let mut call = ScriptCall::new(&RENEW).int(millis(lease));
        let mut order = Vec::with_capacity(claims.len());
        for (number, queue) in self.queues.iter().enumerate() {
            let of_queue = || claims.iter().enumerate().filter(move |(_, (of, _))| *of == number);
            let count = of_queue().count();
            if count > 0 {
                call = call
                    .arg(queue.leased.clone())
                    .arg(queue.item_prefix.clone())
                    .arg(queue.record_suffix.clone())
                    .int(count as u64);
            }
            for (position, (_, claim)) in of_queue() {
                call = add_claim(call, claim);
                order.push(position);
            }
        }
        // A renewal that takes longer than the lease is of no use.
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
        patience: Duration,
    ) -> Result<Verdict> {
        let sent = Commit { operation, id: "", writes: WriteSet::Conditional(call), patience };
        let reply = self.store.writer().commit(sent).await?;
        let reply = reply
            .ok_or_else(|| Error::new(operation, ErrorKind::Server("no verdict".to_owned())))?;
        Verdict::from_reply(reply.reply, operation)
    }
}

impl<T: Document> Queue<T> {
    /// Prolongs claims; gives for each whether the worker still holds it.
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
