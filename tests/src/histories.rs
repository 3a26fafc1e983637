//! Recorded histories of what several processes do to a store under faults, and their checker: is
//! there an order of all calls in which every answer is right, and is each write in the audit
//! exactly once?
//!
//! `make chaos ARGS="--histories 1000"` runs many of them, the suite a few.

mod campaign;
mod client;
mod client_options;
mod clients;
pub mod documents;
mod explain;
mod faults;
mod history;
mod invariants;
mod linear;
mod log;
mod model;
mod partition;
mod record;
mod tasks;
#[cfg(test)]
mod tests;
mod trails;

pub use campaign::{Options, Summary, run};
pub use client::client_main;
pub use faults::FaultKind;
pub use history::Outcome;

/// The size of a history.
#[derive(Clone, Debug)]
pub struct Size {
    /// How many processes call.
    pub processes: usize,
    /// How many tasks each of them has.
    pub tasks: u32,
    /// How many calls each task makes.
    pub calls: u32,
    /// How many ids all processes know.
    pub keys: u32,
    /// The longest pause between two calls of a task, in milliseconds.
    pub pause: u64,
}

impl Default for Size {
    fn default() -> Self {
        Self { processes: 4, tasks: 8, calls: 25, keys: 5, pause: 30 }
    }
}
