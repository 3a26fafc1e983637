//! Documents of a shape that only a newer program knows, as in a rolling deployment.

use std::time::Duration;

use metastore::{Collection, ErrorKind, Item, JobState};
use metastore_worker::Worker;

use super::people::{ada, everything, start, v1, v2, v3};
use crate::fixture::SOON;

/// Reads as `v2` too, since it has all its fields.
fn readable() -> v2::Person {
    v2::Person { first: "Ada".into(), last: "Lovelace".into(), number: 1 }
}

#[tokio::test]
async fn an_older_program_reads_what_reads_as_its_own_shape() {
    let (server, programs) = start().await;
    programs.second.create_with_id("ada", readable()).await.unwrap();
    let key = "myapp:evolution:people:ada:latest";
    let stored = server.get_string(key).await.unwrap();
    let newer = stored.replace(r#""schema":2"#, r#""schema":7"#);
    server.cli(&["SET", key, &newer]).await;
    let item = programs.second.get("ada").await.unwrap().unwrap();
    assert_eq!((item.schema, &item.data), (7, &readable()));
    assert_eq!(programs.second.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_older_program_says_so_when_it_cannot_read() {
    let (_server, programs) = start().await;
    programs.second.create_with_id("ada", readable()).await.unwrap();
    let error = programs.first.get("ada").await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::NewerSchema { version: 1, stored: 2, known: 1 }),
        "{error}"
    );
    assert!(error.to_string().contains("a newer program is running"), "{error}");
    assert_eq!(error.key(), Some("myapp:evolution:people:ada:latest"));
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("missing field `name`"), "{source}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn an_older_program_never_writes_over_a_newer_shape() {
    let (server, programs) = start().await;
    programs.second.create_with_id("ada", readable()).await.unwrap();
    let key = "myapp:evolution:people:ada:latest";
    let stored = server.get_string(key).await.unwrap();
    // It decodes as the older program's shape, so only the number prevents the write.
    let newer = stored.replace(r#""schema":2"#, r#""schema":3"#);
    server.cli(&["SET", key, &newer]).await;
    let before = everything(&server).await;
    let second = &programs.second;
    let item = second.get("ada").await.unwrap().unwrap();
    let patch = v2::Person::patch().first("Augusta");
    for error in [
        second.update("ada", patch.clone()).await.unwrap_err(),
        second.update(&item, patch.clone()).await.unwrap_err(),
        second.update_at("ada", 1, patch.clone()).await.unwrap_err(),
        second.update_many([("ada", patch)]).await.remove(0).unwrap_err(),
        second.modify("ada", |person| person.number = 2).await.unwrap_err(),
        second.replace("ada", readable()).await.unwrap_err(),
        second.replace(&item, v2::Person { number: 3, ..readable() }).await.unwrap_err(),
    ] {
        assert!(
            matches!(error.kind(), ErrorKind::NewerSchema { version: 1, stored: 3, known: 2 }),
            "{error}"
        );
    }
    assert_eq!(everything(&server).await, before);
    // A deletion writes no shape, and a new item has the program's own.
    assert!(second.delete("ada").await.unwrap());
    second.create_with_id("ada", readable()).await.unwrap();
    assert_eq!(programs.third.get("ada").await.unwrap().unwrap().data.family, "Lovelace");
}

#[tokio::test]
async fn a_writer_that_is_overtaken_by_a_newer_program_gets_an_error() {
    let (_server, programs) = start().await;
    let old = programs.first.create_with_id("ada", ada()).await.unwrap();
    programs.third.update("ada", v3::Person::patch().language("fr")).await.unwrap();
    let patch = v1::Person::patch().name("Ada King");
    let error = programs.first.update(&old, patch.clone()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict { expected: 1, actual: 2 }), "{error}");
    let error = programs.first.update("ada", patch).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NewerSchema { stored: 3, known: 1, .. }), "{error}");
    assert_eq!(programs.third.get("ada").await.unwrap().unwrap().data.family, "Lovelace");
}

#[tokio::test]
async fn a_job_that_an_older_worker_cannot_read_is_left_for_a_newer_one() {
    let (_server, programs) = start().await;
    programs.second.create_with_id("ada", readable()).await.unwrap();
    let job = programs.second.item("ada").praise().enqueue().await.unwrap();
    let old = Worker::builder(&programs.first)
        .retry_delay(Duration::from_millis(50))
        .max_retries(1_000)
        .handle(v1::Person::PRAISE, |_: Item<v1::Person>, _job| async move {
            Ok::<_, String>(String::new())
        })
        .build()
        .start()
        .unwrap();
    metastore_tests::wait::until("the old worker gives it back", SOON, async || {
        let status = programs.second.item("ada").praise().status().await.unwrap().unwrap();
        status.state == JobState::Delayed
    })
    .await;
    let report = old.stop().await;
    assert_eq!((report.finished, report.failed), (0, 0));
    // It was given back for a while, without an attempt. A deployment need not wait.
    let status = programs.second.item("ada").praise().status().await.unwrap().unwrap();
    assert_eq!(status.attempts, 0);
    programs.second.item("ada").praise().enqueue().await.unwrap();
    let new = Worker::builder(&programs.second)
        .handle(v2::Person::PRAISE, |item: Item<v2::Person>, _job| async move {
            Ok::<_, String>(format!("well done, {}", item.data.first))
        })
        .build()
        .start()
        .unwrap();
    assert_eq!(job.wait(SOON).await.unwrap(), "well done, Ada");
    new.stop().await;
}
