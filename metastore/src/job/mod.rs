//! Jobs: runs of transformations, requested here and executed by a worker or inline.
//!
//! - `options`, `enqueue`: requesting runs
//! - `handle`, `watch`: one requested run, and waiting for its completion
//! - `item_transformation`: a transformation of one item: enqueue, cancel, retry, status, result
//! - `status`: the record of a job as the caller reads it
//! - `inline`: running a transformation in the caller's process
//! - `fatal`: errors that a retry cannot fix
//! - `queue`: the protocol between a queue and its workers

pub(crate) mod enqueue;
pub(crate) mod fatal;
pub(crate) mod handle;
mod inline;
pub(crate) mod item_transformation;
pub(crate) mod options;
pub mod queue;
pub(crate) mod status;
pub(crate) mod watch;
