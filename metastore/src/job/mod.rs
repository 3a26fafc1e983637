//! Jobs: transformations that are queued here and run by workers.

pub(crate) mod enqueue;
pub(crate) mod handle;
mod inline;
pub(crate) mod item_transformation;
pub mod queue;
pub(crate) mod status;
