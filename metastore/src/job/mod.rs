//! Jobs: runs of transformations, requested here and executed by a worker or inline.
//!
//! - `options`, `enqueue`: requesting runs
//! - `handle`, `watch`: one requested run, and waiting for its completion
//! - `item_transformation`: a transformation of one item: enqueue, cancel, retry, status, result
//! - `status`: a job as the caller sees it
//! - `live`, `record`, `read`: what is stored of a live job and of its end, and reading both
//! - `current`: the job that the current task runs
//! - `inline`: running a transformation in the caller's process
//! - `fatal`: errors that a retry cannot fix
//! - `queue`: the protocol between a queue and its workers

pub(crate) mod current;
pub(crate) mod enqueue;
pub(crate) mod fatal;
pub(crate) mod handle;
mod inline;
pub(crate) mod item_transformation;
mod live;
pub(crate) mod options;
pub mod queue;
mod read;
mod record;
pub(crate) mod status;
pub(crate) mod watch;
