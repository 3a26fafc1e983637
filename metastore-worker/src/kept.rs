//! One collection as the worker looks after it, whichever its type.

use std::sync::Arc;

use metastore::queue::{Queue, QueueSet};
use metastore::{Collection, Repo, Store};

use crate::lane::BoxFuture;

/// A collection that the worker was given.
pub(crate) trait Kept: Send + Sync {
    /// The address, for messages and to tell collections apart.
    fn address(&self) -> &str;
    fn store(&self) -> &Store;
    /// Whether its items have a time to live.
    fn expires(&self) -> bool;
    /// Forgets some of what has expired, and tells whether there may be more.
    fn reap(&self) -> BoxFuture<'_, metastore::Result<bool>>;
    /// Adds the queues that are not `handled` to a set, and gives their labels.
    fn join_others(&self, handled: &[Arc<str>], set: &mut QueueSet) -> Vec<String>;
}

/// What queues are called in settings, messages and numbers.
pub(crate) fn label<T: Collection>(queue: &Queue<T>) -> String {
    format!("{}:{}", queue.repo().address(), queue.schema().name)
}

impl<T: Collection> Kept for Repo<T> {
    fn address(&self) -> &str {
        Repo::address(self).as_str()
    }

    fn store(&self) -> &Store {
        Repo::store(self)
    }

    fn expires(&self) -> bool {
        T::SCHEMA.ttl.is_some()
    }

    fn reap(&self) -> BoxFuture<'_, metastore::Result<bool>> {
        Box::pin(self.reap_expired())
    }

    fn join_others(&self, handled: &[Arc<str>], set: &mut QueueSet) -> Vec<String> {
        let others = Queue::all(self).into_iter().map(|queue| (label(&queue), queue));
        let others = others.filter(|(label, _)| !handled.iter().any(|known| **known == **label));
        let join = |(label, queue)| {
            set.add(&queue);
            label
        };
        others.map(join).collect()
    }
}
