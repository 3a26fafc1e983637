//! `MaintainedCollection`: a collection as the maintenance of the worker sees it, without its type.

use std::sync::Arc;

use metastore::queue::{Queue, QueueSet};
use metastore::{Collection, Repo, Store};

use crate::future::BoxFuture;
use crate::label::queue_label;

/// A collection that was passed to the builder of the worker.
pub(crate) trait MaintainedCollection: Send + Sync {
    /// The address. It identifies the collection within its store.
    fn address(&self) -> &str;
    fn store(&self) -> &Store;
    /// Whether its items have a time to live.
    fn expires(&self) -> bool;
    /// Removes the index entries of some expired items. Returns whether there may be more.
    fn reap(&self) -> BoxFuture<'_, metastore::Result<bool>>;
    /// Adds the queues that are not in `handled` to a set, and returns their labels.
    fn add_unhandled(&self, handled: &[Arc<str>], set: &mut QueueSet) -> Vec<String>;
}

impl<T: Collection> MaintainedCollection for Repo<T> {
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

    fn add_unhandled(&self, handled: &[Arc<str>], set: &mut QueueSet) -> Vec<String> {
        let queues = Queue::all(self).into_iter().map(|queue| (queue_label(&queue), queue));
        let unhandled =
            queues.filter(|(label, _)| !handled.iter().any(|handled| **handled == **label));
        let add = |(label, queue)| {
            set.add(&queue);
            label
        };
        unhandled.map(add).collect()
    }
}
