//! Mutations, transformations and jobs by name.

use std::time::Duration;

use metastore::{ErrorKind, Item, JobState};
use metastore_worker::{JobContext, Worker};
use serde_json::json;

use super::json_of;
use crate::fixture::{SOON, Text, start, text};

#[tokio::test]
async fn a_job_that_failed_for_good_is_found_and_run_again_by_name() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    let id = &repo.texts.create(text("x")).await.unwrap().id.clone();
    assert_eq!(dynamic.retry("texts", id, "count").await.unwrap(), None);
    let job = dynamic.enqueue("texts", id, "count").await.unwrap();
    let handler = |item: Item<Text>, _: JobContext| async move {
        match item.version {
            1 => Err(metastore_worker::Fatal::new("no good").into()),
            version => Ok::<u64, Box<dyn std::error::Error + Send + Sync>>(version),
        }
    };
    let worker = Worker::builder(&repo.texts).handle(Text::COUNT, handler).build();
    let worker = worker.start().unwrap();
    let error = dynamic.wait("texts", id, "count", SOON).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::JobFailed { .. }), "{error}");
    let dead = dynamic.dead_jobs("texts", "count", 0, 10).await.unwrap();
    assert_eq!((dead.len(), &dead[0].item, &dead[0].job), (1, id, &job));
    assert!(dead[0].error.contains("no good"), "{dead:?}");
    assert_eq!(dynamic.queue_stats("texts", "count").await.unwrap().dead, 1);

    dynamic.update_item("texts", id, json!({"content": "y"})).await.unwrap();
    assert_eq!(dynamic.retry("texts", id, "count").await.unwrap(), Some(job));
    assert_eq!(dynamic.wait("texts", id, "count", SOON).await.unwrap(), 2);
    worker.stop().await;

    let error = dynamic.queue_stats("texts", "counts").await.unwrap_err();
    assert!(error.to_string().contains("unknown transformation `counts`"), "{error}");
    let error = dynamic.dead_jobs("texts", "count", 0, 0).await.unwrap_err();
    assert!(error.to_string().contains("limit must be from 1 to 1000"), "{error}");
}

#[tokio::test]
async fn mutations_and_jobs_by_name_share_what_is_stored_with_the_typed_ones() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    let item = repo.texts.create(text("one two three")).await.unwrap();
    let id = &item.id;
    let (words, split) = ("wordcount", "textsplit");
    assert_eq!(dynamic.run_mutation("texts", id, words).await.unwrap(), 3);
    let both = dynamic.evaluate_all("texts", id, &[words, split]).await.unwrap();
    assert_eq!(json_of(both), json!({words: 3, split: ["one", "two", "three"]}));

    assert!(dynamic.get_mutation("texts", id, words).await.unwrap().is_none());
    assert_eq!(dynamic.materialize_mutation("texts", id, words).await.unwrap(), 3);
    let typed = repo.texts.item(id).wordcount().cached().await.unwrap().unwrap();
    let by_name = dynamic.get_mutation("texts", id, words).await.unwrap().unwrap();
    assert_eq!((typed.value, typed.source_version, typed.stale), (3, 1, false));
    assert_eq!(json_of(typed), json_of(by_name));
    dynamic.update_item("texts", id, json!({"content": "one"})).await.unwrap();
    assert!(dynamic.get_mutation("texts", id, words).await.unwrap().unwrap().stale);
    assert_eq!(dynamic.run_mutation("texts", id, words).await.unwrap(), 1);
    assert_eq!(dynamic.run_mutation_on("texts", id, 1, words).await.unwrap(), 3);

    let summary = "summarize";
    assert!(dynamic.job_status("texts", id, summary).await.unwrap().is_none());
    let job = dynamic.enqueue("texts", id, summary).await.unwrap();
    assert_eq!(repo.texts.item(id).summarize().enqueue().await.unwrap().id(), job);
    assert!(dynamic.cancel("texts", id, summary).await.unwrap());
    let status = dynamic.job_status("texts", id, summary).await.unwrap().unwrap();
    assert_eq!((status.job, status.state), (job, JobState::Cancelled));
    let handler = |item: Item<Text>, _: JobContext| async move {
        let sentences = vec![item.data.content.clone()];
        Ok::<_, std::io::Error>(metastore_tests::collections::Summary { sentences })
    };
    let worker = Worker::builder(&repo.texts).handle(Text::SUMMARIZE, handler).build();
    let worker = worker.start().unwrap();
    dynamic.enqueue_in("texts", id, summary, Duration::from_millis(20)).await.unwrap();
    let expected = json!({"sentences": ["one"]});
    assert_eq!(dynamic.wait("texts", id, summary, SOON).await.unwrap(), expected);
    assert_eq!(
        dynamic.transformation_result("texts", id, summary).await.unwrap().unwrap(),
        expected
    );
    assert!(!dynamic.discard("texts", id, summary).await.unwrap());
    worker.stop().await;

    for (error, what) in [
        (
            dynamic.run_mutation("texts", id, "words").await.unwrap_err(),
            "mutation `words`; existing ones: wordcount, textsplit",
        ),
        (dynamic.materialize_mutation("texts", id, "words").await.unwrap_err(), "mutation `words`"),
        (dynamic.get_mutation("texts", id, summary).await.unwrap_err(), "mutation `summarize`"),
        (dynamic.evaluate_all("texts", id, &[words, "x"]).await.unwrap_err(), "mutation `x`"),
        (
            dynamic.enqueue("texts", id, words).await.unwrap_err(),
            "transformation `wordcount`; existing ones: summarize, count",
        ),
        (
            dynamic.job_status("counters", id, "x").await.unwrap_err(),
            "transformation `x`; none exist",
        ),
        (
            dynamic.get_item("txts", id).await.unwrap_err(),
            "collection `txts`; existing ones: texts, sessions, counters, orders, seats",
        ),
    ] {
        assert!(matches!(error.kind(), ErrorKind::UnknownName { .. }), "{error}");
        assert!(error.to_string().contains(&format!("unknown {what}")), "{error}");
    }
}
