//! Finding items: by creation time, by the values of indexed fields, by owner, by
//! the results they have.

mod builder;
mod count;
mod decode;
mod find;
mod get_by;
mod order;
mod ordering;
mod pages;
mod plan;
mod rows;
mod segments;
mod stream;

pub use builder::Query;
pub(crate) use decode::decode;
pub(crate) use find::Projection;
pub use order::{NoOrderYet, Sorted, Sorting, Unsorted};
