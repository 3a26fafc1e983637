//! The findings of a campaign.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{LEASE, Latency, POLL};

/// The findings of a campaign.
#[derive(Debug)]
pub struct Findings {
    /// The seed of all choices.
    pub seed: u64,
    /// The problems; empty if there are none.
    pub problems: Vec<String>,
    /// The number of checked jobs.
    pub jobs: usize,
    /// Those of them with one result.
    pub finished: usize,
    /// Those of them that are dead, as their kind says.
    pub dead: usize,
    /// The number of tasks that abort their worker.
    pub poison: usize,
    /// How often a handler was started.
    pub runs: usize,
    /// Crashes that were counted.
    pub crashes: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Errors for which a worker stopped or did not start, by their text. It tries again.
    pub errors: BTreeMap<String, usize>,
    /// Observed jobs of killed workers that were returned to their queue.
    pub recovered: usize,
    /// The longest time that took.
    pub longest_recovery: Duration,
    /// How soon an idle worker started a job, before the faults.
    pub latency: Latency,
    /// The duration of the campaign.
    pub took: Duration,
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed: {}", self.seed)?;
        writeln!(f, "faults: {}", self.faults.values().sum::<u64>())?;
        for (kind, count) in &self.faults {
            writeln!(f, "  {count:6} × {kind}")?;
        }
        writeln!(
            f,
            "jobs: {} checked, {} finished once, {} dead by rule, {} poison pills; {} runs, {} crashes",
            self.jobs, self.finished, self.dead, self.poison, self.runs, self.crashes
        )?;
        for (error, count) in &self.errors {
            writeln!(f, "worker started again: {count} × {error}")?;
        }
        writeln!(
            f,
            "recovery: {} jobs of killed workers observed, returned after at most {:.1?} (lease {LEASE:?} + poll \
             {POLL:?})",
            self.recovered, self.longest_recovery
        )?;
        writeln!(f, "{}", self.latency)?;
        write!(f, "problems: {}, after {:.1?}", self.problems.len(), self.took)
    }
}
