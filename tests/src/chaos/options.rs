//! The options of a campaign.

use std::time::Duration;

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
}
