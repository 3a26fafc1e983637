//! The operations on items, one a file.

mod adopt;
mod as_of;
mod audit;
mod before;
mod create;
mod create_many;
mod delete;
mod delete_many;
mod diff;
mod get;
mod get_many;
mod history;
mod migrate;
mod query;
mod reindex;
mod replace;
mod revert;
mod stats;
mod touch;
mod trim;
mod trim_all;
mod update;
mod update_many;

pub use adopt::{Adopt, AdoptProblem, AdoptReport};
pub use audit::{Audit, AuditPage};
pub use history::Versions;
pub use migrate::{Migrate, MigrationFailure, MigrationReport};
pub use query::{NoOrderYet, Query, Sorted, Sorting, Unsorted};
pub use reindex::{IndexFailure, IndexReport, Reindex};
pub use stats::{CollectionStats, Estimate, MemoryStats, Stats};
pub use trim_all::{TrimAll, TrimReport};
pub(crate) use update::Scope;
