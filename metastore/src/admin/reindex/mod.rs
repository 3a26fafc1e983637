//! Checking indexes, queues and histories against the documents, repairing them, and
//! filling a new index.

mod builder;
mod checker;
mod history;
mod items;
mod jobs;
mod orphans;
mod page;
mod report;
mod unlisted;

pub use builder::Reindex;
pub use report::{IndexFailure, IndexReport};
