//! Handlers that block their threads, and blocking work that outlives them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metastore::Item;
use metastore::queue::Queue;
use metastore_tests::wait;
use metastore_worker::Worker;

use super::{Page, enqueue, options};
use crate::fixture::{SOON, start};

/// Runs on a runtime of its own, whose only thread it blocks.
#[test]
fn a_handler_that_blocks_all_threads_of_the_runtime_keeps_its_job() {
    let other = tokio::runtime::Runtime::new().unwrap();
    let (server, repo) = other.block_on(start());
    let url = server.url();
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = begun.clone();
    let blocked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = metastore::Store::connect(url).await.unwrap();
            let pages = store.repo::<Page>();
            enqueue(&pages, Page::DIGEST, &["a"]).await;
            Worker::builder(&pages)
                .handle(Page::DIGEST, move |_item: Item<Page>, _job| {
                    counted.fetch_add(1, Ordering::SeqCst);
                    async {
                        std::thread::sleep(Duration::from_millis(1_500));
                        Ok::<_, String>("kept".to_owned())
                    }
                })
                .lease(Duration::from_millis(300))
                .build()
                .run_until_idle()
                .await
                .unwrap()
        })
    });
    other.block_on(async {
        let pages = repo.texts.store().repo::<Page>();
        wait::until("the handler", SOON, async || begun.load(Ordering::SeqCst) == 1).await;
        let queue = Queue::new(&pages, Page::DIGEST);
        // Another worker, which would take the job if its lease ended.
        while !blocked.is_finished() {
            let taken = queue.take(&options(1)).await.unwrap();
            assert!(taken.jobs.is_empty(), "the job was taken from the blocked worker");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let report = blocked.join().unwrap();
    assert_eq!((report.finished, report.lost), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_work_beyond_the_time_limit_keeps_its_slot_and_does_not_run_twice_at_once() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, note) = (running.clone(), most.clone());
    let report = Worker::builder(&pages)
        .handle(Page::DIGEST, move |_item: Item<Page>, job| {
            let (count, note) = (count.clone(), note.clone());
            let work = move || {
                note.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(700));
                count.fetch_sub(1, Ordering::SeqCst);
                String::new()
            };
            async move { job.spawn_blocking(work).await }
        })
        .job_timeout(Duration::from_millis(100))
        .lease(Duration::from_millis(200))
        .max_retries(2)
        .concurrency(4)
        .fast_forward(true)
        .build()
        .run_until_idle()
        .await
        .unwrap();
    assert_eq!((report.failed, report.lost, report.finished), (3, 0, 0));
    assert_eq!((most.load(Ordering::SeqCst), running.load(Ordering::SeqCst)), (1, 0));
    let dead = Queue::new(&pages, Page::DIGEST).dead_job("a").await.unwrap().unwrap();
    assert_eq!((dead.attempts, dead.crashes), (3, 0));
    assert!(dead.error.contains("timed out"), "{}", dead.error);
}
