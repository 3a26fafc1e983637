//! Lost and confirmed leases, which the keeper reports.

use super::state::{Engine, Run};
use crate::lease::{LeaseEvent, LocalId};

impl Engine {
    pub(super) fn handle_lease_event(&mut self, event: LeaseEvent) {
        match event {
            LeaseEvent::Lost(jobs) => {
                for job in jobs {
                    self.lose(job);
                }
            }
            LeaseEvent::Confirmed(jobs) => {
                for job in jobs {
                    self.confirmed(job);
                }
            }
        }
    }

    /// Starts the call that waited for the confirmation of a job, if it waits for no other one.
    fn confirmed(&mut self, id: LocalId) {
        let Some(leased) = self.jobs.get_mut(&id) else { return };
        if !std::mem::take(&mut leased.is_awaited) {
            return;
        }
        let Some(id) = leased.call else { return };
        let Some(call) = self.calls.get_mut(&id) else { return };
        if let Run::Awaiting { jobs, .. } = &mut call.run {
            *jobs -= 1;
            self.start_call(id);
        }
    }

    /// Ends the run of a job that the worker no longer holds. Its handler is stopped, unless it
    /// also works on other jobs.
    ///
    /// A lease that is gone does not say why. The attempt to release the job returns the reason:
    /// the job was cancelled, its item was deleted, or another worker has it.
    fn lose(&mut self, id: LocalId) {
        // For a completed job, the outcome of the completion decides.
        let Some(leased) = self.jobs.get(&id).filter(|leased| !leased.is_completed) else {
            return;
        };
        let call = leased.call;
        self.release(id);
        let Some(call) = call else { return };
        let is_running = |job| self.jobs.get(job).is_some_and(|leased| !leased.is_completed);
        let has_other_jobs =
            self.calls.get(&call).is_some_and(|call| call.jobs.iter().any(is_running));
        if has_other_jobs {
            self.confirmed(id);
        } else if let Some(call) = self.abort_call(call) {
            self.end_call(call, Vec::new());
        }
    }
}
