//! Workers of an older version of a program together with those of a newer one, and what is left
//! after an outage of what handlers call.

use std::time::Duration;

use metastore::queue::Queue;
use metastore::{Item, JobState};
use metastore_tests::wait;
use metastore_worker::Worker;

use super::{Page, enqueue, worker};
use crate::fixture::{Log, SOON, start};

#[tokio::test]
async fn a_document_of_a_newer_program_uses_up_no_attempt_at_an_older_worker() {
    let log = Log::default();
    let _recording = log.record();
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::DIGEST, &["a", "b"]).await;
    for id in ["a", "b"] {
        let key = format!("myapp:crawl:pages:{id}:latest");
        let stored = server.get_string(&key).await.unwrap();
        let newer =
            stored.replace(r#""schema":1"#, r#""schema":2"#).replace("\"text\"", "\"body\"");
        assert_ne!(newer, stored);
        server.cli(&["SET", &key, &newer]).await;
    }
    let worker = worker(&pages)
        .handle(Page::DIGEST, |item: Item<Page>, _job| async move {
            Ok::<_, String>(item.data.text.clone())
        })
        .build()
        .start()
        .unwrap();
    wait::until("both to be given back", SOON, async || worker.report().released == 2).await;
    for id in ["a", "b"] {
        let status = pages.item(id).digest().status().await.unwrap().unwrap();
        assert_eq!((status.state, status.attempts), (JobState::Delayed, 0), "{id}");
    }
    assert_eq!(worker.stop().await.failed, 0);
    let text = log.text();
    assert_eq!(text.matches("a newer version of this program").count(), 1, "{text}");
}

#[tokio::test]
async fn all_dead_jobs_are_retried_in_steps() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    let ids: Vec<String> = (0..25).map(|n| format!("p{n}")).collect();
    enqueue(&pages, Page::DIGEST, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let build = |is_broken: bool| {
        Worker::builder(&pages)
            .handle(Page::DIGEST, move |_item: Item<Page>, _job| async move {
                if is_broken { Err("away") } else { Ok(String::new()) }
            })
            .max_retries(0)
            .concurrency(8)
            .build()
    };
    assert_eq!(build(true).run_until_idle().await.unwrap().failed, 25);
    assert_eq!(queue.stats().await.unwrap().dead, 25);
    let mut steps = Vec::new();
    loop {
        match queue.retry_all(10).await.unwrap() {
            0 => break,
            retried => steps.push(retried),
        }
    }
    assert_eq!(steps, [10, 10, 5]);
    assert_eq!(build(false).run_until_idle().await.unwrap().finished, 25);
    assert_eq!(queue.stats().await.unwrap().dead, 0);
}

#[tokio::test]
async fn a_failed_run_is_one_warning_that_names_job_item_attempt_and_trace() {
    let log = Log::default();
    let _recording = log.record();
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    pages.create_with_id("a", super::page("a")).await.unwrap();
    let options = metastore::EnqueueOptions::new().trace("00-trace-01");
    let job = pages.item("a").digest().enqueue_with(options).await.unwrap();
    let worker = Worker::builder(&pages)
        .handle(Page::DIGEST, |_item: Item<Page>, _job| async { Err::<String, _>("away") })
        .max_retries(0)
        .poll_interval(Duration::from_millis(100))
        .build();
    assert_eq!(worker.run_until_idle().await.unwrap().failed, 1);
    let text = log.text();
    let warnings: Vec<&str> = text.lines().filter(|line| line.contains(" WARN ")).collect();
    assert_eq!(warnings.len(), 1, "{text}");
    for part in
        ["a run of a job failed", job.id(), "item=\"a\"", "attempt=1", "00-trace-01", "away"]
    {
        assert!(warnings[0].contains(part), "{part}: {}", warnings[0]);
    }
    assert!(!warnings[0].contains("message"), "{}", warnings[0]);
}
