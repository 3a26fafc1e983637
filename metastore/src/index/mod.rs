//! Indexes of fields: what stands in them for a document, and in which order.

mod entries;
mod interval;
mod value;

pub(crate) use entries::Entries;
pub(crate) use interval::Interval;
pub(crate) use value::encode;
