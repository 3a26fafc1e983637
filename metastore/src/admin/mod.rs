//! Operations on whole collections: importing, migrating, checking and repairing indexes,
//! statistics, retention.

mod import;
mod migrate;
mod reap_expired;
mod reindex;
mod stats;
mod trim_all;
mod walk;

pub use import::{Import, ImportFailure, ImportReport};
pub use migrate::{Migrate, MigrationFailure, MigrationReport};
pub use reindex::{IndexFailure, IndexReport, Reindex};
pub use stats::{CollectionStats, Estimate, MemoryStats, Stats};
pub use trim_all::{TrimAll, TrimReport};
