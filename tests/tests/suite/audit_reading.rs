//! Reading the audit: by item, operation, actor and time, page by page, and as a feed.

use std::collections::BTreeMap;
use std::time::Duration;

use metastore::{Audit, AuditOperation, AuditPosition, Collection, ErrorKind, Store, Timestamp};
use metastore_tests::wait;
use tokio::task::JoinSet;

use crate::audit::{FEED, all_said, audited, in_the_name_of};
use crate::fixture::{Counter, SOON, Text, start, start_with, text};

#[tokio::test]
async fn entries_are_found_by_operation_actor_and_time() {
    let (server, ada) = audited().await;
    let bob = in_the_name_of(&server, "bob@example.com").await;
    ada.texts.create_with_id("a", text("0")).await.unwrap();
    ada.texts.create_with_id("b", text("0")).await.unwrap();
    for n in 1..=3 {
        ada.texts.update("a", Text::patch().content(format!("{n}"))).await.unwrap();
        bob.texts.update("a", Text::patch().content(format!("{n}!"))).await.unwrap();
        bob.texts.update("b", Text::patch().content(format!("{n}"))).await.unwrap();
    }
    bob.texts.item("a").wordcount().materialize().await.unwrap();
    bob.texts.delete("b").await.unwrap();
    let texts = &ada.texts;

    let count = async |audit: Audit<'_>| audit.await.unwrap().entries.len();
    assert_eq!(count(texts.audit("a")).await, 8);
    assert_eq!(count(texts.audit("a").operation("update")).await, 6);
    assert_eq!(count(texts.audit("a").operation(AuditOperation::Create)).await, 1);
    assert_eq!(count(texts.audit("a").actor("bob@example.com")).await, 4);
    assert_eq!(count(texts.audit("a").operation("update").actor("u42")).await, 3);
    assert_eq!(count(texts.audit("a").operation("delete")).await, 0);
    assert_eq!(count(texts.audit_feed()).await, 13);
    assert_eq!(count(texts.audit_feed().actor("u42")).await, 5);
    assert_eq!(count(texts.audit_feed().operation("update").limit(4)).await, 4);
    assert_eq!(count(texts.audit_feed().operation("unheard of")).await, 0);
    assert_eq!(count(texts.audit_feed().actor("nobody")).await, 0);

    // `since` is inclusive, `until` exclusive.
    let all = texts.audit_feed().await.unwrap().entries;
    let (second, middle) = (all[1].at, all[6].at);
    let expected = |from: Timestamp, to: Timestamp| {
        all.iter().filter(|entry| from <= entry.at && entry.at < to).count()
    };
    for newest_first in [true, false] {
        let feed = || match newest_first {
            true => texts.audit_feed().newest_first(),
            false => texts.audit_feed(),
        };
        let end = texts.store().now().plus(Duration::from_secs(3600));
        assert_eq!(count(feed().since(middle)).await, expected(middle, end));
        assert_eq!(count(feed().until(middle)).await, all.len() - expected(middle, end));
        assert_eq!(count(feed().since(second).until(middle)).await, expected(second, middle));
        assert_eq!(count(feed().since(middle).until(second)).await, 0);
        assert_eq!(count(feed().since(end)).await, 0);
        assert_eq!(count(feed().until(Timestamp::from_millis(0))).await, 0);
        let bobs = all.iter().filter(|e| e.at >= middle && e.actor != all[0].actor).count();
        assert_eq!(count(feed().since(middle).actor("bob@example.com")).await, bobs);
    }
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended_in_either_order() {
    let (_server, repo) = audited().await;
    for n in 0..25 {
        let id = if n % 2 == 0 { "even" } else { "odd" };
        repo.counters.create_with_id(id, Counter { count: n }).await.ok();
        repo.counters.modify(id, |counter| counter.count += 100).await.unwrap();
    }
    let all = repo.counters.audit_feed().limit(1_000).await.unwrap();
    assert_eq!((all.entries.len(), all.more), (27, false));
    for newest_first in [false, true] {
        let mut expected = all.entries.clone();
        if newest_first {
            expected.reverse();
        }
        for limit in [1, 5, 26, 27] {
            for filter in [None, Some("update")] {
                let mut expected = expected.clone();
                expected.retain(|entry| filter.is_none_or(|name| entry.operation.as_str() == name));
                let (mut found, mut position) = (Vec::new(), None);
                loop {
                    let mut audit = repo.counters.audit_feed().after(position).limit(limit);
                    if newest_first {
                        audit = audit.newest_first();
                    }
                    if let Some(operation) = filter {
                        audit = audit.operation(operation);
                    }
                    let page = audit.await.unwrap();
                    assert!(page.entries.len() <= limit && !page.gap);
                    found.extend(page.entries);
                    // As stored between two runs of a program.
                    let kept = page.position.unwrap().to_string();
                    position = Some(kept.parse::<AuditPosition>().unwrap());
                    if !page.more {
                        break;
                    }
                }
                assert_eq!(found, expected, "limit {limit}, filter {filter:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_reader_that_continues_misses_nothing_while_writers_write() {
    let (server, repo) = audited().await;
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let repo = in_the_name_of(&server, &format!("w{writer}")).await;
        writers.spawn(async move {
            let mut commits = Vec::new();
            for n in 0..30 {
                let item = repo.texts.create(text(&n.to_string())).await.unwrap();
                commits.push(item.commit.clone());
                let item = repo.texts.update(&item, Text::patch().content("x")).await.unwrap();
                commits.push(item.commit.clone());
            }
            commits
        });
    }
    let mut position: Option<AuditPosition> = None;
    let mut told = BTreeMap::<String, Vec<String>>::new();
    let mut read = 0;
    wait::until("all entries", SOON, async || {
        let page = repo.texts.audit_feed().after(position).limit(7).await.unwrap();
        assert!(!page.gap);
        assert!(page.entries.iter().all(|entry| Some(entry.position) > position));
        for entry in page.entries {
            read += 1;
            told.entry(entry.actor.unwrap().to_string()).or_default().push(entry.commit);
        }
        position = page.position;
        read == 8 * 30 * 2
    })
    .await;
    // Each writer's entries come in the order of its writes.
    let mut written = writers.join_all().await;
    let mut told: Vec<Vec<String>> = told.into_values().collect();
    written.sort();
    told.sort();
    assert_eq!(told, written);
    let page = repo.texts.audit_feed().after(position).await.unwrap();
    assert_eq!((page.entries.len(), page.position, page.more), (0, position, false));
}

#[tokio::test]
async fn a_search_without_results_ends_in_time_and_can_be_continued() {
    let (_server, repo) = audited().await;
    for _ in 0..11 {
        let mut tasks = JoinSet::new();
        for n in 0..1_000 {
            let counters = repo.counters.clone();
            tasks.spawn(async move { counters.create(Counter { count: n }).await.unwrap() });
        }
        tasks.join_all().await;
    }
    repo.counters.create_with_id("a", Counter { count: 0 }).await.unwrap();
    repo.counters.delete("a").await.unwrap();
    let search = || repo.counters.audit_feed().operation("delete").limit(1);
    let page = search().await.unwrap();
    assert_eq!((page.entries.len(), page.more), (0, true));
    let page = search().after(page.position).await.unwrap();
    assert_eq!(all_said(&page), ["delete 1"]);
    assert!(!page.more);
    // From the other end it is found at once.
    assert_eq!(all_said(&search().newest_first().await.unwrap()), ["delete 1"]);
}

#[tokio::test]
async fn trails_and_feeds_have_bounded_lengths_and_report_gaps() {
    let options = Store::options().audit(true).audit_trail_length(20).audit_feed_length(300);
    let (server, repo) = start_with(options).await;
    let mut item = repo.counters.create_with_id("a", Counter { count: 0 }).await.unwrap();
    let behind = repo.counters.audit_feed().await.unwrap().position;
    let trail_behind = repo.counters.audit("a").oldest_first().await.unwrap().position;
    let mut in_step = behind;
    for n in 1..=1_000 {
        item = repo.counters.replace(&item, Counter { count: n }).await.unwrap();
        if n % 100 == 0 {
            let page = repo.counters.audit_feed().after(in_step).limit(1_000).await.unwrap();
            assert_eq!((page.entries.len(), page.gap, page.more), (100, false, false));
            in_step = page.position;
        }
    }
    let length = async |key: &str| server.cli(&["XLEN", key]).await.as_int();
    let feed = length("stream:audit:myapp:counting:counters").await;
    let trail = length("stream:audit:myapp:counting:counters:a").await;
    assert!((300..=400).contains(&feed) && (20..=120).contains(&trail), "{feed}, {trail}");

    let page = repo.counters.audit_feed().after(behind).limit(1_000).await.unwrap();
    assert!(page.gap && page.entries.len() as i64 == feed);
    let page = repo.counters.audit("a").oldest_first().after(trail_behind).await.unwrap();
    assert!(page.gap);
    let newest = repo.counters.audit("a").limit(1).await.unwrap();
    assert_eq!(all_said(&newest), ["update 1001 from 1000 changed count"]);
    // Continuing after a feed was removed reports a gap as well.
    server.cli(&["FLUSHALL"]).await;
    let page = repo.counters.audit_feed().after(in_step).await.unwrap();
    assert!(page.gap && page.entries.is_empty() && page.position == in_step);
}

#[tokio::test]
async fn foreign_entries_of_a_stream_are_reported_with_their_position() {
    let (server, repo) = audited().await;
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    let trail = format!("{FEED}:abc123");
    let foreign: [&[&str]; 7] = [
        &["what", "ever"],
        &["op", "update"],
        &["op", "update", "commit", "c", "version", "two"],
        &["op", "update", "commit", "c", "version", "-1"],
        &["op", "update", "commit", "c", "actor", ""],
        &["op", "update", "commit", "c", "changed", "{}"],
        &["op", "update", "commit", "c", "changed", "[1,2]"],
    ];
    let mut position = repo.texts.audit("abc123").await.unwrap().position;
    for fields in foreign {
        let added = server.cli(&[&["XADD", &trail, "*"], fields].concat()).await;
        let page = repo.texts.audit("abc123").limit(1).await.unwrap();
        assert_eq!(all_said(&page), ["create 1"], "{fields:?}");
        assert_eq!(page.unreadable[0].to_string(), added.as_str());
        // Reading can continue after it.
        position = Some(added.as_str().parse().unwrap());
    }
    repo.texts.update("abc123", Text::patch().content("two")).await.unwrap();
    let page = repo.texts.audit("abc123").oldest_first().after(position).await.unwrap();
    assert_eq!(all_said(&page), ["update 2 from 1 changed content"]);
    let binary: [&[u8]; 7] = [b"XADD", FEED.as_bytes(), b"*", b"op", b"\xff", b"commit", b"c"];
    server.cli(&binary).await;
    assert_eq!(repo.texts.audit_feed().await.unwrap().unreadable.len(), 1);
    // An operation of another version is not an error.
    server.cli(&["DEL", FEED]).await;
    server.cli(&["XADD", FEED, "*", "op", "polish", "commit", "c", "id", "x", "new", "y"]).await;
    let page = repo.texts.audit_feed().operation("polish").await.unwrap();
    assert_eq!(page.entries[0].operation, AuditOperation::Other("polish".to_owned()));
    server.cli(&["XADD", FEED, "*", "op", "polish", "commit", "c", "id", "a:b"]).await;
    assert_eq!(repo.texts.audit_feed().await.unwrap().unreadable.len(), 1);
}

#[tokio::test]
async fn bad_questions_get_clear_answers() {
    let (server, repo) = audited().await;
    let told = async |audit: Audit<'_>| audit.await.unwrap_err();
    for limit in [0, 1_001, usize::MAX] {
        let error = told(repo.texts.audit_feed().limit(limit)).await;
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
    }
    assert!(matches!(told(repo.texts.audit("a:b")).await.kind(), ErrorKind::InvalidId(_)));
    let error = told(repo.texts.audit_feed().actor("")).await;
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
    for text in ["", "-", "0", "1-", "-1", "01-0", "1-00", "+1-0", "1-0-0", "x-y", "1-0 ", "$", "*"]
    {
        let error = text.parse::<AuditPosition>().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{text:?}: {error:?}");
    }
    // Positions from before and after all time, and of another stream.
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    let last = format!("{0}-{0}", u64::MAX).parse::<AuditPosition>().unwrap();
    for position in ["0-0".parse().unwrap(), last] {
        for newest_first in [true, false] {
            let audit = repo.texts.audit_feed().after(position);
            let audit = if newest_first { audit.newest_first() } else { audit };
            let page = audit.await.unwrap();
            assert!(page.gap && page.entries.len() <= 1);
        }
    }
    server.cli(&["SET", "stream:audit:myapp:counting:counters", "foreign"]).await;
    let error = told(repo.counters.audit_feed()).await;
    assert!(matches!(error.kind(), ErrorKind::WrongType(_)), "{error:?}");
    for options in [Store::options().audit_trail_length(0), Store::options().audit_feed_length(0)] {
        let error = options.connect(server.url()).await.unwrap_err();
        assert!(error.to_string().contains("must be at least 1"), "{error}");
    }
}

#[tokio::test]
async fn the_dynamic_api_returns_the_same_entries() {
    let (_server, repo) = audited().await;
    let item = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    repo.texts.update(&item, Text::patch().content("two")).await.unwrap();
    let dynamic = repo.dynamic();
    let trail = dynamic.audit("texts", "abc123").unwrap();
    assert_eq!(trail.await.unwrap(), repo.texts.audit("abc123").await.unwrap());
    let feed = dynamic.audit_feed("textsplitter/texts").unwrap().operation("update");
    let expected = repo.texts.audit_feed().operation("update").await.unwrap();
    assert_eq!(feed.await.unwrap(), expected);
    let error = dynamic.audit_feed("text").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnknownName { .. }), "{error:?}");
    let error = dynamic.audit("texts", "a:b").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidId(_)), "{error:?}");
}

#[tokio::test]
async fn a_page_can_be_shown_as_json() {
    let (_server, repo) = audited().await;
    let item = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    repo.texts.update(&item, Text::patch().content("two")).await.unwrap();
    let page = repo.texts.audit("abc123").limit(1).await.unwrap();
    let json = serde_json::to_value(&page).unwrap();
    let entry = &json["entries"][0];
    assert_eq!(
        (&entry["operation"], &entry["id"], &entry["version"], &entry["changed"]),
        (&"update".into(), &"abc123".into(), &2.into(), &serde_json::json!(["content"]))
    );
    assert_eq!(json["position"], page.position.unwrap().to_string());
    let position: AuditPosition = serde_json::from_value(json["position"].clone()).unwrap();
    assert_eq!(Some(position), page.position);
}

#[tokio::test]
async fn no_entry_exists_where_nothing_was_audited() {
    let (_server, repo) = start().await;
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    for page in [repo.texts.audit("abc123").await.unwrap(), repo.texts.audit_feed().await.unwrap()]
    {
        assert_eq!(
            (page.entries.len(), page.position, page.more, page.gap),
            (0, None, false, false)
        );
    }
}
