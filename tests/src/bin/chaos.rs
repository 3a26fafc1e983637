//! `make chaos`: the campaign against jobs, and its worker processes.
//!
//! `chaos [--minutes N] [--seconds N] [--seed N] [--jobs N] [--workers N]`
//!
//! Minutes and seconds say how long faults are injected. The default is 9 minutes, so that all of it, the
//! end and the checks included, takes at most 10.

#![allow(clippy::print_stdout, reason = "it says what it finds")]

use std::time::Duration;

use metastore_tests::chaos::{Options, run, worker_main};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, mode, url] = &args[..]
        && mode == "worker"
    {
        return worker_main(url).await;
    }
    let mut options = Options {
        program: args[0].clone(),
        length: Duration::from_secs(9 * 60),
        seed: std::process::id().into(),
        jobs: 0,
        workers: 4,
    };
    for pair in args[1..].chunks(2) {
        let [name, number] = pair else { return Err(format!("{} needs a number", pair[0]).into()) };
        let number: u64 = number.parse()?;
        match name.as_str() {
            "--minutes" => options.length = Duration::from_secs(number * 60),
            "--seconds" => options.length = Duration::from_secs(number),
            "--seed" => options.seed = number,
            "--jobs" => options.jobs = usize::try_from(number)?,
            "--workers" => options.workers = usize::try_from(number)?.max(2),
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    if options.jobs == 0 {
        options.jobs = usize::try_from(options.length.as_secs() * 40)?.max(200);
    }
    println!(
        "seed {}, {} jobs, {} workers, {:?}",
        options.seed, options.jobs, options.workers, options.length
    );
    match run(&options).await {
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
