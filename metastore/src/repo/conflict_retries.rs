//! Retries of an update by id after a conflict with another write.

use std::time::Duration;

use crate::document::Document;
use crate::error::{ErrorKind, Result};
use crate::repo::Repo;

/// Counts how often an operation that begins with a read has started again, because another write
/// came between its read and its write.
pub(crate) struct ConflictRetries {
    made: u32,
    allowed: u32,
}

impl<T: Document> Repo<T> {
    /// For an operation that begins with a read.
    pub(crate) fn conflict_retries(&self) -> ConflictRetries {
        ConflictRetries { made: 0, allowed: self.store().settings().conflict_retries }
    }
}

impl ConflictRetries {
    /// Whether to start again. If so, it returns after a pause.
    pub(crate) async fn retry<R>(&mut self, result: &Result<R>) -> bool {
        let Err(error) = result else { return false };
        if !matches!(error.kind(), ErrorKind::Conflict { .. }) || self.made == self.allowed {
            return false;
        }
        self.made += 1;
        tokio::time::sleep(pause(self.made)).await;
        true
    }
}

/// A random pause that grows with the retries, so that the writers of one item take turns.
fn pause(retry: u32) -> Duration {
    let most = (500u64 << retry.min(6)).min(20_000);
    Duration::from_micros(fastrand::u64(0..most))
}
