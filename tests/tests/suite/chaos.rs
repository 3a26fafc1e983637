//! A short campaign; `make chaos` runs a long one.

use std::time::Duration;

use metastore_tests::chaos::{Options, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_survive_a_short_campaign() {
    let options = Options {
        program: env!("CARGO_BIN_EXE_chaos").to_owned(),
        length: Duration::from_secs(15),
        seed: 20_261_124,
        jobs: 400,
        workers: 3,
    };
    let findings = run(&options).await.unwrap_or_else(|told| panic!("{told}"));
    assert!(findings.faults.values().sum::<u64>() >= 5, "{findings}");
    assert_eq!(findings.problems, Vec::<String>::new());
}
