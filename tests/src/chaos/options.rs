//! The options of a campaign.

use std::time::Duration;

/// How many tasks without a poison pill there are for each one with it, at least.
const INNOCENT: usize = 400;

/// The settings of a campaign.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program of the workers: this crate's `chaos`.
    pub program: String,
    /// How long faults are injected.
    pub length: Duration,
    /// The seed of all choices.
    pub seed: u64,
    /// How many jobs are requested, spread over that time.
    pub jobs: usize,
    /// How many worker processes there are.
    pub workers: usize,
    /// Whether the server's clock is stepped. Linux only.
    pub clock: bool,
    /// Whether some tasks are poison pills: they abort the process of their worker.
    pub poison: bool,
}

impl Options {
    /// Whether a task aborts its worker. None does near the end, because each one needs its time.
    pub(super) fn aborts(&self, number: usize) -> bool {
        let distance = INNOCENT.min(self.jobs / 2).max(1);
        self.poison && number < self.jobs * 4 / 5 && number % distance == distance / 2
    }

    /// After how many crashes a job is dead. Without poison pills a job that is dead by crashes is
    /// an error, so the number is high, because a campaign kills often.
    pub(super) fn max_crashes(&self) -> u32 {
        if self.poison { 10 } else { 40 }
    }
}
