//! `make chaos`: the fault campaign on jobs, histories of calls, and the processes of both.

#![allow(clippy::print_stdout, reason = "it says what it finds")]

use std::error::Error;
use std::time::Duration;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use metastore_tests::chaos::{self, worker_main};
use metastore_tests::histories::{self, FaultKind, Size, client_main};

/// Injects faults into running workers or, with `--histories`, into clients.
#[derive(Debug, Parser)]
struct Args {
    /// How long faults are injected, in minutes [default: 9, so that all of it takes at most 10].
    #[arg(long)]
    minutes: Option<u64>,
    /// The same in seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// The seed of all choices; histories use this and the following ones [default: random].
    #[arg(long)]
    seed: Option<u64>,
    /// How many jobs are requested [default: 40 a second].
    #[arg(long)]
    jobs: Option<usize>,
    /// How many worker processes there are.
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Do not step the server's clock, which needs Linux and a C compiler.
    #[arg(long)]
    no_clock: bool,
    /// No jobs that abort the process of their worker.
    #[arg(long)]
    no_poison: bool,
    /// How many histories to record and check, instead of the campaign on jobs.
    #[arg(long)]
    histories: Option<u64>,
    /// How many histories run at the same time.
    #[arg(long, default_value_t = 6)]
    parallel: usize,
    /// The faults in histories: none, cut, delay, halve, repeat, late, freeze, flush, kill, restart
    /// or mixed [default: each in turn].
    #[arg(long, value_parser = fault_kind)]
    faults: Option<FaultKind>,
    /// How many processes a history has.
    #[arg(long, default_value_t = Size::default().processes)]
    processes: usize,
    /// How many tasks each process has.
    #[arg(long, default_value_t = Size::default().tasks)]
    tasks: u32,
    /// How many calls each task makes.
    #[arg(long, default_value_t = Size::default().calls)]
    calls: u32,
    /// How many ids there are in each collection.
    #[arg(long, default_value_t = Size::default().keys)]
    keys: u32,
    /// The longest pause between two calls of a task, in milliseconds.
    #[arg(long, default_value_t = Size::default().pause)]
    pause: u64,
}

fn fault_kind(name: &str) -> Result<FaultKind, String> {
    let kinds = FaultKind::ALL;
    kinds
        .into_iter()
        .find(|kind| kind.to_string() == name)
        .ok_or_else(|| format!("expected one of {}", kinds.map(|kind| kind.to_string()).join(", ")))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    // The modes in which the campaigns start processes.
    match &args[..] {
        [_, mode, url, log, crashes] if mode == "worker" => {
            return worker_main(url, log, crashes).await;
        }
        [_, mode, options] if mode == "client" => return client_main(options).await,
        _ => {}
    }
    let program = args[0].clone();
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| std::process::id().into());
    match args.histories {
        Some(histories) => run_histories(program, &args, histories, seed).await,
        None => run_jobs(program, &args, seed).await,
    }
}

async fn run_jobs(program: String, args: &Args, seed: u64) -> Result<(), Box<dyn Error>> {
    let seconds = args.seconds.unwrap_or_else(|| args.minutes.unwrap_or(9) * 60);
    let options = chaos::Options {
        program,
        length: Duration::from_secs(seconds),
        seed,
        jobs: args.jobs.unwrap_or_else(|| usize::try_from(seconds * 40).unwrap_or(200).max(200)),
        workers: args.workers.max(2),
        clock: !args.no_clock,
        poison: !args.no_poison,
    };
    println!(
        "seed {seed}, {} jobs, {} workers, {:?}",
        options.jobs, options.workers, options.length
    );
    match chaos::run(&options).await {
        Ok(findings) => {
            println!("{findings}");
            Ok(())
        }
        Err(told) => {
            println!("{told}");
            Err("the campaign found problems".into())
        }
    }
}

async fn run_histories(
    program: String,
    args: &Args,
    histories: u64,
    seed: u64,
) -> Result<(), Box<dyn Error>> {
    let Args { processes, tasks, calls, keys, pause, .. } = *args;
    let size = Size { processes: processes.max(1), tasks: tasks.max(1), calls, keys, pause };
    let options = histories::Options {
        program,
        histories,
        seed,
        parallel: args.parallel.max(1),
        faults: args.faults,
        size,
    };
    println!(
        "seed {seed}, {histories} histories, {} at a time, {:?}",
        options.parallel, options.size
    );
    let style = ProgressStyle::with_template(
        "{elapsed_precise} [{bar:40}] {pos}/{len} histories, {msg}, {eta} left",
    )?;
    let bar = ProgressBar::new(histories).with_style(style);
    let mut wrong = 0;
    let stop = async {
        // Without a handler Ctrl-C ends the process, which ends everything else.
        let _ = tokio::signal::ctrl_c().await;
    };
    let summary = histories::run(&options, stop, |outcome| {
        if !outcome.problems.is_empty() || !outcome.undecided.is_empty() {
            wrong += u64::from(!outcome.problems.is_empty());
            bar.suspend(|| println!("{outcome}"));
        }
        bar.set_message(format!("{wrong} with violations"));
        bar.inc(1);
    })
    .await;
    bar.finish_and_clear();
    println!("{summary}");
    if summary.wrong() > 0 {
        let seeds: Vec<String> =
            summary.failed.iter().map(|outcome| outcome.seed.to_string()).collect();
        return Err(format!("violations; the seeds are {}", seeds.join(", ")).into());
    }
    Ok(())
}
