//! Servers that are full, frozen or behind a slow line while jobs run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use metastore::{Item, Store};
use metastore_tests::wait;
use metastore_worker::Worker;
use tokio::sync::{Notify, Semaphore};

use super::{Page, enqueue, worker};
use crate::fixture::{SOON, start, start_proxied};

#[tokio::test]
async fn a_result_is_kept_while_the_server_is_full() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let (begun, gate) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let runs = Arc::new(AtomicUsize::new(0));
    let (begin, wait_for, counted) = (begun.clone(), gate.clone(), runs.clone());
    let lease = Duration::from_millis(500);
    let worker = worker(&pages)
        .handle(Page::DIGEST, move |_item: Item<Page>, _job| {
            counted.fetch_add(1, Ordering::SeqCst);
            begin.notify_one();
            let gate = wait_for.clone();
            async move {
                gate.acquire().await.unwrap().forget();
                Ok::<_, String>("kept".to_owned())
            }
        })
        .lease(lease)
        .build()
        .start()
        .unwrap();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    begun.notified().await;
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
    gate.add_permits(1);
    // Longer than a lease, which is renewed all the time.
    tokio::time::sleep(lease * 3).await;
    assert_eq!(worker.report().finished, 0);
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
    wait::until("the result", SOON, async || worker.report().finished == 1).await;
    let report = worker.stop().await;
    assert_eq!((report.finished, report.lost, runs.load(Ordering::SeqCst)), (1, 0, 1));
    assert_eq!(pages.item("a").digest().result().await.unwrap().as_deref(), Some("kept"));
}

#[tokio::test]
async fn a_handler_that_reports_progress_does_not_wait_for_a_frozen_server() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let (begun, gate) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let reported = Arc::new(Notify::new());
    let (begin, wait_for, report) = (begun.clone(), gate.clone(), reported.clone());
    let worker = worker(&pages)
        .handle(Page::DIGEST, move |_item: Item<Page>, job| {
            let (begin, gate, reported) = (begin.clone(), wait_for.clone(), report.clone());
            async move {
                begin.notify_one();
                gate.acquire().await.unwrap().forget();
                let at = Instant::now();
                for step in 0..=100 {
                    job.progress(f64::from(step) / 100.0, format!("step {step}"));
                }
                assert!(at.elapsed() < Duration::from_secs(1));
                reported.notify_one();
                gate.acquire().await.unwrap().forget();
                Ok::<_, String>(String::new())
            }
        })
        .build()
        .start()
        .unwrap();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    begun.notified().await;
    server.freeze();
    gate.add_permits(1);
    tokio::time::timeout(SOON, reported.notified()).await.expect("the handler continues");
    server.thaw();
    // The last report is stored although none follows it.
    wait::until("the last report", SOON, async || {
        let status = pages.item("a").digest().status().await.unwrap().unwrap();
        status.progress.is_some_and(|progress| progress.message == "step 100")
    })
    .await;
    gate.add_permits(1);
    wait::until("the end", SOON, async || worker.report().finished == 1).await;
    assert_eq!(worker.stop().await.failed, 0);
}

#[tokio::test]
async fn jobs_of_takes_whose_replies_were_lost_are_not_blamed_and_fewer_are_taken() {
    let options = Store::options().command_timeout(Duration::from_millis(400));
    let (server, proxy, repo) = start_proxied(options).await;
    let pages = repo.texts.store().repo::<Page>();
    let worker = Worker::builder(&pages)
        .handle(Page::DIGEST, |_item: Item<Page>, _job| async { Ok::<_, String>(String::new()) })
        .concurrency(64)
        .lease(Duration::from_millis(600))
        .poll_interval(Duration::from_millis(100))
        .build()
        .start()
        .unwrap();
    wait::until("it to be healthy", SOON, async || worker.health().await.is_healthy()).await;
    // Requests are delivered late, and their replies come too late.
    proxy.pause();
    let is_reduced = async || {
        let problems = worker.health().await.problems;
        problems.iter().any(|problem| problem.contains("taken for at most"))
    };
    let ids: Vec<String> = (0..20).map(|n| format!("p{n}")).collect();
    let direct = Store::connect(server.url()).await.unwrap().repo::<Page>();
    enqueue(&direct, Page::DIGEST, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    wait::until("it to take fewer jobs", SOON, is_reduced).await;
    proxy.resume();
    wait::until("all jobs to end", SOON, async || worker.report().finished >= 20).await;
    wait::until("it to be healthy", SOON, async || worker.health().await.is_healthy()).await;
    for id in &ids {
        let status = direct.item(id.as_str()).digest().status().await.unwrap().unwrap();
        assert_eq!((status.attempts, status.crashes), (0, 0), "{id}");
    }
    worker.stop().await;
}
