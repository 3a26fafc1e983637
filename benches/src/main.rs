//! Measures metastore against the same work hand-written on two clients, and against job queues.
//!
//! `make bench` runs everything; `make bench ARGS="--help"` lists the options. Each row is measured
//! in pairs of runs, so that a slow machine affects both sides equally.

#![allow(clippy::print_stdout, reason = "the table is the program's output")]

mod bench;
mod chart;
mod cli;
mod contender;
mod curve;
mod document;
mod generated;
mod idle;
mod line;
mod load;
mod machine;
mod measure;
mod ours;
mod peers;
mod progress;
mod publish;
mod report;
mod row;
mod rows;
mod settings;
mod settled;
mod side;
mod table;
mod unit;
mod versions;

use anyhow::{Context, Result, bail};
use clap::Parser;

/// The file of the chart, next to the report and to BENCHMARKS.md.
const CHART: &str = "BENCHMARKS.svg";

fn main() -> Result<()> {
    let settings = cli::Cli::parse().settings()?;
    if cfg!(debug_assertions) {
        eprintln!("warning: this is a debug build, whose figures mean nothing");
    }
    // Two threads for every side, on every machine, so that reports can be compared.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime does not start")?;
    runtime.block_on(async {
        tokio::select! {
            done = run(&settings) => done,
            // Returning drops the server, which stops it and removes its directory.
            _ = tokio::signal::ctrl_c() => bail!("interrupted; nothing is reported"),
        }
    })
}

async fn run(settings: &settings::Settings) -> Result<()> {
    let machine = machine::Machine::look();
    let bench = bench::Bench::start(&settings.directory).await?;
    let (rows, left_out) = table::measure_all(&bench, settings).await?;
    let curves = if settings.chart { curve::measure(&bench, settings).await? } else { Vec::new() };
    let report = report::Report {
        machine,
        versions: versions::Versions::look(bench.server()).await,
        command: cli::command_line(),
        settings: settings.clone(),
        rows,
        left_out,
        curves,
    };
    println!("{}", report.table());
    for line::LeftOut { name, peer_name, reason } in &report.left_out {
        println!("left out: {name} against {peer_name}: {reason}");
    }
    let path = settings.directory.join("report.json");
    report.write(&path)?;
    eprintln!("report: {}", path.display());
    let chart = settings.chart.then(|| chart::draw(&report.curves)).transpose()?;
    if let Some(chart) = &chart {
        let path = settings.directory.join(CHART);
        report::write(&path, chart)?;
        eprintln!("chart: {}", path.display());
    }
    if let Some(directory) = &settings.publish {
        let document = publish::document(&report, chart.as_ref().map(|_| CHART));
        report::write(&directory.join("BENCHMARKS.md"), &document)?;
        if let Some(chart) = &chart {
            report::write(&directory.join(CHART), chart)?;
        }
        eprintln!("published in {}", directory.display());
    }
    Ok(())
}
