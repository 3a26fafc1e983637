//! Many histories, some of them concurrent, and their outcomes.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::Size;
use super::faults::FaultKind;
use super::history::{Outcome, run_one};

/// The settings of a campaign.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program of the processes: this crate's `chaos`.
    pub program: String,
    /// How many histories.
    pub histories: u64,
    /// The seed of the first history; each further one has the next.
    pub seed: u64,
    /// How many histories run at the same time.
    pub parallel: usize,
    /// The kind of faults; `None` for all kinds in turn, by the seed.
    pub faults: Option<FaultKind>,
    /// The size of each history.
    pub size: Size,
}

/// The outcome of a campaign.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many histories were checked, by kind, and how many of them are wrong.
    pub histories: BTreeMap<FaultKind, (u64, u64)>,
    /// How many calls they have.
    pub calls: usize,
    /// How many of these have no answer.
    pub open: usize,
    /// How many faults happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// The histories that are wrong or undecided.
    pub failed: Vec<Outcome>,
    /// The duration of the campaign.
    pub took: Duration,
    /// The total wall-clock time of the checks.
    pub checking: Duration,
}

/// Runs histories until all are done or `stop` is, and reports each to `each` as it ends.
///
/// # Panics
///
/// If a server or a process cannot be started.
pub async fn run(
    options: &Options,
    stop: impl Future<Output = ()>,
    mut each: impl FnMut(&Outcome),
) -> Summary {
    let begin = Instant::now();
    let mut summary = Summary::default();
    let mut running = JoinSet::new();
    let mut next = 0;
    let mut stop = std::pin::pin!(stop);
    loop {
        while next < options.histories && running.len() < options.parallel {
            let seed = options.seed.wrapping_add(next);
            let kind = options.faults.unwrap_or_else(|| FaultKind::of(seed));
            let (program, size) = (options.program.clone(), options.size.clone());
            running.spawn(async move { run_one(&program, &size, kind, seed).await });
            next += 1;
        }
        tokio::select! {
            ended = running.join_next() => match ended {
                Some(Ok(outcome)) => {
                    each(&outcome);
                    summary.add(outcome);
                }
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                None => break,
            },
            () = &mut stop => {
                // Servers and processes end with their histories.
                running.shutdown().await;
                break;
            }
        }
    }
    summary.took = begin.elapsed();
    summary
}

impl Summary {
    fn add(&mut self, outcome: Outcome) {
        let (histories, wrong) = self.histories.entry(outcome.kind).or_default();
        *histories += 1;
        *wrong += u64::from(!outcome.problems.is_empty());
        self.calls += outcome.calls;
        self.open += outcome.open;
        self.checking += outcome.took.1;
        for (kind, count) in &outcome.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        if !outcome.problems.is_empty() || !outcome.undecided.is_empty() {
            self.failed.push(outcome);
        }
    }

    /// How many histories are wrong.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.histories.values().map(|(_, wrong)| wrong).sum()
    }

    /// How many histories have a part that could not be decided.
    #[must_use]
    pub fn undecided(&self) -> usize {
        self.failed.iter().filter(|outcome| !outcome.undecided.is_empty()).count()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let histories: u64 = self.histories.values().map(|(count, _)| count).sum();
        writeln!(
            f,
            "histories: {histories}, calls: {}, of which {} without an answer, in {:.1?}",
            self.calls, self.open, self.took
        )?;
        let faults: Vec<String> =
            self.faults.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
        writeln!(f, "faults: {} ({})", self.faults.values().sum::<u64>(), faults.join(", "))?;
        for (kind, (histories, wrong)) in &self.histories {
            writeln!(f, "  {kind:8} {histories:5} histories, {wrong} with violations")?;
        }
        write!(f, "violations: {} histories; undecided: {}", self.wrong(), self.undecided())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {} ({}): {} calls, {} problems; again by `--histories 1 --seed {} --faults {}`",
            self.seed,
            self.kind,
            self.calls,
            self.problems.len(),
            self.seed,
            self.kind,
        )?;
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        for part in &self.undecided {
            writeln!(f, "{part}: could not be decided")?;
        }
        Ok(())
    }
}
