//! A few recorded histories under each kind of fault; `make chaos ARGS="--histories 1000"` runs
//! many.

#![allow(clippy::print_stdout, reason = "the seed is printed")]

use metastore_tests::histories::{FaultKind, Options, Size, Summary, run};

/// Names the seed of the first history.
const SEED: &str = "METASTORE_HISTORIES_SEED";

async fn short_run(kinds: &[FaultKind]) -> Summary {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("{SEED}={seed}");
    let mut all = Summary::default();
    for kind in kinds {
        let options = Options {
            program: env!("CARGO_BIN_EXE_chaos").to_owned(),
            histories: 3,
            seed,
            parallel: 3,
            faults: Some(*kind),
            size: Size { processes: 3, tasks: 4, calls: 15, keys: 3, pause: 20 },
        };
        let summary = run(&options, std::future::pending(), |_| {}).await;
        let told: Vec<String> = summary.failed.iter().map(ToString::to_string).collect();
        assert!(summary.failed.is_empty(), "{}\n{summary}", told.join("\n"));
        all.calls += summary.calls;
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_linearizable_while_replies_are_lost() {
    let kinds = FaultKind::ALL.into_iter().filter(|kind| !kind.delivers_twice());
    let summary = short_run(&kinds.collect::<Vec<_>>()).await;
    assert!(summary.calls > 3_000, "{}", summary.calls);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_linearizable_while_requests_are_delivered_twice_or_late() {
    let kinds = FaultKind::ALL.into_iter().filter(|kind| kind.delivers_twice());
    short_run(&kinds.collect::<Vec<_>>()).await;
}
