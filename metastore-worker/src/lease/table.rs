//! `LeaseTable`: the leases that a worker holds in one store.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metastore::queue::Claim;
use tokio::sync::Notify;

/// Identifies a job or a handler call within this worker.
pub(crate) type LocalId = u64;

/// A job that still runs after this time is confirmed by a renewal of its lease. Quick jobs end
/// before, so they cost no call.
const CONFIRM_AFTER: Duration = Duration::from_millis(20);

/// Leases that are due within this time are confirmed by the same call.
const CONFIRM_TOGETHER: Duration = Duration::from_millis(5);

/// The least time between two renewals that were requested, so that many cancellations cause few
/// calls.
const REQUEST_PAUSE: Duration = Duration::from_millis(50);

/// The lease of a job.
pub(crate) struct Lease {
    /// The number of the queue in its set.
    queue: usize,
    claim: Claim,
    /// When to confirm the run; `None` if it is confirmed or has ended.
    confirm_at: Option<Instant>,
    /// Whether the handler waits for the confirmation.
    is_awaited: bool,
}

impl Lease {
    /// The lease of a job that a handler begins to run now, or as soon as it is confirmed.
    pub(crate) fn of_run(queue: usize, claim: Claim, confirm_first: bool, now: Instant) -> Self {
        let confirm_at = Some(if confirm_first { now } else { now + CONFIRM_AFTER });
        Self { queue, claim, confirm_at, is_awaited: confirm_first }
    }

    /// The lease of a job that no handler runs.
    pub(crate) fn of_completed(queue: usize, claim: Claim) -> Self {
        Self { queue, claim, confirm_at: None, is_awaited: false }
    }
}

/// The leases of one store. The engine adds and removes them, the keeper renews them.
pub(crate) struct LeaseTable {
    state: Mutex<State>,
    /// Wakes the keeper.
    pub(super) wake: Notify,
}

#[derive(Default)]
struct State {
    leases: HashMap<LocalId, Lease>,
    /// When the keeper looks for leases to confirm; `None` if there were none.
    confirm_at: Option<Instant>,
    /// When to renew all leases because it was requested, and the earliest time of the next
    /// request.
    requested_at: Option<Instant>,
    request_from: Option<Instant>,
    is_closed: bool,
}

/// A lease to renew.
pub(super) struct DueLease {
    pub(super) id: LocalId,
    pub(super) queue: usize,
    pub(super) claim: Claim,
    pub(super) is_awaited: bool,
}

impl LeaseTable {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), wake: Notify::new() }
    }

    /// Adds the leases of jobs that were taken by one call.
    pub(crate) fn add(&self, leases: impl IntoIterator<Item = (LocalId, Lease)>) {
        let mut state = self.state();
        let mut first: Option<Instant> = None;
        for (id, lease) in leases {
            if let Some(at) = lease.confirm_at {
                first = Some(first.map_or(at, |first| first.min(at)));
            }
            state.leases.insert(id, lease);
        }
        // The keeper is woken once, not for each call: it finds the later leases by itself.
        let is_earlier = |first| state.confirm_at.is_none_or(|at| first < at);
        if first.is_some_and(is_earlier) {
            state.confirm_at = first;
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Notes that the run of a job has ended. Its lease is renewed until it is removed.
    pub(crate) fn complete(&self, id: LocalId) {
        if let Some(lease) = self.state().leases.get_mut(&id) {
            lease.confirm_at = None;
            lease.is_awaited = false;
        }
    }

    pub(crate) fn remove(&self, ids: impl IntoIterator<Item = LocalId>) {
        let mut state = self.state();
        for id in ids {
            state.leases.remove(&id);
        }
    }

    /// Renews all leases at once, to find out which jobs have been cancelled.
    pub(crate) fn request_renewal(&self) {
        let mut state = self.state();
        let now = Instant::now();
        let at = state.request_from.map_or(now, |from| from.max(now));
        state.requested_at.get_or_insert(at);
        drop(state);
        self.wake.notify_one();
    }

    /// Ends the keeper.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.wake.notify_one();
    }

    /// The leases to renew now; `None` if the keeper ends. `is_due`: whether all are due.
    pub(super) fn due(&self, is_due: bool, now: Instant) -> Option<Vec<DueLease>> {
        let mut state = self.state();
        if state.is_closed {
            return None;
        }
        let is_requested = state.requested_at.is_some_and(|at| at <= now);
        if is_requested {
            state.requested_at = None;
            state.request_from = Some(now + REQUEST_PAUSE);
        }
        let renews_all = is_due || is_requested;
        let mut due = Vec::new();
        let mut next: Option<Instant> = None;
        for (id, lease) in &mut state.leases {
            let is_confirmed = |at: Instant| renews_all || at <= now + CONFIRM_TOGETHER;
            if lease.confirm_at.map_or(renews_all, is_confirmed) {
                lease.confirm_at = None;
                due.push(DueLease {
                    id: *id,
                    queue: lease.queue,
                    claim: lease.claim.clone(),
                    is_awaited: lease.is_awaited,
                });
            } else if let Some(at) = lease.confirm_at {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
        }
        state.confirm_at = next;
        Some(due)
    }

    /// When to look again for leases to renew.
    pub(super) fn next_time(&self) -> Option<Instant> {
        let state = self.state();
        state.confirm_at.into_iter().chain(state.requested_at).min()
    }

    /// Notes that these leases are confirmed, so that nothing waits for them any more.
    pub(super) fn confirmed(&self, ids: &[LocalId]) {
        let mut state = self.state();
        for id in ids {
            if let Some(lease) = state.leases.get_mut(id) {
                lease.is_awaited = false;
            }
        }
    }

    /// Confirms leases again whose confirmation has failed.
    pub(super) fn retry(&self, leases: &[DueLease], at: Instant) {
        let mut state = self.state();
        for lease in leases.iter().filter(|lease| lease.is_awaited) {
            if let Some(lease) = state.leases.get_mut(&lease.id) {
                lease.confirm_at = Some(at);
                state.confirm_at = Some(state.confirm_at.map_or(at, |next| next.min(at)));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [LocalId; 0] = [];

    fn lease(confirm_first: bool, now: Instant) -> Lease {
        let claim = Claim::new("a".parse().unwrap(), "J".to_owned(), 1);
        Lease::of_run(0, claim, confirm_first, now)
    }

    fn due(table: &LeaseTable, is_due: bool, now: Instant) -> Vec<LocalId> {
        let mut ids: Vec<_> =
            table.due(is_due, now).unwrap().iter().map(|lease| lease.id).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn a_run_that_has_ended_costs_no_call_to_confirm_it() {
        let (table, begin) = (LeaseTable::new(), Instant::now());
        table.add([(1, lease(false, begin)), (2, lease(false, begin)), (3, lease(false, begin))]);
        table.remove([1]);
        table.complete(2);
        assert_eq!(due(&table, false, begin), NONE);
        assert_eq!(due(&table, false, begin + CONFIRM_AFTER), [3]);
        // Once is enough.
        assert_eq!(due(&table, false, begin + CONFIRM_AFTER * 2), NONE);
        assert_eq!(table.next_time(), None);
        // An ended run that is not recorded yet keeps its lease.
        assert_eq!(due(&table, true, begin), [2, 3]);
    }

    #[test]
    fn a_handler_that_waits_for_the_server_is_confirmed_at_once_and_again_after_a_failure() {
        let (table, begin) = (LeaseTable::new(), Instant::now());
        table.add([(1, lease(true, begin)), (2, lease(false, begin))]);
        let leases = table.due(false, begin).unwrap();
        assert!(matches!(&leases[..], [DueLease { id: 1, is_awaited: true, .. }]));
        let later = begin + Duration::from_millis(10);
        table.retry(&leases, later);
        assert_eq!(table.next_time(), Some(later));
        assert_eq!(due(&table, false, later), [1]);
    }

    #[test]
    fn many_cancellations_cause_few_renewals() {
        let (table, begin) = (LeaseTable::new(), Instant::now());
        table.add([(1, Lease::of_completed(0, lease(false, begin).claim))]);
        for _ in 0..10 {
            table.request_renewal();
        }
        let now = Instant::now();
        assert_eq!(due(&table, false, now), [1]);
        table.request_renewal();
        assert_eq!(due(&table, false, now), NONE);
        assert_eq!(due(&table, false, now + REQUEST_PAUSE), [1]);
    }
}
