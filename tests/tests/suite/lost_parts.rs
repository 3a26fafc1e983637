//! Lost indexes, lists and versions: `verify` names each, and `repair` restores what can be
//! restored.

use std::time::Duration;

use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection as _, IndexReport, JobState, Store};

use crate::fixture::{Counter, Summary, Text, session, start, start_with, text};

const QUEUE: &str = "queue:myapp:textsplitter:texts:summarize";

fn reasons(report: &IndexReport) -> Vec<String> {
    let mut all: Vec<_> = report
        .failures
        .iter()
        .map(|failure| format!("{}: {}", failure.id, failure.reason))
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_lost_index_of_a_collection_without_indexed_fields_is_found_and_written_again() {
    let (server, repo) = start().await;
    let counters = &repo.counters;
    for count in 0..700 {
        counters.create_with_id(format!("c{count}"), Counter { count }).await.unwrap();
    }
    let before = counters.list().limit(1000).ids().await.unwrap().items;
    server.cli(&["DEL", "idx:myapp:counting:counters"]).await;
    assert_eq!(counters.count().await.unwrap(), 0);
    let report = counters.verify().await.unwrap();
    assert_eq!((report.unlisted, report.wrong, report.is_clean()), (700, 700, false));
    assert_eq!(counters.count().await.unwrap(), 0, "verify changes nothing");
    assert_eq!(counters.repair().await.unwrap().unlisted, 700);
    assert!(counters.verify().await.unwrap().is_clean());
    assert_eq!(counters.list().limit(1000).ids().await.unwrap().items, before);
    // Keys of other collections are not mistaken for theirs.
    repo.sessions.create(session("u")).await.unwrap();
    assert!(counters.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn jobs_of_a_lost_list_or_set_are_named_and_run_after_a_repair() {
    let (server, repo) = start().await;
    let texts = &repo.texts;
    let queue = Queue::new(texts, Text::SUMMARIZE);
    for number in 0..40 {
        let id = format!("t{number}");
        texts.create_with_id(&id, text("x")).await.unwrap();
        let delay = if number >= 30 { Duration::from_secs(3600) } else { Duration::ZERO };
        texts.item(&id[..]).summarize().enqueue_in(delay).await.unwrap();
    }
    let taken = queue.take(&TakeOptions::new("gone", 10)).await.unwrap().jobs;
    assert_eq!(taken.len(), 10);
    assert!(texts.verify().await.unwrap().is_clean());
    for set in ["waiting", "leased", "delayed"] {
        server.cli(&["DEL", &format!("{QUEUE}:{set}")]).await;
    }
    assert!(queue.take(&TakeOptions::new("w", 10)).await.unwrap().jobs.is_empty());
    let report = texts.verify().await.unwrap();
    assert_eq!((report.lost_jobs, report.failures.len()), (40, 40), "{report:?}");
    assert!(report.failures[0].reason.contains("its job of `summarize` was in no list"));
    assert_eq!(texts.repair().await.unwrap().lost_jobs, 40);
    assert!(texts.verify().await.unwrap().is_clean());

    // The worker that had leased some is refused, and every job runs once.
    let mut done = 0;
    loop {
        let taken = queue.take(&TakeOptions::new("w", 100)).await.unwrap();
        if taken.jobs.is_empty() {
            break;
        }
        for job in taken.jobs {
            assert_eq!(job.crashes, 0, "nobody is to blame");
            assert!(queue.finish(&job.claim, &Summary { sentences: vec![] }).await.unwrap());
            done += 1;
        }
    }
    assert_eq!(done, 40);
    for job in taken {
        assert!(!queue.finish(&job.claim, &Summary { sentences: vec![] }).await.unwrap());
    }
    let status = texts.item("t35").summarize().status().await.unwrap().unwrap();
    assert_eq!(status.state, JobState::Done);
}

#[tokio::test]
async fn missing_versions_are_named_and_the_rest_of_the_history_is_shown() {
    let (server, repo) = start().await;
    let mut item = repo.texts.create_with_id("a", text("1")).await.unwrap();
    for number in 2..9 {
        item = repo.texts.update(&item, Text::patch().content(number.to_string())).await.unwrap();
    }
    let key = |version: u64| format!("myapp:textsplitter:texts:a:version:{version}");
    server.cli(&["DEL", &key(3)]).await;
    server.cli(&["DEL", &key(6)]).await;
    for report in [repo.texts.verify().await.unwrap(), repo.texts.repair().await.unwrap()] {
        assert_eq!((report.missing_versions, report.is_clean()), (2, false));
        assert_eq!(reasons(&report), ["a: version 3 is missing", "a: version 6 is missing"]);
    }
    let versions = repo.texts.versions("a").await.unwrap();
    let versions: Vec<_> = versions.iter().map(|version| version.version).collect();
    assert_eq!(versions, [8, 7, 5, 4, 2, 1]);
    // A history that starts later has no gap: retention and expiry leave that.
    server.cli(&["DEL", &key(1), &key(2)]).await;
    let report = repo.texts.verify().await.unwrap();
    assert_eq!(reasons(&report), ["a: version 6 is missing"]);
}

#[tokio::test]
async fn an_item_without_its_audit_entry_is_named() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let texts = &repo.texts;
    for id in ["a", "b", "c", "d"] {
        texts.create_with_id(id, text("1")).await.unwrap();
        texts.update(id, Text::patch().content("2")).await.unwrap();
    }
    // An item whose id was used before, so that its trail starts with another item.
    texts.delete("d").await.unwrap();
    texts.create_with_id("d", text("again")).await.unwrap();
    assert!(texts.verify().await.unwrap().is_clean());
    let trail = |id: &str| format!("stream:audit:myapp:textsplitter:texts:{id}");
    server.cli(&["DEL", &trail("a")]).await;
    let first = server.cli(&["XRANGE", &trail("b"), "-", "+", "COUNT", "1"]).await;
    let first = first.as_array()[0].as_array()[0].as_str().to_owned();
    server.cli(&["XDEL", &trail("b"), &first]).await;
    let report = texts.verify().await.unwrap();
    assert_eq!((report.unaudited, report.is_clean()), (2, false));
    let expected =
        ["a", "b"].map(|id| format!("{id}: its audit trail has no entry of its creation"));
    assert_eq!(reasons(&report), expected);
}
