//! Observing jobs: progress, statistics, traces, health.

use std::time::Duration;

use metastore::queue::Queue;
use metastore::{Item, JobState, Store};
use metastore_tests::wait;

use super::{Page, enqueue, page, take_one, worker};
use crate::fixture::{Log, SOON, start, start_proxied, start_with};

#[tokio::test]
async fn watchers_receive_each_state_and_progress_and_the_end() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let worker = worker(&pages)
        .handle(Page::DIGEST, |_item: Item<Page>, job| async move {
            job.progress(0.25, "a quarter");
            tokio::time::sleep(Duration::from_millis(250)).await;
            job.progress(0.75, "three");
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok::<_, String>("done".to_owned())
        })
        .build();
    pages.create_with_id("a", page("x")).await.unwrap();
    let job = pages.item("a").digest().enqueue().await.unwrap();
    let mut watch = job.watch().await.unwrap();
    let first = watch.next().await.unwrap().unwrap();
    assert_eq!(first.state, JobState::Queued);
    let worker = worker.start().unwrap();
    let mut fractions = Vec::new();
    let mut last = None;
    while let Some(status) = tokio::time::timeout(SOON, watch.next()).await.unwrap().unwrap() {
        fractions.extend(status.progress.as_ref().map(|progress| progress.fraction));
        last = Some(status);
    }
    assert_eq!(fractions, [0.25, 0.75]);
    let last = last.unwrap();
    assert_eq!((last.state, last.result_job), (JobState::Done, Some(last.job)));
    assert!(watch.next().await.unwrap().is_none());
    worker.stop().await;
}

#[tokio::test]
async fn a_queue_reports_how_long_its_oldest_job_has_waited() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    assert_eq!(queue.stats().await.unwrap().oldest, None);
    enqueue(&pages, Page::DIGEST, &["a", "b"]).await;
    wait::until("it to wait", SOON, async || {
        queue.stats().await.unwrap().oldest.is_some_and(|age| age >= Duration::from_millis(50))
    })
    .await;
    let taken = queue.take(&super::options(1)).await.unwrap();
    assert!(taken.jobs[0].waited >= Duration::from_millis(50));
    // A delay does not count as waiting.
    pages.create_with_id("c", page("x")).await.unwrap();
    pages.item("c").digest().enqueue_in(Duration::from_millis(60)).await.unwrap();
    take_one(&queue).await;
    let mut late = None;
    wait::until("the delayed one", SOON, async || {
        late = queue.take(&super::options(1)).await.unwrap().jobs.pop();
        late.is_some()
    })
    .await;
    assert!(late.unwrap().waited < Duration::from_millis(55));
}

fn trace_of_this_test() -> Option<String> {
    Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned())
}

#[tokio::test]
async fn the_trace_of_the_caller_reaches_the_handler() {
    let (_server, repo) = start_with(Store::options().trace_source(trace_of_this_test)).await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    let status = pages.item("a").digest().status().await.unwrap().unwrap();
    assert_eq!(status.trace, trace_of_this_test());
    worker(&pages)
        .handle(Page::DIGEST, |_item: Item<Page>, job| async move {
            Ok::<_, String>(job.trace.clone().unwrap_or_default())
        })
        .build()
        .run_until_idle()
        .await
        .unwrap();
    assert_eq!(pages.item("a").digest().result().await.unwrap(), trace_of_this_test());
}

#[tokio::test]
async fn health_fails_while_the_server_is_away_and_recovers_with_it() {
    let options = Store::options().command_timeout(Duration::from_millis(300));
    let (_server, proxy, repo) = start_proxied(options).await;
    let pages = repo.texts.store().repo::<Page>();
    let worker = worker(&pages)
        .handle(Page::DIGEST, |item: Item<Page>, _job| async move {
            Ok::<_, String>(item.data.text.clone())
        })
        .build()
        .start()
        .unwrap();
    wait::until("it to be well", SOON, async || worker.health().await.is_healthy()).await;
    proxy.pause();
    wait::until("it to be ill", SOON, async || !worker.health().await.is_healthy()).await;
    proxy.resume();
    wait::until("it to be well again", SOON, async || worker.health().await.is_healthy()).await;
    worker.stop().await;
}

#[tokio::test]
async fn progress_in_a_loop_is_stored_a_few_times_a_second_at_most() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    server.reset_command_counts().await;
    let begin = std::time::Instant::now();
    worker(&pages)
        .handle(Page::DIGEST, |_item: Item<Page>, job| async move {
            for step in 0..10_000 {
                job.progress(f64::from(step) / 1e4, "on");
            }
            Ok::<_, String>("done".to_owned())
        })
        .build()
        .run_until_idle()
        .await
        .unwrap();
    let sent = server.command_counts().await.get("publish").copied().unwrap_or(0);
    let most = begin.elapsed().as_millis() / 200 + 4;
    assert!(u128::from(sent) <= most, "{sent} messages in {:?}", begin.elapsed());
}

#[tokio::test]
async fn logs_of_a_handler_are_in_the_span_of_its_job_with_the_trace_of_the_caller() {
    let (_server, repo) = start_with(Store::options().trace_source(trace_of_this_test)).await;
    let pages = repo.texts.store().repo::<Page>();
    let log = Log::default();
    let _guard = log.record();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    let job = pages.item("a").digest().status().await.unwrap().unwrap().job;
    worker(&pages)
        .handle(Page::DIGEST, |_item: Item<Page>, _job| async {
            tracing::info!("in the handler");
            tokio::task::yield_now().await;
            tracing::info!("and after a pause");
            Ok::<_, String>("done".to_owned())
        })
        .build()
        .run_until_idle()
        .await
        .unwrap();
    let text = log.text();
    for said in ["in the handler", "and after a pause"] {
        let line = text.lines().find(|line| line.contains(said)).unwrap();
        for part in ["job{", &job, "item=\"a\"", "myapp:crawl:pages:digest", "attempt=1"] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert!(line.contains(&trace_of_this_test().unwrap()), "{line}");
    }
}

/// Commands are answered normally; only published messages do not arrive.
#[tokio::test]
async fn health_fails_when_messages_do_not_arrive_although_commands_are_answered() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let worker = worker(&pages)
        .handle(Page::DIGEST, |item: Item<Page>, _job| async move {
            Ok::<_, String>(item.data.text.clone())
        })
        .build()
        .start()
        .unwrap();
    wait::until("it to be well", SOON, async || worker.health().await.is_healthy()).await;
    server.cli(&["ACL", "SETUSER", "default", "-subscribe"]).await;
    server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    let mut problems = Vec::new();
    wait::until("it to be ill", SOON, async || {
        problems = worker.health().await.problems;
        !problems.is_empty()
    })
    .await;
    assert!(!problems.iter().any(|problem| problem.contains("answered")), "{problems:?}");
    // It continues to work by polling.
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    wait::until("the result", SOON, async || {
        pages.item("a").digest().result().await.unwrap().is_some()
    })
    .await;
    worker.stop().await;
}
