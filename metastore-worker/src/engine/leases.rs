//! Renewing the leases of jobs.

use metastore::queue::Claim;
use tokio::time::timeout;

use super::event::{BackgroundEvent, LocalId};
use super::state::Engine;
use crate::metrics;

impl Engine {
    /// Renews all leases, by one round trip for each store.
    pub(super) fn renew(&mut self) {
        for store in 0..self.stores.len() {
            let mut jobs = Vec::new();
            let mut claims: Vec<(usize, Claim)> = Vec::new();
            for (id, leased) in &self.jobs {
                let queue = &self.queues[leased.queue];
                if queue.store == store {
                    jobs.push(*id);
                    claims.push((queue.number, leased.job.claim.clone()));
                }
            }
            if jobs.is_empty() || self.stores[store].is_renewing {
                continue;
            }
            self.stores[store].is_renewing = true;
            let (set, lease) = (self.stores[store].set.clone(), self.config.lease);
            self.background.spawn(async move {
                let claims: Vec<(usize, &Claim)> =
                    claims.iter().map(|(number, claim)| (*number, claim)).collect();
                let held = match timeout(lease / 3, set.renew(&claims, lease)).await {
                    Ok(held) => held,
                    // Nothing is known of the leases; the next renewal finds out.
                    Err(_) => Ok(vec![true; claims.len()]),
                };
                BackgroundEvent::Renewed { store, jobs, held }
            });
        }
    }

    pub(super) fn renewed(
        &mut self,
        store: usize,
        jobs: &[LocalId],
        held: metastore::Result<Vec<bool>>,
    ) {
        self.stores[store].is_renewing = false;
        match held {
            Ok(held) => {
                for (id, _) in jobs.iter().zip(held).filter(|(_, held)| !held) {
                    self.lose(*id);
                }
            }
            // While the server is unavailable, no other worker can take the jobs either, so they
            // continue. The fence decides in the end.
            Err(error) => tracing::warn!(%error, "cannot renew leases"),
        }
    }

    /// Drops a job that the worker no longer holds. Its handler is stopped, unless it also works on
    /// other jobs.
    fn lose(&mut self, id: LocalId) {
        // For a completed job, the outcome of the completion decides.
        let Some(leased) = self.jobs.get(&id).filter(|leased| leased.completed_at.is_none()) else {
            return;
        };
        let (call, label) = (leased.call, self.queues[leased.queue].label());
        tracing::warn!(
            job = leased.job.claim.job,
            queue = &**label,
            "the worker no longer holds the job"
        );
        metrics::job_lost(label);
        self.report.lost += 1;
        self.jobs.remove(&id);
        let Some(call) = call else { return };
        let has_other_jobs = self
            .calls
            .get(&call)
            .is_some_and(|call| call.jobs.iter().any(|job| self.jobs.contains_key(job)));
        if !has_other_jobs {
            self.abort_call(call);
        }
    }
}
