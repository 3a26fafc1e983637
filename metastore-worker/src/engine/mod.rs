//! The engine: the event loop of a worker.
//!
//! One task owns the whole state, so no lock is needed. It never waits for a server itself: round
//! trips run as background tasks and return events.
//!
//! - `state`, `event`: the state of the engine and its events
//! - `event_loop`: waiting for events and deadlines
//! - `dispatch`: filling free slots and sending completions
//! - `calls`: running handler calls: start, end, timeout, abort
//! - `outcomes`: the replies to completions
//! - `leases`: renewing claims
//! - `poll`, `subscribe`: finding jobs
//! - `maintenance`, `maintenance_plan`: expired items and unhandled queues
//! - `shutdown`: draining

mod calls;
mod dispatch;
mod event;
mod event_loop;
mod leases;
mod maintenance;
mod maintenance_plan;
mod outcomes;
mod poll;
mod shutdown;
mod state;
mod subscribe;

pub(crate) use state::{Engine, Mode};
