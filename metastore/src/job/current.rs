//! The jobs whose handler runs in the current task, so that a request for one of their items is not
//! taken for one that the run already answers.

use crate::document::Document;
use crate::key::{Address, Id};
use crate::repo::Repo;

tokio::task_local! {
    static CURRENT: CurrentJobs;
}

/// The jobs that a handler runs.
#[derive(Clone, Debug)]
pub struct CurrentJobs {
    address: Address,
    transformation: &'static str,
    items: Vec<Id>,
}

impl CurrentJobs {
    /// The jobs of these items.
    #[must_use]
    pub fn new<T: Document>(repo: &Repo<T>, transformation: &'static str, items: Vec<Id>) -> Self {
        Self { address: repo.address().clone(), transformation, items }
    }

    /// Runs a handler. If it requests its own transformation of one of its items, that run begins
    /// after this one has ended. A task that the handler spawns is not part of the scope.
    pub fn scope<F: Future>(self, handler: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, handler)
    }
}

/// Whether the current task runs the handler of this job.
pub(crate) fn is_running(address: &Address, transformation: &str, id: &Id) -> bool {
    CURRENT
        .try_with(|current| {
            current.transformation == transformation
                && current.address == *address
                && current.items.contains(id)
        })
        .unwrap_or(false)
}
