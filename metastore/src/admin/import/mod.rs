//! Importing JSON that is stored at other keys of the server.

mod builder;
mod document;
mod importer;
mod report;
mod source;

pub use builder::Import;
pub use report::{ImportFailure, ImportReport};
