//! The name of a queue in settings, logs and metrics.

use metastore::Collection;
use metastore::queue::Queue;

/// `domain:app:collection:transformation`.
pub(crate) fn queue_label<T: Collection>(queue: &Queue<T>) -> String {
    format!("{}:{}", queue.repo().address(), queue.schema().name)
}
