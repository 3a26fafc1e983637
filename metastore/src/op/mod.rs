//! The operations on items, one a file.

mod count;
mod create;
mod delete;
mod get;
mod history;
mod list;
mod trim;
mod update;

pub use history::Versions;
pub use list::List;
