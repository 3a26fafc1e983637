//! The entries of each operation.

use std::time::Duration;

use metastore::queue::Queue;
use metastore::{Actor, AuditOperation, Collection as _};
use metastore_tests::wait;
use tokio::task::JoinSet;

use super::{FEED, all_said, audited, one_job};
use crate::fixture::{Counter, SOON, Summary, Text, text};

#[tokio::test]
async fn each_operation_writes_one_entry_that_describes_it() {
    let (server, repo) = audited().await;
    let before = repo.texts.store().now();
    let texts = &repo.texts;
    let item = texts.create_with_id("abc123", text("one")).await.unwrap();
    let created = item.commit.clone();
    let item = texts.update(&item, Text::patch().content("two").language("en")).await.unwrap();
    let updated = item.commit.clone();
    texts.update_at("abc123", 2, Text::patch().name("b")).await.unwrap();
    texts.replace("abc123", text("three")).await.unwrap();
    texts.modify("abc123", |text| text.content.push('!')).await.unwrap();
    texts.revert("abc123", 2).await.unwrap();
    texts.item("abc123").wordcount().materialize().await.unwrap();

    let queue = Queue::new(texts, Text::SUMMARIZE);
    let summarize = || texts.item("abc123").summarize();
    let first = summarize().enqueue().await.unwrap();
    let claim = queue.take(&one_job()).await.unwrap().jobs.pop().unwrap().claim;
    queue.fail(&claim, "no luck", Some(Duration::ZERO)).await.unwrap();
    let claim = loop {
        if let Some(taken) = queue.take(&one_job()).await.unwrap().jobs.pop() {
            break taken.claim;
        }
    };
    queue.finish(&claim, &Summary { sentences: vec![] }).await.unwrap();
    let second = summarize().enqueue().await.unwrap();
    summarize().cancel().await.unwrap();
    summarize().retry().await.unwrap();
    texts.delete("abc123").await.unwrap();

    let expected = [
        "create 1",
        "update 2 from 1 changed content,language",
        "update 3 from 2 changed name",
        "update 4 from 3 changed content,language,name",
        "update 5 from 4 changed content",
        "revert 6 from 2 changed content,language",
        "materialize 6 wordcount",
        "enqueue 6 summarize",
        "fail 6 summarize no luck",
        "finish 6 summarize",
        "enqueue 6 summarize",
        // It has not run, so it has no version.
        "cancel summarize",
        "retry 6 summarize",
        "delete 6",
    ];
    let trail = texts.audit("abc123").oldest_first().await.unwrap();
    assert_eq!(all_said(&trail), expected);
    let feed = texts.audit_feed().await.unwrap();
    assert_eq!(all_said(&feed), expected);
    let newest = texts.audit("abc123").limit(2).await.unwrap();
    assert_eq!(all_said(&newest), ["delete 6", "retry 6 summarize"]);

    let now = texts.store().now().plus(Duration::from_secs(1));
    for entry in trail.entries.iter().chain(&feed.entries) {
        assert_eq!(entry.id.as_str(), "abc123");
        assert_eq!(entry.actor.as_ref().map(Actor::as_str), Some("u42"));
        assert!(before <= entry.at.plus(Duration::from_secs(1)) && entry.at <= now);
        assert_eq!((entry.commit.len(), entry.changed_others), (26, 0));
    }
    let commits: Vec<&str> = trail.entries.iter().map(|entry| &*entry.commit).collect();
    assert_eq!(commits[..2], [&created, &updated]);
    assert_eq!(commits[7..12], [first.id(), first.id(), first.id(), second.id(), second.id()]);
    assert!(!trail.more && !trail.gap && !feed.more && !feed.gap);
    // The item is deleted, and its trail remains.
    assert!(!repo.texts.exists("abc123").await.unwrap());
    assert_eq!(server.cli(&["XLEN", &format!("{FEED}:abc123")]).await.as_int(), 14);
}

#[tokio::test]
async fn creates_that_share_a_call_write_one_entry_each() {
    let (server, repo) = audited().await;
    let mut tasks = JoinSet::new();
    for n in 0..300u64 {
        let repo = repo.clone();
        tasks.spawn(async move {
            match n % 2 {
                0 => repo.texts.create(text("x")).await.unwrap().commit.clone(),
                _ => repo.counters.create(Counter { count: n }).await.unwrap().commit.clone(),
            }
        });
    }
    let mut created = tasks.join_all().await;
    created.sort();
    let texts = repo.texts.audit_feed().limit(1_000).await.unwrap();
    let counters = repo.counters.audit_feed().limit(1_000).await.unwrap();
    assert_eq!((texts.entries.len(), counters.entries.len()), (150, 150));
    let mut told = Vec::new();
    for entry in texts.entries.into_iter().chain(counters.entries) {
        assert_eq!((entry.operation, entry.version), (AuditOperation::Create, Some(1)));
        told.push(entry.commit);
    }
    told.sort();
    assert_eq!(told, created);
    // Without the copy a new stream takes more than 4 KiB.
    for key in server.keys().await.iter().filter(|key| key.starts_with("stream:") && key.len() > 60)
    {
        let bytes = server.cli(&["MEMORY", "USAGE", key.as_str()]).await.as_int();
        assert!(bytes < 1_024, "{key} takes {bytes} bytes");
    }
    assert!(!server.keys().await.iter().any(|key| key.starts_with("metastore:scratch")));
}

#[tokio::test]
async fn batches_write_one_entry_for_each_item() {
    let (_server, repo) = audited().await;
    let as_ada = repo.texts.as_user("ada").unwrap();
    let texts = (0..250).map(|n| text(&n.to_string()));
    let items = as_ada.create_many(texts).await;
    let items: Vec<_> = items.into_iter().map(Result::unwrap).collect();
    let patches = items.iter().map(|item| (item.id.clone(), Text::patch().content("new")));
    repo.texts.update_many(patches).await.into_iter().for_each(|updated| {
        updated.unwrap();
    });
    let ids = items.iter().map(|item| item.id.clone());
    repo.texts.delete_many(ids).await.into_iter().for_each(|deleted| {
        assert!(deleted.unwrap());
    });
    for item in &items {
        let trail = repo.texts.audit(&item.id).oldest_first().await.unwrap();
        let expected = ["create 1", "update 2 from 1 changed content", "delete 2"];
        assert_eq!(all_said(&trail), expected);
        let actors: Vec<_> =
            trail.entries.iter().map(|entry| entry.actor.as_ref().map(Actor::as_str)).collect();
        assert_eq!(actors, [Some("ada"), Some("u42"), Some("u42")]);
    }
    let feed = repo.texts.audit_feed().limit(1_000).await.unwrap();
    assert_eq!(feed.entries.len(), 750);
}

#[tokio::test]
async fn a_write_that_is_refused_or_changes_nothing_writes_no_entry() {
    let (server, repo) = audited().await;
    let texts = &repo.texts;
    let item = texts.create_with_id("abc123", text("one")).await.unwrap();
    let stale = item.clone();
    texts.update(&item, Text::patch().content("two")).await.unwrap();
    texts.item("abc123").summarize().enqueue().await.unwrap();
    let queue = Queue::new(texts, Text::SUMMARIZE);
    let claim = queue.take(&one_job()).await.unwrap().jobs.pop().unwrap().claim;
    texts.item("abc123").summarize().cancel().await.unwrap();
    let job = texts.item("abc123").count().enqueue().await.unwrap();
    let told = all_said(&texts.audit_feed().await.unwrap());
    assert_eq!(told.len(), 5);

    assert!(texts.create_with_id("abc123", text("again")).await.is_err());
    assert!(texts.create(Text { name: String::new(), ..text("x") }).await.is_err());
    assert!(texts.update("abc123", Text::patch().name("")).await.unwrap_err().is_validation());
    assert!(texts.update(&stale, Text::patch().content("x")).await.unwrap_err().is_conflict());
    assert!(texts.update("missing", Text::patch().content("x")).await.unwrap_err().is_not_found());
    assert!(texts.item(&stale).wordcount().materialize().await.is_ok());
    assert!(texts.item("missing").summarize().enqueue().await.unwrap_err().is_not_found());
    assert!(texts.modify("abc123", |_| {}).await.unwrap().unchanged);
    assert!(!texts.delete("missing").await.unwrap());
    assert!(!texts.item("abc123").summarize().cancel().await.unwrap());
    assert!(!queue.finish(&claim, &Summary { sentences: vec![] }).await.unwrap());
    assert!(!queue.fail(&claim, "late", None).await.unwrap());
    assert_eq!(texts.item("abc123").count().enqueue().await.unwrap().id(), job.id());
    server.cli(&["CONFIG", "SET", "maxmemory", "1mb"]).await;
    assert!(texts.create(text("full")).await.is_err());
    assert!(texts.create_with_id("full", text("full")).await.is_err());
    assert!(texts.update("abc123", Text::patch().content("full")).await.is_err());
    assert!(texts.item("abc123").wordcount().materialize().await.is_err());
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;

    // The result of version 1 was stored: an item in hand that is out of date is still a version.
    let expected: Vec<_> = told.into_iter().chain(["materialize 1 wordcount".to_owned()]).collect();
    assert_eq!(all_said(&texts.audit_feed().await.unwrap()), expected);
    let trail = texts.audit("abc123").oldest_first().await.unwrap();
    assert_eq!(all_said(&trail), expected);
    assert_eq!(texts.audit("missing").await.unwrap().entries, []);
    // An earlier version's result does not replace a later one's, so nothing is written.
    texts.item("abc123").wordcount().materialize().await.unwrap();
    texts.item(&stale).wordcount().materialize().await.unwrap();
    let trail = texts.audit("abc123").operation("materialize").await.unwrap();
    assert_eq!(all_said(&trail), ["materialize 2 wordcount", "materialize 1 wordcount"]);
}

#[tokio::test]
async fn a_job_that_dies_with_its_worker_is_audited() {
    let (_server, repo) = audited().await;
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    repo.texts.item("abc123").summarize().enqueue().await.unwrap();
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    let options = one_job().lease(Duration::from_millis(1)).max_crashes(2);
    wait::until("the job to die", SOON, async || {
        // First with others, then alone.
        for options in [options.clone(), options.clone().alone(true)] {
            for taken in queue.take(&options).await.unwrap().jobs {
                queue.renew(&[taken.claim], Duration::from_millis(1)).await.unwrap();
            }
        }
        queue.stats().await.unwrap().dead == 1
    })
    .await;
    let told = all_said(&repo.texts.audit("abc123").await.unwrap());
    assert!(told[0].starts_with("fail 1 summarize the worker stopped or froze"), "{told:?}");
    assert_eq!(told[1..], ["enqueue 1 summarize", "create 1"]);
    assert_eq!(all_said(&repo.texts.audit_feed().newest_first().await.unwrap()), told);
}
