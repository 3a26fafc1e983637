//! A short campaign; `make chaos` runs a long one.

use std::time::Duration;

use metastore_tests::chaos::{Options, run};

/// Faults that each campaign has at least once.
const FAULTS: [&str; 12] = [
    "line cut",
    "line slow",
    "line stalled",
    "reply cut",
    "request cut",
    "request delayed",
    "right taken away",
    "rolling restart",
    "scripts flushed",
    "server frozen",
    "server full",
    "worker frozen",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_survive_a_short_campaign() {
    let options = Options {
        program: env!("CARGO_BIN_EXE_chaos").to_owned(),
        length: Duration::from_secs(18),
        seed: 20_261_124,
        jobs: 400,
        workers: 3,
        clock: false,
        poison: false,
    };
    let findings = run(&options).await.unwrap_or_else(|told| panic!("{told}"));
    for fault in FAULTS {
        assert!(findings.faults.contains_key(fault), "no fault `{fault}`: {findings}");
    }
    assert_eq!(findings.problems, Vec::<String>::new());
}
