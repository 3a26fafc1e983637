//! The protocol between the queue of a transformation and its workers, and the administration of
//! queues.
//!
//! - [`Queue`]: one queue; [`Queue::stats`], [`Queue::dead`], [`Queue::pause`],
//!   [`Queue::limit_rate`] and more
//! - [`QueueSet`]: several queues of one store, read and renewed by one call
//! - [`Queue::exchange`]: completes jobs and takes the next ones in one round trip
//!
//! `metastore-worker` implements workers. Call the methods that take and complete jobs only to
//! implement another kind of worker. Each is one round trip, and each but `take` is safe to repeat:
//! the fence of the [`Claim`] tells whether the worker still holds the job.

mod claim;
mod claim_item;
mod complete;
mod completion;
mod control;
mod dead;
mod exchange;
mod set;
mod stats;
mod take;
mod transformation_queue;
mod wake_up;

pub use crate::job::current::CurrentJobs;
pub use crate::job::fatal::failure_message;
pub use claim::Claim;
pub use completion::{Completion, CompletionOutcome};
pub use control::RateLimit;
pub use dead::DeadJob;
pub use exchange::Exchange;
pub use set::QueueSet;
pub use stats::QueueStats;
pub use take::{TakeOptions, TakenBatch, TakenJob};
pub use transformation_queue::Queue;
pub use wake_up::WakeUp;
