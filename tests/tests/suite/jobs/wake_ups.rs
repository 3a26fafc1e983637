//! Notifications of new jobs, without which a job waits for the next poll.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metastore::queue::Queue;
use metastore::{Item, Repo};
use metastore_tests::{Server, wait};
use metastore_worker::{RunningWorker, Worker};
use tokio::sync::Semaphore;

use super::{Page, enqueue};
use crate::fixture::{SOON, start};

/// A poll would come much later than the end of the test.
const NEVER: Duration = Duration::from_secs(3600);

async fn idle_workers(server: &Server) -> i64 {
    server.cli(&["ZCARD", "queue:myapp:crawl:pages:digest:idle"]).await.as_int()
}

/// Starts a worker whose handlers end when there is a permit, and waits until it is idle.
async fn start_worker(
    server: &Server,
    pages: &Repo<Page>,
    concurrency: usize,
    gate: &Arc<Semaphore>,
) -> (RunningWorker, Arc<AtomicUsize>) {
    let (begun, gate) = (Arc::new(AtomicUsize::new(0)), gate.clone());
    let counted = begun.clone();
    let before = idle_workers(server).await;
    let worker = Worker::builder(pages)
        .handle(Page::DIGEST, move |_item: Item<Page>, _job| {
            counted.fetch_add(1, Ordering::SeqCst);
            let gate = gate.clone();
            async move {
                gate.acquire().await.unwrap().forget();
                Ok::<_, String>(String::new())
            }
        })
        .concurrency(concurrency)
        .poll_interval(NEVER)
        .drain_timeout(Duration::ZERO)
        .build()
        .start()
        .unwrap();
    wait::until("the worker to be idle", SOON, async || idle_workers(server).await > before).await;
    (worker, begun)
}

#[tokio::test]
async fn a_worker_without_room_passes_a_notification_on() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let gate = Arc::new(Semaphore::new(0));
    let (second, begun_by_second) = start_worker(&server, &pages, 1, &gate).await;
    // The server notifies the worker first that was idle last.
    let (first, begun_by_first) = start_worker(&server, &pages, 2, &gate).await;
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    wait::until("the first job", SOON, async || begun_by_first.load(Ordering::SeqCst) == 1).await;
    wait::until("it to have room", SOON, async || idle_workers(&server).await == 2).await;
    first.set_concurrency(1).unwrap();
    enqueue(&pages, Page::DIGEST, &["b"]).await;
    wait::until("the second job", SOON, async || begun_by_second.load(Ordering::SeqCst) == 1).await;
    assert_eq!(begun_by_first.load(Ordering::SeqCst), 1);
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_slot_of_a_limit_that_becomes_free_is_used_at_once() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    queue.limit_running(Some(1)).await.unwrap();
    let gate = Arc::new(Semaphore::new(100));
    let (first, _) = start_worker(&server, &pages, 4, &gate).await;
    let (second, _) = start_worker(&server, &pages, 4, &gate).await;
    let ids: Vec<String> = (0..20).map(|n| format!("p{n}")).collect();
    enqueue(&pages, Page::DIGEST, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    wait::until("all to end", SOON, async || {
        first.report().finished + second.report().finished == 20
    })
    .await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn one_job_wakes_one_of_many_idle_workers() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let gate = Arc::new(Semaphore::new(100));
    let mut workers = Vec::new();
    for _ in 0..10 {
        workers.push(start_worker(&server, &pages, 2, &gate).await);
    }
    let calls = async || {
        let counts = server.command_counts().await;
        counts.get("evalsha").copied().unwrap_or(0) + counts.get("eval").copied().unwrap_or(0)
    };
    server.reset_command_counts().await;
    pages.create_with_id("a", super::page("a")).await.unwrap();
    pages.item("a").digest().enqueue().await.unwrap().wait(SOON).await.unwrap();
    wait::until("the worker to be idle again", SOON, async || idle_workers(&server).await == 10)
        .await;
    // The create, the request, the take, the end with a take, and those that find nothing more.
    let calls = calls().await;
    assert!(calls <= 8, "{calls} script calls for one job");
    for (worker, _) in workers {
        worker.stop().await;
    }
}
