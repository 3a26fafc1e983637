//! Mutations, transformations and workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use metastore::{Item, JobState};
use metastore_tests::wait::until;
use metastore_worker::{JobContext, Worker};

use super::{Summary, Text, start, summarize, text};
use crate::fixture::SOON;

/// `runMutation`, `materializeMutation`, `getMutation`
#[tokio::test]
async fn mutations_are_run_stored_and_read_back() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one two")).await.unwrap();
    let of_item = || repo.texts.item(&item.id);
    assert_eq!(of_item().wordcount().run().await.unwrap(), 2);
    assert!(of_item().wordcount().cached().await.unwrap().is_none());
    assert_eq!(of_item().wordcount().materialize().await.unwrap(), 2);
    let cached = of_item().wordcount().cached().await.unwrap().unwrap();
    assert_eq!((cached.value, cached.source_version, cached.stale), (2, 1, false));
}

/// `runMutationBatch(id, [{name, fn}])`
#[tokio::test]
async fn several_mutations_and_closures_share_one_read() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one two")).await.unwrap();
    let longest = |text: &Text| text.content.split(' ').map(str::len).max().unwrap_or(0);
    let (count, parts, longest) = repo
        .texts
        .item(&item.id)
        .evaluate_all((Text::WORDCOUNT, Text::SPLIT, longest))
        .await
        .unwrap();
    assert_eq!((count, parts, longest), (2, vec!["one".to_owned(), "two".to_owned()], 3));
}

/// `runTransformation` → job id
#[tokio::test]
async fn a_transformation_is_requested_and_returns_a_job() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    assert!(!job.id().is_empty());
    assert_eq!(job.status().await.unwrap().state, JobState::Queued);
    let again = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    assert_eq!(again.id(), job.id());
}

/// `getTransformation`, `getTransformationByName`
#[tokio::test]
async fn the_whole_status_of_a_job_and_its_result_alone_can_be_read() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one two")).await.unwrap();
    let of_item = || repo.texts.item(&item.id).summarize();
    assert!(of_item().status().await.unwrap().is_none());
    assert!(of_item().result().await.unwrap().is_none());
    let job = of_item().enqueue().await.unwrap();
    let worker = Worker::builder(&repo.texts).handle(Text::SUMMARIZE, summarize).build();
    worker.run_until_idle().await.unwrap();
    let status = of_item().status().await.unwrap().unwrap();
    assert_eq!((status.state, status.job.as_str()), (JobState::Done, job.id()));
    assert_eq!((status.result_version, status.error), (Some(1), None));
    assert!(status.enqueued_at <= status.started_at && status.started_at <= status.finished_at);
    assert_eq!(of_item().result().await.unwrap(), Some(Summary { words: 2 }));
}

/// transformation `mode`, `timeout`, `retries`
#[tokio::test]
async fn a_transformation_sets_its_mode_timeout_and_retries() {
    let (server, repo) = start().await;
    let schema = Text::SUMMARIZE.schema();
    assert_eq!((schema.timeout, schema.retries), (Some(Duration::from_secs(30)), Some(0)));
    let item = repo.texts.create(text("one")).await.unwrap();
    let shout = |item: Item<Text>| async move { Ok::<_, String>(item.data.content.to_uppercase()) };
    assert_eq!(repo.texts.item(&item.id).shout().run_with(shout).await.unwrap(), "ONE");
    assert_eq!(server.keys_of_jobs().await, [""; 0]);
    // No retries: the first failure is the last one.
    let empty = repo.texts.create(text("")).await.unwrap();
    let job = repo.texts.item(&empty.id).summarize().enqueue().await.unwrap();
    let worker = Worker::builder(&repo.texts).handle(Text::SUMMARIZE, summarize).build();
    worker.run_until_idle().await.unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.state, status.attempts), (JobState::Dead, 1));
    assert!(status.error.unwrap().contains("nothing to summarize"));
}

/// `createWorker(client, components, name, processor, config)`, `start`, `stop`
#[tokio::test]
async fn a_worker_starts_works_and_stops() {
    let (_server, repo) = start().await;
    let worker = Worker::builder(&repo.texts).handle(Text::SUMMARIZE, summarize).build();
    let worker = worker.start().unwrap();
    let item = repo.texts.create(text("one two three")).await.unwrap();
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    assert_eq!(job.wait(SOON).await.unwrap(), Summary { words: 3 });
    assert_eq!(worker.stop().await.finished, 1);
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    assert_eq!(job.status().await.unwrap().state, JobState::Queued, "nobody works any more");
}

/// worker config: concurrency, pollInterval, maxRetries, retryDelay
#[tokio::test]
async fn a_worker_has_the_four_settings() {
    let (_server, repo) = start().await;
    let builder = || Worker::builder(&repo.texts).handle(Text::SUMMARIZE, summarize);
    let settings = format!("{:?}", builder());
    // The defaults are the same, except that failed jobs are retried for more than a day.
    for default in ["concurrency: 1,", "poll_interval: 1s,", "max_retries: 25,", "retry_delay: 5s,"]
    {
        assert!(settings.contains(default), "{default} in {settings}");
    }
    let own = builder()
        .concurrency(8)
        .poll_interval(Duration::from_millis(200))
        .max_retries(1)
        .retry_delay(Duration::from_millis(10));
    let settings = format!("{own:?}");
    for own in ["concurrency: 8,", "poll_interval: 200ms,", "max_retries: 1,", "retry_delay: 10ms,"]
    {
        assert!(settings.contains(own), "{own} in {settings}");
    }
    // They have the documented effect: one retry, after 10 ms.
    let item = repo.texts.create(Text { name: "a".into(), content: String::new() }).await.unwrap();
    let job = repo.texts.item(&item.id).count().enqueue().await.unwrap();
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let fail = move |_: Item<Text>, _: JobContext| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Err::<u64, _>("never") }
    };
    let worker = Worker::builder(&repo.texts)
        .handle(Text::COUNT, fail)
        .max_retries(1)
        .retry_delay(Duration::from_millis(10))
        .build()
        .start()
        .unwrap();
    until("it is given up", SOON, async || job.status().await.unwrap().state == JobState::Dead)
        .await;
    worker.stop().await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}
