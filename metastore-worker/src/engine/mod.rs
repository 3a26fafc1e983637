//! The engine: the event loop of a worker.
//!
//! One task owns the whole state but the leases, so hardly any lock is needed. It never waits for a
//! server itself: round trips run as background tasks and return events.
//!
//! - `state`, `handler_queue`, `event`: the state of the engine and its events
//! - `event_loop`: waiting for events and deadlines
//! - `dispatch`: filling free slots and sending completions
//! - `taken`: the replies to takes
//! - `isolation`: running jobs alone that may have crashed a worker
//! - `calls`: running handler calls: start, end, timeout, abort
//! - `outcomes`: the replies to completions
//! - `leases`: lost and confirmed leases
//! - `poll`, `subscribe`: finding jobs
//! - `maintenance`, `maintenance_plan`: expired items and unhandled queues
//! - `shutdown`: draining

mod calls;
mod dispatch;
mod event;
mod event_loop;
mod handler_queue;
mod isolation;
mod leases;
mod maintenance;
mod maintenance_plan;
mod outcomes;
mod poll;
mod shutdown;
mod state;
mod subscribe;
mod taken;

pub(crate) use state::{Engine, Mode};
