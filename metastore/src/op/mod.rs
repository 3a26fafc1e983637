//! The operations on items, one a file.

mod create;
mod delete;
mod get;
mod history;
mod query;
mod reindex;
mod trim;
mod update;

pub use history::Versions;
pub use query::Query;
pub use reindex::{IndexReport, Reindex};
