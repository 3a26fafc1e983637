//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;

use crate::row::Row;
use crate::settings::Settings;
use crate::side::Side;

/// Measures metastore against the same work hand-written on two clients, and against job queues.
#[derive(Parser)]
#[command(name = "bench")]
pub(crate) struct Cli {
    /// Which rows to measure; all by default
    #[arg(long = "only", visible_alias = "rows", value_enum, value_delimiter = ',')]
    rows: Vec<Row>,
    /// Which peers to measure against; all by default
    #[arg(long, value_enum, value_delimiter = ',')]
    peers: Vec<Side>,
    /// How many pairs of runs a row has [default: 7]
    #[arg(long)]
    runs: Option<usize>,
    /// How many tasks work at once in the rows of many tasks
    #[arg(long, default_value_t = 256)]
    tasks: usize,
    /// How long a run lasts, in seconds [default: 0.5]
    #[arg(long)]
    seconds: Option<f64>,
    /// How many jobs a run of `process` processes [default: 10000]
    #[arg(long)]
    jobs: Option<usize>,
    /// How many items the large variants of `page` and `backlog` have [default: 1000000]
    #[arg(long)]
    many: Option<usize>,
    /// A few short runs that test the benchmark itself; the figures mean little
    #[arg(long)]
    quick: bool,
    /// Measure for the chart as well, even if only some rows are measured
    #[arg(long)]
    chart: bool,
    /// Write BENCHMARKS.md and the chart into the repository, or into another directory
    #[arg(long, value_name = "DIRECTORY", num_args = 0..=1, default_missing_value = ".")]
    publish: Option<PathBuf>,
    /// Where to write the report and the builds of other programs
    #[arg(long, default_value = "target/bench")]
    directory: PathBuf,
}

impl Cli {
    pub(crate) fn settings(self) -> Result<Settings> {
        let (runs, seconds, jobs) = if self.quick { (3, 0.1, 500) } else { (7, 0.5, 10_000) };
        let (starts, stored_jobs) = if self.quick { (20, 1_000) } else { (300, 20_000) };
        let (many, few, structs) =
            if self.quick { (5_000, 1_000, 3) } else { (1_000_000, 10_000, 100) };
        let seconds = self.seconds.unwrap_or(seconds);
        ensure!((0.001..=3_600.0).contains(&seconds), "--seconds must be from 0.001 to 3600");
        let chart = self.chart || self.rows.is_empty();
        let settings = Settings {
            rows: all_if_empty(self.rows),
            peers: all_if_empty(self.peers),
            runs: self.runs.unwrap_or(runs),
            tasks: self.tasks,
            time: Duration::from_secs_f64(seconds),
            jobs: self.jobs.unwrap_or(jobs),
            starts,
            stored_jobs,
            many: self.many.unwrap_or(many),
            few,
            structs,
            concurrencies: if self.quick { vec![1, 8] } else { vec![1, 4, 16, 64, 256, 1_024] },
            rounds: if self.quick { 1 } else { 3 },
            // The chart takes long, so selected rows are measured without it by default.
            chart,
            publish: self.publish,
            directory: self.directory,
        };
        ensure!(settings.runs > 0, "--runs must be at least 1");
        ensure!(settings.tasks > 0, "--tasks must be at least 1");
        ensure!(settings.jobs > 0, "--jobs must be at least 1");
        Ok(settings)
    }
}

fn all_if_empty<T: clap::ValueEnum>(chosen: Vec<T>) -> Vec<T> {
    if chosen.is_empty() { T::value_variants().to_vec() } else { chosen }
}

/// The command as it can be typed again, without the path of the program.
pub(crate) fn command_line() -> String {
    let words = std::iter::once("bench".to_owned()).chain(std::env::args().skip(1));
    words.collect::<Vec<_>>().join(" ")
}
