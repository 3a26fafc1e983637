//! Create, read, update, delete, list, count and history.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use metastore::{Collection, ErrorKind, Store};
use metastore_tests::wait;

use crate::fixture::{SOON, Session, Text, session, start, start_with, text};

#[tokio::test]
async fn a_document_goes_through_its_versions_and_each_stays_readable() {
    let (_server, repo) = start().await;
    let first = repo.texts.create(text("one")).await.unwrap();
    assert_eq!((first.version, first.data.content.as_str()), (1, "one"));
    assert_eq!(first.created_at, first.updated_at);

    let second = repo.texts.update(&first, Text::patch().content("two")).await.unwrap();
    let third = repo.texts.update(&first.id, Text::patch().language("en")).await.unwrap();
    let fourth = repo.texts.update(&first.id, Text::patch().language(None)).await.unwrap();
    let fifth = repo.texts.modify(&first.id, |text| text.content.push('!')).await.unwrap();
    let sixth = repo.texts.replace(&first.id, text("six")).await.unwrap();
    assert_eq!(
        [&second, &third, &fourth, &fifth, &sixth].map(|item| item.version),
        [2, 3, 4, 5, 6]
    );
    assert_eq!(third.data.language.as_deref(), Some("en"));
    assert_eq!(fourth.data.language, None);
    assert_eq!(fifth.data.content, "two!");

    for (version, content) in [(1, "one"), (2, "two"), (3, "two"), (5, "two!"), (6, "six")] {
        let item = repo.texts.get_version(&first.id, version).await.unwrap().unwrap();
        assert_eq!((item.version, item.data.content.as_str()), (version, content));
        assert_eq!(item.created_at, first.created_at);
    }
    assert!(repo.texts.get_version(&first.id, 7).await.unwrap().is_none());
    assert!(repo.texts.get_version(&first.id, 0).await.unwrap().is_none());
    assert_eq!(repo.texts.get(&first.id).await.unwrap().unwrap().data.content, "six");

    let versions = repo.texts.versions(&first.id).await.unwrap();
    assert_eq!(versions.iter().map(|v| v.version).collect::<Vec<_>>(), [6, 5, 4, 3, 2, 1]);
    assert_eq!(versions[5].commit, first.commit);
    let page = repo.texts.versions(&first.id).before(5).limit(2).await.unwrap();
    assert_eq!(page.iter().map(|v| v.version).collect::<Vec<_>>(), [4, 3]);
}

#[tokio::test]
async fn versions_are_listed_without_reading_documents() {
    let (server, repo) = start().await;
    let item = repo.texts.create(text(&"x".repeat(100_000))).await.unwrap();
    for n in 0..20 {
        repo.texts.update(&item.id, Text::patch().name(format!("name {n}"))).await.unwrap();
    }
    let before: u64 = server.info_field("total_net_output_bytes").await.parse().unwrap();
    assert_eq!(repo.texts.versions(&item.id).await.unwrap().len(), 21);
    let after: u64 = server.info_field("total_net_output_bytes").await.parse().unwrap();
    assert!(after - before < 45_000, "{} bytes for 21 versions of 100 kB", after - before);
}

#[tokio::test]
async fn a_write_that_changes_nothing_stores_nothing_and_says_so() {
    let (server, repo) = start().await;
    let item = repo.texts.create(text("same")).await.unwrap();
    let keys = server.keys().await;
    for unchanged in [
        repo.texts.update(&item, Text::patch()).await.unwrap(),
        repo.texts.update(&item.id, Text::patch().content("same")).await.unwrap(),
        repo.texts.replace(&item.id, text("same")).await.unwrap(),
        repo.texts.modify(&item, |_| {}).await.unwrap(),
    ] {
        assert!(unchanged.unchanged);
        assert_eq!((unchanged.version, &unchanged.commit), (1, &item.commit));
    }
    assert_eq!(server.keys().await, keys);
    let changed = repo.texts.update(&item, Text::patch().content("other")).await.unwrap();
    assert!(!changed.unchanged);
    // A stale item in hand is a conflict, even if its patch would change nothing.
    let error = repo.texts.update(&item, Text::patch()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict { expected: 1, actual: 2 }), "{error}");
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_that_changes_nothing() {
    let (server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    repo.texts.update(&item, Text::patch().content("two")).await.unwrap();
    let latest = format!("myapp:textsplitter:texts:{}:latest", item.id);
    let (before, keys) = (server.get_string(&latest).await, server.keys().await);

    let stale = Text::patch().content("stale");
    for error in [
        repo.texts.update_at(&item.id, 1, stale.clone()).await.unwrap_err(),
        repo.texts.update(&item, stale.clone()).await.unwrap_err(),
        repo.texts.replace(&item, text("stale")).await.unwrap_err(),
    ] {
        assert!(error.is_conflict());
        assert!(matches!(error.kind(), ErrorKind::Conflict { expected: 1, actual: 2 }), "{error}");
        assert_eq!(error.key(), Some(latest.as_str()));
    }
    assert_eq!((server.get_string(&latest).await, server.keys().await), (before, keys));
    let third = repo.texts.update_at(&item.id, 2, Text::patch().content("three")).await.unwrap();
    assert_eq!(third.version, 3);
}

#[tokio::test]
async fn an_item_in_hand_does_not_pass_for_another_one_with_its_id() {
    let (_server, repo) = start().await;
    let old = repo.texts.create_with_id("abc123", text("old")).await.unwrap();
    assert!(repo.texts.delete("abc123").await.unwrap());
    let error = repo.texts.update(&old, Text::patch().content("new")).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    repo.texts.create_with_id("abc123", text("another")).await.unwrap();
    let error = repo.texts.update(&old, Text::patch().content("new")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict { expected: 1, actual: 1 }), "{error}");
    assert_eq!(repo.texts.get("abc123").await.unwrap().unwrap().data.content, "another");
}

#[tokio::test]
async fn an_id_is_taken_once() {
    let (_server, repo) = start().await;
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    let error = repo.texts.create_with_id("abc123", text("two")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::AlreadyExists { .. }), "{error}");
    assert!(error.is_conflict());
    assert_eq!(repo.texts.get("abc123").await.unwrap().unwrap().data.content, "one");
}

#[tokio::test]
async fn a_missing_item_is_none_for_reads_and_not_found_for_writes() {
    let (server, repo) = start().await;
    assert!(repo.texts.get("nobody").await.unwrap().is_none());
    assert!(repo.texts.get_version("nobody", 1).await.unwrap().is_none());
    assert!(!repo.texts.exists("nobody").await.unwrap());
    assert!(!repo.texts.delete("nobody").await.unwrap());
    assert!(repo.texts.versions("nobody").await.unwrap().is_empty());
    assert!(repo.texts.update("nobody", Text::patch()).await.unwrap_err().is_not_found());
    assert!(repo.texts.update_at("nobody", 1, Text::patch()).await.unwrap_err().is_not_found());
    assert!(repo.texts.modify("nobody", |_| {}).await.unwrap_err().is_not_found());
    // The ids of the refused deletions stay for two minutes, so that none is applied later.
    assert_eq!(server.keys().await, ["idx:myapp:textsplitter:texts:commits"]);
}

#[tokio::test]
async fn a_deletion_leaves_nothing_but_commit_ids_that_expire() {
    let (server, repo) = start().await;
    let item = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    for n in 0..5 {
        repo.texts.update(&item.id, Text::patch().content(format!("{n}"))).await.unwrap();
    }
    repo.texts.item(&item.id).wordcount().materialize().await.unwrap();
    repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    assert!(repo.texts.exists("abc123").await.unwrap());
    assert!(repo.texts.delete(&item.id).await.unwrap());
    assert!(!repo.texts.exists("abc123").await.unwrap());

    let commits = "idx:myapp:textsplitter:texts:commits";
    // The next worker skips the place in the queue; see `workers`.
    let of_queue = |part: &str| format!("queue:myapp:textsplitter:texts:summarize:{part}");
    let left = [commits.to_owned(), of_queue("control"), of_queue("jobs"), of_queue("waiting")];
    assert_eq!(server.keys().await, left);
    assert!(server.cli(&["PTTL", commits]).await.as_int() > 0);
    assert_eq!(repo.texts.count().await.unwrap(), 0);
}

#[tokio::test]
async fn lists_are_ordered_by_creation_and_paged_both_ways() {
    let (_server, repo) = start().await;
    for n in 0..7 {
        repo.texts.create(text(&n.to_string())).await.unwrap();
    }
    let contents = |items: metastore::Items<Text>| -> Vec<String> {
        items.iter().map(|item| item.data.content.clone()).collect()
    };
    assert_eq!(repo.texts.count().await.unwrap(), 7);
    assert_eq!(contents(repo.texts.list().limit(3).await.unwrap()), ["6", "5", "4"]);
    assert_eq!(contents(repo.texts.list().offset(5).limit(5).await.unwrap()), ["1", "0"]);
    let oldest = repo.texts.list().oldest_first().offset(1).limit(2).await.unwrap();
    assert_eq!(contents(oldest), ["1", "2"]);
    assert_eq!(repo.texts.list().await.unwrap().len(), 7);
    assert!(repo.texts.list().offset(7).await.unwrap().is_empty());
    for limit in [0, 1_001] {
        let error = repo.texts.list().limit(limit).await.unwrap_err();
        assert!(error.to_string().contains("from 1 to 1000"), "{error}");
    }
}

#[tokio::test]
async fn ids_that_look_like_pub_sub_words_do_not_confuse_the_client() {
    let (_server, repo) = start().await;
    for id in ["message", "subscribe", "unsubscribe", "pmessage"] {
        repo.texts.create_with_id(id, text(id)).await.unwrap();
    }
    for limit in 1..=4 {
        assert_eq!(repo.texts.list().limit(limit).await.unwrap().len(), limit);
        assert_eq!(repo.texts.list().oldest_first().limit(limit).await.unwrap().len(), limit);
    }
    for id in ["message", "subscribe"] {
        assert_eq!(repo.texts.get(id).await.unwrap().unwrap().data.content, id);
    }
}

#[tokio::test]
async fn an_item_with_a_time_to_live_ends_everywhere_at_its_deadline() {
    let (server, repo) = start().await;
    let item = repo.sessions.create(session("ada")).await.unwrap();
    let latest = format!("myapp:login:sessions:{}:latest", item.id);
    repo.sessions.item(&item.id).length().materialize().await.unwrap();
    let second = repo.sessions.update(&item, Session::patch().user("eve")).await.unwrap();
    for key in server.keys().await {
        if key.starts_with("myapp:") {
            let left = server.cli(&["PTTL", key.as_str()]).await.as_int();
            assert!((1..=1000).contains(&left), "{key} has {left} ms left");
        }
    }
    assert_eq!(repo.sessions.count().await.unwrap(), 1);
    wait::until("the item to expire", SOON, async || server.get_string(&latest).await.is_none())
        .await;
    assert!(repo.sessions.get(&item.id).await.unwrap().is_none());
    assert!(repo.sessions.get_version(&item.id, 1).await.unwrap().is_none());
    assert_eq!(repo.sessions.count().await.unwrap(), 0);
    assert!(repo.sessions.list().await.unwrap().is_empty());
    // A check of its version does not restore it.
    let error = repo.sessions.update(&second, Session::patch().user("x")).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    // The list has evicted it from the indexes.
    assert_eq!(server.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_update_resets_the_deadline_and_a_foreign_one_is_kept() {
    let (server, repo) = start().await;
    let item = repo.sessions.create(session("ada")).await.unwrap();
    let latest = format!("myapp:login:sessions:{}:latest", item.id);
    server.cli(&["PEXPIRE", latest.as_str(), "400"]).await;
    repo.sessions.update(&item.id, Session::patch().user("eve")).await.unwrap();
    assert!(server.cli(&["PTTL", latest.as_str()]).await.as_int() > 400);

    let text = repo.texts.create(text("one")).await.unwrap();
    let latest = format!("myapp:textsplitter:texts:{}:latest", text.id);
    assert_eq!(server.cli(&["PTTL", latest.as_str()]).await.as_int(), -1);
    server.cli(&["PEXPIRE", latest.as_str(), "60000"]).await;
    repo.texts.update(&text, Text::patch().content("two")).await.unwrap();
    assert!(server.cli(&["PTTL", latest.as_str()]).await.as_int() > 50_000);
}

#[tokio::test]
async fn a_list_repairs_what_was_removed_behind_its_back() {
    let (server, repo) = start().await;
    for n in 0..5 {
        repo.texts.create_with_id(format!("id{n}"), text(&n.to_string())).await.unwrap();
    }
    for gone in ["id1", "id3"] {
        let key = format!("myapp:textsplitter:texts:{gone}:latest");
        server.cli(&["DEL", key.as_str()]).await;
    }
    let listed = repo.texts.list().oldest_first().limit(3).await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["id0", "id2", "id4"]);
    assert_eq!(repo.texts.count().await.unwrap(), 3);
}

#[tokio::test]
async fn the_stored_json_can_be_read_by_any_tool() {
    let (server, repo) = start_with(Store::options().actor("u42")).await;
    let item = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    repo.texts.update(&item, Text::patch().content("two")).await.unwrap();
    let stored = server.get_string("myapp:textsplitter:texts:abc123:latest").await.unwrap();
    assert!(stored.starts_with("{\"version\":2,\"id\":\"abc123\",\"commit\":\""), "{stored}");
    let json: serde_json::Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(json["actor"], "u42");
    assert_eq!(json["schema"], 1);
    assert_eq!(json["data"]["content"], "two");
    assert!(json["updated"].as_u64() >= json["created"].as_u64());
    let versions = repo.texts.versions("abc123").await.unwrap();
    assert_eq!(versions[0].actor.as_ref().map(metastore::Actor::as_str), Some("u42"));
}

#[tokio::test]
async fn domain_and_app_can_be_overridden_for_each_tenant() {
    let (server, repo) = start_with(Store::options().domain("tenant1").app("other")).await;
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    assert_eq!(
        server.keys().await,
        [
            "idx:tenant1:other:texts",
            "idx:tenant1:other:texts:by:language",
            "idx:tenant1:other:texts:entries",
            "tenant1:other:texts:abc123:latest",
        ]
    );
    for bad in ["idx", "a:b", ""] {
        let refused = Store::options().domain(bad).connect(server.url()).await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::InvalidName(_)), "{refused}");
    }
}

#[tokio::test]
async fn a_store_reconnects_after_its_server_was_restarted() {
    let (server, repo) = start().await;
    server.restart().await;
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        match repo.texts.create(text("after")).await {
            Ok(_) => break,
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                assert!(tokio::time::Instant::now() < deadline, "{error}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

#[tokio::test]
async fn a_change_keeps_the_fields_that_its_struct_does_not_know() {
    let (server, repo) = start().await;
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    let key = "myapp:textsplitter:texts:abc123:latest";
    let stored = server.get_string(key).await.unwrap();
    let newer = stored.replace("\"data\":{", "\"data\":{\"added later\":[1.50,{\"x\":null}],");
    assert_ne!(stored, newer);
    server.cli(&["SET", key, newer.as_str()]).await;
    let data = async || {
        let json: serde_json::Value =
            serde_json::from_str(&server.get_string(key).await.unwrap()).unwrap();
        json["data"]["added later"].clone()
    };
    let item = repo.texts.get("abc123").await.unwrap().unwrap();
    let item = repo.texts.update(&item, Text::patch().content("two")).await.unwrap();
    let item = repo.texts.modify(&item, |text| text.content.push('!')).await.unwrap();
    repo.texts.update("abc123", Text::patch().language("en")).await.unwrap();
    repo.texts.update_at("abc123", 4, Text::patch().name("other")).await.unwrap();
    assert_eq!(data().await, serde_json::json!([1.5, {"x": null}]));
    assert!(repo.texts.update("abc123", Text::patch().name("other")).await.unwrap().unchanged);
    // `replace` drops unknown fields.
    let replaced = repo.texts.replace("abc123", text("two!")).await.unwrap();
    assert!(replaced.version > item.version);
    assert!(data().await.is_null());
}

#[tokio::test]
async fn a_dropped_store_closes_its_connections() {
    let (server, repo) = start().await;
    let clients =
        async || -> u64 { server.info_field("connected_clients").await.parse().expect("a number") };
    let own = clients().await;
    let other = Store::connect(server.url()).await.unwrap();
    let texts = other.repo::<Text>();
    let item = texts.create(text("one")).await.unwrap();
    let job = texts.item(&item.id).summarize().enqueue().await.unwrap();
    // Waiting opens the second connection, the one for subscriptions.
    job.wait(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(clients().await, own + 2);
    drop((other, texts, job));
    wait::until("the connections to close", SOON, async || clients().await == own).await;
    assert!(repo.texts.get(&item.id).await.unwrap().is_some());
}

/// How often a [`Counted`] was serialized.
static SERIALIZED: AtomicU32 = AtomicU32::new(0);

#[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
#[collection(domain = "suite", app = "documents", name = "counted", object_type = texts)]
struct Counted {
    #[serde(serialize_with = "count")]
    text: String,
}

fn count<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    SERIALIZED.fetch_add(1, Ordering::Relaxed);
    serializer.serialize_str(text)
}

#[tokio::test]
async fn each_version_of_an_item_in_hand_is_serialized_once() {
    let server = metastore_tests::Server::start().await;
    let repo = Store::connect(server.url()).await.unwrap().repo::<Counted>();
    let serialized = || SERIALIZED.swap(0, Ordering::Relaxed);
    let created = repo.create(Counted { text: "one".into() }).await.unwrap();
    assert_eq!(serialized(), 1, "by a create");
    let mut item = repo.update(&created, Counted::patch().text("two")).await.unwrap();
    serialized();
    for n in 0..3 {
        item = repo.update(&item, Counted::patch().text(format!("text {n}"))).await.unwrap();
        assert_eq!(serialized(), 1, "by an update of an item that an update has returned");
    }
    let unchanged = repo.update(&item, Counted::patch().text("text 2")).await.unwrap();
    assert!(unchanged.unchanged);
    assert_eq!((serialized(), unchanged.version), (1, 5));
    let item = repo.update(&unchanged, Counted::patch().text("last")).await.unwrap();
    assert_eq!((serialized(), item.version), (1, 6));
}
