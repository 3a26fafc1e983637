//! What it costs to wait for jobs and to watch them.

use std::time::Duration;

use metastore::Store;
use metastore::queue::Queue;
use tokio::task::JoinSet;

use super::{Page, enqueue, options, page, take_one};
use crate::fixture::{SOON, start, start_proxied};

#[tokio::test]
async fn callers_that_wait_for_jobs_that_are_done_need_no_subscription() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::EXTRACT);
    enqueue(&pages, Page::EXTRACT, &["a"]).await;
    assert!(queue.finish(&take_one(&queue).await, &"done").await.unwrap());
    let mut waiting = JoinSet::new();
    for _ in 0..2_000 {
        let pages = pages.clone();
        waiting.spawn(async move { pages.item("a").extract().wait(SOON).await });
    }
    while let Some(result) = waiting.join_next().await {
        assert_eq!(result.unwrap().unwrap(), "done");
    }
    assert_eq!(server.command_counts().await.get("subscribe"), None);
}

#[tokio::test]
async fn all_callers_that_wait_for_jobs_of_a_queue_share_a_subscription() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::EXTRACT);
    let all: Vec<String> = (0..200).map(|n| format!("p{n}")).collect();
    enqueue(&pages, Page::EXTRACT, &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut waiting = JoinSet::new();
    for id in all {
        let pages = pages.clone();
        waiting.spawn(async move { pages.item(id.as_str()).extract().wait(SOON).await });
    }
    metastore_tests::wait::until("the subscription", SOON, async || {
        server.listeners("queue:myapp:crawl:pages:extract:changes").await == 1
    })
    .await;
    for taken in queue.take(&options(200)).await.unwrap().jobs {
        assert!(queue.finish(&taken.claim, &taken.claim.item.to_string()).await.unwrap());
    }
    while let Some(result) = waiting.join_next().await {
        result.unwrap().unwrap();
    }
    let subscriptions = server.command_counts().await["subscribe"];
    assert!(subscriptions <= 2, "{subscriptions}");
}

#[tokio::test]
async fn watchers_do_not_receive_an_earlier_result_again_and_again() {
    let (_server, proxy, repo) = start_proxied(Store::options()).await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::EXTRACT);
    pages.create_with_id("a", page("x")).await.unwrap();
    pages.item("a").extract().enqueue().await.unwrap();
    let large = "x".repeat(1024 * 1024);
    assert!(queue.finish(&take_one(&queue).await, &large).await.unwrap());

    let job = pages.item("a").extract().enqueue().await.unwrap();
    let before = proxy.bytes_down();
    let mut watches = Vec::new();
    for _ in 0..10 {
        watches.push(job.watch().await.unwrap());
    }
    let claim = take_one(&queue).await;
    for note in 0..25 {
        let at = pages.store().now();
        let progress = metastore::Progress::new(f64::from(note) / 25.0, "on it".to_owned(), at);
        assert!(queue.progress(&claim, &progress).await.unwrap());
        for watch in &mut watches {
            let next = tokio::time::timeout(Duration::from_secs(20), watch.next());
            assert!(next.await.unwrap().unwrap().is_some());
        }
    }
    let received = proxy.bytes_down() - before;
    // The first 8 KiB of the record each time, and not all of it.
    assert!(received < 10 * 27 * 12 * 1024, "{received}");
}
