//! Transformations that run in the caller's own process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use metastore::queue::Queue;
use metastore::{ErrorKind, Fatal, Item, JobState};

use super::{Page, enqueue, page, take_one, worker};
use crate::fixture::start;

#[tokio::test]
async fn an_inline_run_stores_its_result_as_a_worker_would() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    pages.create_with_id("a", page("hello")).await.unwrap();
    let shout = |item: Item<Page>| async move { Ok::<_, String>(item.data.text.to_uppercase()) };
    assert_eq!(pages.item("a").shout().run_with(shout).await.unwrap(), "HELLO");
    let status = pages.item("a").shout().status().await.unwrap().unwrap();
    assert_eq!((status.state, status.result_version), (JobState::Done, Some(1)));
    assert_eq!(pages.item("a").shout().result().await.unwrap().as_deref(), Some("HELLO"));
    pages.modify("a", |page| page.text.push('!')).await.unwrap();
    assert!(pages.item("a").shout().status().await.unwrap().unwrap().is_stale());
    assert_eq!(pages.item("a").shout().run_with(shout).await.unwrap(), "HELLO!");
    assert!(pages.verify().await.unwrap().is_clean());
    assert_eq!(server.keys_of_jobs().await, [""; 0]);
    let error = pages.item("b").shout().run_with(shout).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn an_inline_run_is_retried_as_configured_and_then_dead() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    pages.create_with_id("a", page("hello")).await.unwrap();
    let runs = Arc::new(AtomicU32::new(0));
    let fail_until = |last: u32| {
        let runs = runs.clone();
        move |_item: Item<Page>| {
            let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
            async move { if run > last { Ok("done".to_owned()) } else { Err("no luck") } }
        }
    };
    assert_eq!(pages.item("a").shout().run_with(fail_until(1)).await.unwrap(), "done");
    let error = pages.item("a").shout().run_with(fail_until(100)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::JobFailed { attempts: 2, .. }), "{error}");
    let dead = Queue::new(&pages, Page::SHOUT).dead_job("a").await.unwrap().unwrap();
    assert_eq!((dead.error.as_str(), dead.attempts), ("no luck", 2));
    // The earlier result stays, and the next run kills nothing.
    assert_eq!(pages.item("a").shout().result().await.unwrap().as_deref(), Some("done"));
    assert_eq!(pages.item("a").shout().run_with(fail_until(0)).await.unwrap(), "done");
    assert!(Queue::new(&pages, Page::SHOUT).dead(0, 10).await.unwrap().is_empty());
}

/// As a worker does it: no retry, and the message names the causes but not the mark.
#[tokio::test]
async fn a_fatal_error_of_an_inline_run_is_not_retried() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    for (id, message) in [("plain", "no luck"), ("context", "shouting: no luck"), ("io", "no luck")]
    {
        pages.create_with_id(id, page(id)).await.unwrap();
        let runs = Arc::new(AtomicU32::new(0));
        let fail = |item: Item<Page>| {
            runs.fetch_add(1, Ordering::SeqCst);
            let fatal = Fatal::new("no luck");
            async move {
                Err::<String, anyhow::Error>(match item.data.text.as_str() {
                    "plain" => fatal.into(),
                    "context" => anyhow::Error::from(fatal).context("shouting"),
                    _ => std::io::Error::other(fatal).into(),
                })
            }
        };
        let error = pages.item(id).shout().run_with(fail).await.unwrap_err();
        match error.kind() {
            ErrorKind::JobFailed { attempts: 1, message: stored } => assert_eq!(stored, message),
            _ => panic!("{id}: {error}"),
        }
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        let dead = Queue::new(&pages, Page::SHOUT).dead_job(id).await.unwrap().unwrap();
        assert_eq!((dead.error.as_str(), dead.attempts), (message, 1));
    }
}

#[tokio::test]
async fn one_run_at_a_time_wherever_it_is() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    let queue = Queue::new(&pages, Page::DIGEST);
    let claim = take_one(&queue).await;
    let here = |item: Item<Page>| async move { Ok::<_, String>(item.data.text.clone()) };
    let error = pages.item("a").digest().run_with(&here).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::JobRunning) && error.is_retryable(), "{error}");
    // A waiting job is taken from the queue.
    queue.release(std::slice::from_ref(&claim)).await.unwrap();
    assert_eq!(pages.item("a").digest().run_with(&here).await.unwrap(), "a");
    assert!(queue.take(&super::options(1)).await.unwrap().jobs.is_empty());
}

#[tokio::test]
async fn nothing_is_queued_for_an_inline_transformation_and_no_worker_takes_it() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    pages.create_with_id("a", page("hello")).await.unwrap();
    let error = pages.item("a").shout().enqueue().await.unwrap_err();
    assert!(error.to_string().contains("run_with"), "{error}");
    let built = worker(&pages)
        .handle(Page::SHOUT, |_item: Item<Page>, _job| async { Ok::<_, String>(String::new()) })
        .build();
    let error = built.start().err().unwrap().to_string();
    assert!(error.contains("mode = inline"), "{error}");
}
