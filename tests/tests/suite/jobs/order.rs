//! The order of jobs and of their results, and what an outage and leftovers do to them.

use std::time::Duration;

use metastore::queue::Queue;
use metastore::{Collection as _, EnqueueOptions, ErrorKind, JobState, Priority, Store};
use metastore_tests::{Server, wait};

use super::{Page, enqueue, ids, options, page, take_one};
use crate::fixture::{MyRepo, SOON, start};

const QUEUE: &str = "queue:myapp:crawl:pages:digest";

#[tokio::test]
async fn a_time_in_which_nobody_was_served_costs_no_worker_its_jobs() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    let lease = Duration::from_millis(600);
    let claim = [queue.take(&options(1).lease(lease)).await.unwrap().jobs.remove(0).claim];
    assert_eq!(queue.renew(&claim, lease).await.unwrap(), [true]);
    server.freeze();
    tokio::time::sleep(lease * 2).await;
    server.thaw();
    // Another worker is served first, and finds that the lease has ended.
    let taken = queue.take(&options(1).lease(lease)).await.unwrap();
    assert_eq!((taken.jobs.len(), taken.suspects), (0, 0));
    assert_eq!(queue.renew(&claim, lease).await.unwrap(), [true]);
    // A lease that ends while others are served is that of a dead worker.
    wait::until("the job to be taken back", SOON, async || {
        let taken = queue.take(&options(1).lease(lease)).await.unwrap();
        assert!(taken.jobs.is_empty());
        taken.suspects == 1
    })
    .await;
    assert!(!queue.finish(&claim[0], &"late").await.unwrap());
}

#[tokio::test]
async fn a_job_does_not_depend_on_an_earlier_result_of_another_type() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::EXTRACT);
    enqueue(&pages, Page::EXTRACT, &["a"]).await;
    assert!(queue.finish(&take_one(&queue).await, &"done").await.unwrap());
    let key = "myapp:crawl:pages:a:transformation:extract";
    let record = server.get_string(key).await.unwrap();
    server.cli(&["SET", key, &record.replace("\"done\"", "{\"lines\":[1]}")]).await;
    let error = pages.item("a").extract().result().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode { .. }), "{error}");

    let job = pages.item("a").extract().enqueue().await.unwrap();
    assert_eq!(job.status().await.unwrap().state, JobState::Queued);
    let mut watch = job.watch().await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap().state, JobState::Queued);
    assert!(queue.finish(&take_one(&queue).await, &"again").await.unwrap());
    assert_eq!(job.wait(SOON).await.unwrap(), "again");
    assert_eq!(watch.next().await.unwrap().unwrap().state, JobState::Done);
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_make_an_old_result_new() {
    let server = Server::builder().settable_clock(true).start().await;
    let store = Store::options().connect(server.url()).await.unwrap();
    let repo = MyRepo::with_store(&store);
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::EXTRACT);
    let item = pages.create_with_id("a", page("one")).await.unwrap();
    server.set_clock(30_000).await;
    let first = pages.item("a").extract().enqueue().await.unwrap();
    assert!(queue.finish(&take_one(&queue).await, &"of one").await.unwrap());
    server.set_clock(1_000).await;
    pages.update(&item.id, Page::patch().text("two")).await.unwrap();
    let second = pages.item("a").extract().enqueue().await.unwrap();
    assert_ne!(first.id(), second.id());
    let error = second.wait(Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(_)), "{error}");
    assert!(queue.finish(&take_one(&queue).await, &"of two").await.unwrap());
    assert_eq!(second.wait(SOON).await.unwrap(), "of two");
    // The first job has been followed by a later one.
    assert_eq!(first.wait(SOON).await.unwrap(), "of two");
}

#[tokio::test]
async fn an_urgent_job_that_becomes_due_last_does_not_wait_for_the_others_that_are_due() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    let low = pages.create_many((0..400).map(|_| page("x"))).await.into_iter();
    let low: Vec<metastore::Id> = low.map(|item| item.unwrap().id.clone()).collect();
    let soon = || EnqueueOptions::new().delay(Duration::from_millis(1));
    let requested = pages.enqueue_many(Page::DIGEST, &low, soon().priority(Priority::Low)).await;
    assert!(requested.unwrap().iter().all(Result::is_ok));
    pages.create_with_id("urgent", page("x")).await.unwrap();
    let urgent = pages.item("urgent").digest();
    urgent.enqueue_with(soon().priority(Priority::High)).await.unwrap();
    wait::until("all to be due", SOON, async || {
        queue.stats().await.unwrap().due_in == Some(Duration::ZERO)
    })
    .await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    // Of 16 turns at least 11 begin with the urgent ones.
    let taken = queue.take(&options(16)).await.unwrap();
    assert!(ids(&taken).contains(&"urgent"), "{:?}", ids(&taken));
}

#[tokio::test]
async fn cancelled_and_deleted_jobs_neither_count_nor_pile_up() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    queue.pause().await.unwrap();
    pages.create_with_id("a", page("x")).await.unwrap();
    for _ in 0..300 {
        pages.item("a").digest().enqueue().await.unwrap();
        assert!(pages.item("a").digest().cancel().await.unwrap());
    }
    assert_eq!(queue.stats().await.unwrap().waiting, 0);
    let length = server.cli(&["LLEN", &format!("{QUEUE}:waiting")]).await.as_int();
    assert!(length <= 1, "{length}");
    pages.item("a").digest().enqueue().await.unwrap();
    let others: Vec<String> = (0..50).map(|n| format!("p{n}")).collect();
    enqueue(&pages, Page::DIGEST, &others.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(queue.stats().await.unwrap().waiting, 51);
    for id in &others {
        assert!(pages.delete(id.as_str()).await.unwrap());
    }
    assert_eq!(queue.stats().await.unwrap().waiting, 1);
    queue.resume().await.unwrap();
    assert_eq!(ids(&queue.take(&options(100)).await.unwrap()), ["a"]);
    assert_eq!(queue.stats().await.unwrap().waiting, 0);
}
