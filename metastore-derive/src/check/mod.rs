//! From the raw model to the checked one. Every check reports what it finds and continues, so that
//! all mistakes of a struct are reported at once.

mod accessor;
mod accessor_options;
mod chain;
mod collection;
mod field;
mod fingerprint;
mod indexable;
mod item;
mod options;
mod repository;
mod schema;
mod serde;
mod shape;
mod ty;
mod upgrade;

pub(crate) use collection::{Checked, collection};
pub(crate) use indexable::indexable;
pub(crate) use repository::repository;
