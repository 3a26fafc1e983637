//! A worker process for the tests that kill and freeze it.
//!
//! `test-worker URL LEASE_MS POLL_MS SLEEP_MS ANSWER` prints `ready` when it runs, `began` when a
//! handler starts, and `finished F lost L` after SIGTERM has stopped it. With `embedded` as the URL
//! it starts a server of its own and prints that server's URL first.
//!
//! The process aborts a moment after it has begun a text with the content `abort`. It runs as many
//! jobs at once as the variable `CONCURRENCY` says, and blocks the threads of the runtime if the
//! variable `BLOCK` is set.

#![allow(clippy::print_stdout, reason = "the tests read what it says")]

use std::time::Duration;

use metastore::{Item, Store};
use metastore_tests::collections::Text;
use metastore_worker::{Worker, shutdown_signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().ok_or("expected URL LEASE_MS POLL_MS SLEEP_MS ANSWER");
    let url = next()?;
    let mut number = || -> Result<u64, Box<dyn std::error::Error>> { Ok(next()?.parse()?) };
    let lease = Duration::from_millis(number()?);
    let poll_interval = Duration::from_millis(number()?);
    let sleep = Duration::from_millis(number()?);
    let answer = number()?;

    let store = if url == "embedded" {
        let store = Store::embedded().await?;
        println!("{}", store.url());
        store
    } else {
        Store::connect(url).await?
    };
    let concurrency = std::env::var("CONCURRENCY").map_or(Ok(1), |number| number.parse())?;
    let blocks = std::env::var("BLOCK").is_ok();
    let texts = store.repo::<Text>();
    let worker = Worker::builder(&texts)
        .handle(Text::COUNT, move |item: Item<Text>, _job| async move {
            println!("began");
            if blocks {
                std::thread::sleep(sleep);
            } else if item.data.content == "abort" {
                tokio::time::sleep(sleep / 2).await;
                std::process::abort();
            } else {
                tokio::time::sleep(sleep).await;
            }
            Ok::<_, String>(answer)
        })
        .concurrency(concurrency)
        .max_crashes(2)
        .lease(lease)
        .poll_interval(poll_interval)
        .build();
    println!("ready");
    let report = worker.run_until(shutdown_signal()).await?;
    println!("finished {} lost {}", report.finished, report.lost);
    Ok(())
}
