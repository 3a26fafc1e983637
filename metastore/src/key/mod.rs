//! Names, ids and keys: the only place that builds or parses a key.
//!
//! Every segment is checked before it goes into a key, and no allowed character is `:`, so no input
//! can form the key of another item, another kind or another app. Building and parsing are inverse.

mod actor;
mod address;
mod catalog;
mod encoding;
mod id;
mod name;
mod parse;
mod segment;

pub use actor::{Actor, InvalidActor, ToActor};
pub use address::Address;
pub use catalog::CatalogKey;
pub use id::{Id, InvalidId, ToId};
pub use name::{InvalidName, Name};
pub use parse::{Key, KeyKind};
pub use segment::Segment;

pub(crate) use address::TransformationKeys;
pub(crate) use parse::item_id_in;
