//! Jobs that may have crashed a worker run alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metastore::Item;
use metastore::queue::{Claim, Queue};
use metastore_tests::wait;
use metastore_worker::Worker;

use super::{Page, enqueue, options, worker};
use crate::fixture::{SOON, start};

const LEASE: Duration = Duration::from_millis(300);

/// Takes the waiting jobs as a worker that confirms them and then crashes.
async fn crash_with(queue: &Queue<Page>, count: usize) {
    let options = options(count).lease(Duration::from_millis(100)).channel("crashed");
    let taken = queue.take(&options).await.unwrap();
    assert_eq!(taken.jobs.len(), count);
    let claims: Vec<Claim> = taken.jobs.into_iter().map(|job| job.claim).collect();
    let held = queue.renew(&claims, Duration::from_millis(100)).await.unwrap();
    assert!(held.iter().all(|held| *held));
}

#[tokio::test]
async fn a_suspect_runs_while_its_worker_runs_nothing_else() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    enqueue(&pages, Page::DIGEST, &["s1", "s2"]).await;
    crash_with(&queue, 2).await;
    enqueue(&pages, Page::WORDS, &["a", "b", "c", "d", "e", "f", "g", "h"]).await;
    let running = Arc::new(AtomicUsize::new(0));
    let together = Arc::new(Mutex::new(Vec::new()));
    let (count, note, counted) = (running.clone(), together.clone(), running.clone());
    let worker = worker(&pages)
        .handle(Page::DIGEST, move |_item: Item<Page>, job| {
            let (count, note) = (count.clone(), note.clone());
            async move {
                let mut most = count.fetch_add(1, Ordering::SeqCst);
                for _ in 0..20 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    most = most.max(count.load(Ordering::SeqCst) - 1);
                }
                count.fetch_sub(1, Ordering::SeqCst);
                note.lock().unwrap().push((most, job.crashes));
                Ok::<_, String>(String::new())
            }
        })
        .handle(Page::WORDS, move |_item: Item<Page>, _job| {
            let count = counted.clone();
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(150)).await;
                count.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, String>(0)
            }
        })
        .lease(LEASE)
        .concurrency(2)
        .build()
        .start()
        .unwrap();
    wait::until("all to end", SOON, async || worker.report().finished == 10).await;
    assert_eq!(*together.lock().unwrap(), [(0, 0), (0, 0)]);
    worker.stop().await;
}

#[tokio::test]
async fn a_batch_handler_gets_a_suspect_by_itself() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    enqueue(&pages, Page::DIGEST, &["s1", "s2", "s3"]).await;
    crash_with(&queue, 3).await;
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let note = sizes.clone();
    let worker = Worker::builder(&pages)
        .handle_batch(Page::DIGEST, 16, move |items: Vec<Item<Page>>, _jobs| {
            note.lock().unwrap().push(items.len());
            async move { items.iter().map(|_| Ok::<_, String>(String::new())).collect() }
        })
        .lease(LEASE)
        .poll_interval(Duration::from_millis(100))
        .build()
        .start()
        .unwrap();
    wait::until("all to end", SOON, async || worker.report().finished == 3).await;
    assert_eq!(*sizes.lock().unwrap(), [1, 1, 1]);
    worker.stop().await;
}

#[tokio::test]
async fn a_suspect_that_a_pause_holds_back_does_not_stop_the_worker() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    enqueue(&pages, Page::DIGEST, &["s1"]).await;
    crash_with(&queue, 1).await;
    queue.pause().await.unwrap();
    enqueue(&pages, Page::WORDS, &["a", "b", "c"]).await;
    let worker = worker(&pages)
        .handle(Page::DIGEST, |_item: Item<Page>, _job| async { Ok::<_, String>(String::new()) })
        .handle(Page::WORDS, |_item: Item<Page>, _job| async { Ok::<_, String>(0) })
        .lease(LEASE)
        .build()
        .start()
        .unwrap();
    wait::until("the others to end", SOON, async || worker.report().finished == 3).await;
    queue.resume().await.unwrap();
    wait::until("the suspect to end", SOON, async || worker.report().finished == 4).await;
    worker.stop().await;
}
