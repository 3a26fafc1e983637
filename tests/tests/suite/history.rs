//! History: versions, diff, revert, as-of.

use std::time::{Duration, UNIX_EPOCH};

use metastore::{Collection, Error, ErrorKind, Item, Repo, Store, Timestamp};
use metastore_tests::{Cut, Proxy, Server, wait};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use validator::Validate;

use crate::fixture::{SOON, Session, Text, session, start, start_proxied, start_with, text};

/// A page that may not be empty any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Strict {
    #[validate(length(min = 5))]
    content: String,
}

const AT: &str = "myapp:textsplitter:texts:abc123";

/// An item with these contents as its versions.
async fn versions(texts: &Repo<Text>, contents: &[&str]) -> Item<Text> {
    let mut item = texts.create_with_id("abc123", text(contents[0])).await.unwrap();
    for content in &contents[1..] {
        item = texts.update(&item, Text::patch().content(*content)).await.unwrap();
    }
    item
}

/// Stores versions from 1 on, each written at the given time, without the library.
async fn plant(server: &Server, written: &[u64]) {
    let mut line = server.connect().await.unwrap();
    for (number, time) in (1..).zip(written) {
        let key = if number == written.len() {
            format!("{AT}:latest")
        } else {
            format!("{AT}:version:{number}")
        };
        let created = written[0];
        let json = format!(
            r#"{{"version":{number},"id":"abc123","commit":"c{number}","schema":1,"created":{created},"updated":{time},"data":{{"name":"n","content":"{number}","language":null}}}}"#
        );
        line.call(&["SET".to_owned(), key, json]).await.unwrap();
    }
}

async fn add_field(server: &Server, key: &str, field: &str) {
    let stored = server.get_string(key).await.unwrap();
    let newer = format!("{},{field}}}}}", &stored[..stored.len() - 2]);
    server.cli(&["SET", key, newer.as_str()]).await;
}

async fn data(server: &Server) -> Value {
    let stored = server.get_string(&format!("{AT}:latest")).await.unwrap();
    serde_json::from_str::<Value>(&stored).unwrap()["data"].clone()
}

async fn audited(server: &Server) -> Vec<String> {
    let entries = server.cli(&["XRANGE", &format!("stream:audit:{AT}"), "-", "+"]).await;
    entries.as_array().iter().map(|entry| entry.as_array()[1].as_strings()[1].to_owned()).collect()
}

fn millis(time: u64) -> Timestamp {
    Timestamp::from_millis(time)
}

#[tokio::test]
async fn versions_state_their_time_actor_and_commit() {
    let (server, repo) = start_with(Store::options().actor("ada")).await;
    let first = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    let bob = Store::options().actor("bob").connect(server.url()).await.unwrap().repo::<Text>();
    let second = bob.update("abc123", Text::patch().content("two")).await.unwrap();
    let listed = repo.texts.versions("abc123").await.unwrap();
    let actors: Vec<_> = listed.iter().map(|v| v.actor.as_ref().unwrap().as_str()).collect();
    assert_eq!(actors, ["bob", "ada"]);
    assert_eq!([&listed[0].commit, &listed[1].commit], [&second.commit, &first.commit]);
    assert_eq!([listed[0].written_at, listed[1].written_at], [second.updated_at, first.updated_at]);
}

#[tokio::test]
async fn versions_of_an_earlier_item_with_the_id_are_not_taken_for_this_ones() {
    let (server, repo) = start().await;
    versions(&repo.texts, &["one", "two", "three"]).await;
    // Removed without the library, so that its versions remain.
    server.cli(&["DEL".to_owned(), format!("{AT}:latest")]).await;
    wait::until("the clock", SOON, async || {
        let item = repo.texts.create(text("tick")).await.unwrap();
        let old = server.get_string(&format!("{AT}:version:1")).await.unwrap();
        !old.contains(&format!("\"created\":{}", item.created_at.as_millis()))
    })
    .await;
    repo.texts.create_with_id("abc123", text("new")).await.unwrap();
    repo.texts.update("abc123", Text::patch().content("newer")).await.unwrap();
    assert!(repo.texts.get_version("abc123", 3).await.unwrap().is_none());
    assert_eq!(repo.texts.versions("abc123").await.unwrap().len(), 2);
    assert!(repo.texts.diff("abc123", 1, 3).await.unwrap_err().is_not_found());
    assert!(repo.texts.revert("abc123", 3).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_diff_is_a_json_patch_and_reads_well() {
    let (_server, repo) = start_with(Store::options().actor("ada")).await;
    let first = versions(&repo.texts, &["first line\nsecond\n"]).await;
    let patch = Text::patch().content("first line\n2nd\n").language("en");
    let second = repo.texts.update(&first, patch).await.unwrap();

    let diff = repo.texts.diff("abc123", 1, 2).await.unwrap();
    assert!(!diff.is_empty());
    let expected = json!([
        {"op": "replace", "path": "/content", "value": "first line\n2nd\n"},
        {"op": "replace", "path": "/language", "value": "en"},
    ]);
    assert_eq!(diff.patch(), expected);
    assert_eq!(json!(diff)["patch"], expected);
    let (from, to) = (first.updated_at, second.updated_at);
    assert_eq!(
        diff.to_string(),
        format!(
            "--- version 1, {from} by ada\n\
             +++ version 2, {to} by ada\n\
             ~ /content\n    first line\n  - second\n  + 2nd\n\
             ~ /language: null → \"en\"\n"
        )
    );
    let back = repo.texts.diff(&second, 2, 1).await.unwrap();
    assert_eq!((back.from.version, back.to.version), (2, 1));
    assert_eq!(back.patch()[1]["value"], Value::Null);
    assert!(repo.texts.diff("abc123", 2, 2).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_diff_sees_the_fields_that_the_struct_does_not_know() {
    let (server, repo) = start().await;
    versions(&repo.texts, &["one", "two"]).await;
    add_field(&server, &format!("{AT}:latest"), r#""added later":[1,{"x":null}]"#).await;
    let diff = repo.texts.diff("abc123", 1, 2).await.unwrap();
    let added = json!({"op": "add", "path": "/added later", "value": [1, {"x": null}]});
    assert!(diff.patch().value().as_array().unwrap().contains(&added), "{diff}");
    assert!(diff.to_string().contains("+ /added later: [1,{\"x\":null}]\n"), "{diff}");
}

#[tokio::test]
async fn a_diff_names_what_is_missing() {
    let (_server, repo) = start().await;
    let missing = |error: Error| {
        assert!(matches!(error.kind(), ErrorKind::NotFound), "{error}");
        error.key().unwrap().to_owned()
    };
    let diff = async |from, to| missing(repo.texts.diff("abc123", from, to).await.unwrap_err());
    assert_eq!(diff(1, 2).await, format!("{AT}:latest"));
    versions(&repo.texts, &["one", "two"]).await;
    assert_eq!(diff(1, 3).await, format!("{AT}:version:3"));
    assert_eq!(diff(0, 1).await, format!("{AT}:version:0"));
    assert_eq!(diff(7, 8).await, format!("{AT}:version:7"));
    let revert = missing(repo.texts.revert("abc123", 3).await.unwrap_err());
    assert_eq!(revert, format!("{AT}:version:3"));
    let revert = missing(repo.texts.revert("nobody", 1).await.unwrap_err());
    assert_eq!(revert, "myapp:textsplitter:texts:nobody:latest");
    for error in [
        repo.texts.diff("a:b", 1, 2).await.unwrap_err(),
        repo.texts.revert("a:b", 1).await.unwrap_err(),
        repo.texts.as_of("a:b", millis(1)).await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::InvalidId(_)), "{error}");
    }
}

#[tokio::test]
async fn a_revert_adds_a_version_and_never_rewrites_history() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let third = versions(&repo.texts, &["one", "two", "three"]).await;
    let before: Vec<_> = repo.texts.versions("abc123").await.unwrap();

    let fourth = repo.texts.revert("abc123", 1).await.unwrap();
    assert_eq!((fourth.version, fourth.data.content.as_str()), (4, "one"));
    assert_eq!((fourth.created_at, fourth.unchanged), (third.created_at, false));
    assert_eq!(repo.texts.versions("abc123").await.unwrap()[1..], before);
    // A revert is reverted like anything else.
    let fifth = repo.texts.revert(&fourth, 3).await.unwrap();
    assert_eq!((fifth.version, fifth.data.content.as_str()), (5, "three"));
    assert!(repo.texts.diff("abc123", 3, 5).await.unwrap().is_empty());
    assert_eq!(audited(&server).await, ["create", "update", "update", "revert", "revert"]);
}

#[tokio::test]
async fn reverting_a_stale_copy_is_a_conflict() {
    let (_server, repo) = start().await;
    let stale = versions(&repo.texts, &["one", "two"]).await;
    let current = repo.texts.update(&stale, Text::patch().content("three")).await.unwrap();
    for error in [
        repo.texts.revert(&stale, 1).await.unwrap_err(),
        repo.texts.replace(&stale, text("stale")).await.unwrap_err(),
        // To the version in hand, and to the one that is stored now.
        repo.texts.revert(&stale, 2).await.unwrap_err(),
        repo.texts.revert(&stale, 3).await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Conflict { expected: 2, actual: 3 }), "{error}");
    }
    let stored = repo.texts.get("abc123").await.unwrap().unwrap();
    assert_eq!((stored.version, &stored.commit), (3, &current.commit));
    let reverted = repo.texts.revert(&current, 2).await.unwrap();
    assert_eq!((reverted.version, reverted.data.content.as_str()), (4, "two"));
}

#[tokio::test]
async fn a_revert_to_the_present_content_stores_nothing_and_says_so() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let item = versions(&repo.texts, &["one", "two", "one"]).await;
    let keys = server.keys().await;
    for unchanged in [
        repo.texts.revert("abc123", 3).await.unwrap(),
        repo.texts.revert("abc123", 1).await.unwrap(),
        repo.texts.revert(&item, 1).await.unwrap(),
        repo.texts.revert(&item, 3).await.unwrap(),
    ] {
        assert!(unchanged.unchanged);
        assert_eq!((unchanged.version, &unchanged.commit), (3, &item.commit));
    }
    assert_eq!(server.keys().await, keys);
    assert_eq!(audited(&server).await.len(), 3);
}

#[tokio::test]
async fn a_revert_restores_the_fields_of_its_version_that_the_struct_does_not_know() {
    let (server, repo) = start().await;
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    add_field(&server, &format!("{AT}:latest"), r#""tag":1.50,"then":true"#).await;
    repo.texts.replace("abc123", text("two")).await.unwrap();
    add_field(&server, &format!("{AT}:latest"), r#""now":1"#).await;
    let item = repo.texts.revert("abc123", 1).await.unwrap();
    let expected =
        json!({"name": "a name", "content": "one", "language": null, "tag": 1.5, "then": true});
    assert_eq!(data(&server).await, expected);
    let stored = server.get_string(&format!("{AT}:latest")).await.unwrap();
    assert!(stored.contains("\"tag\":1.50"), "byte for byte: {stored}");
    // They are part of the item in hand as well.
    repo.texts.update(&item, Text::patch().content("three")).await.unwrap();
    assert_eq!(data(&server).await["then"], true);
    // Only the unknown fields may differ.
    assert!(!repo.texts.revert("abc123", 2).await.unwrap().unchanged);
}

#[tokio::test]
async fn a_revert_keeps_to_the_rules_that_hold_now() {
    let (server, repo) = start().await;
    versions(&repo.texts, &["one", "long enough"]).await;
    let strict = repo.texts.store().repo::<Strict>();
    let before = server.keys().await;
    let error = strict.revert("abc123", 1).await.unwrap_err();
    assert_eq!(error.operation(), "revert");
    assert_eq!(error.violations()[0].path, "content");
    assert_eq!(server.keys().await, before);
}

#[tokio::test]
async fn a_revert_of_a_deleted_item_is_not_found_and_does_not_restore_it() {
    let (_server, repo) = start().await;
    let item = versions(&repo.texts, &["one", "two"]).await;
    repo.texts.delete("abc123").await.unwrap();
    assert!(repo.texts.revert(&item, 1).await.unwrap_err().is_not_found());
    assert!(repo.texts.revert("abc123", 1).await.unwrap_err().is_not_found());
    assert!(!repo.texts.exists("abc123").await.unwrap());
    // Nor is it used for another item with its id.
    versions(&repo.texts, &["another", "one"]).await;
    let error = repo.texts.revert(&item, 1).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict { expected: 2, actual: 2 }), "{error}");
}

#[tokio::test]
async fn an_item_deleted_while_it_is_reverted_stays_deleted() {
    // The versions are read, and then the item is deleted before the write.
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    versions(&repo.texts, &["one", "two"]).await;
    let direct = Store::connect(server.url()).await.unwrap().repo::<Text>();
    let reverting = held_before_its_write(&proxy, &repo.texts).await;
    assert!(direct.delete("abc123").await.unwrap());
    proxy.refuse(false);
    assert!(reverting.await.unwrap().unwrap_err().is_not_found());
    assert!(!direct.exists("abc123").await.unwrap());
}

#[tokio::test]
async fn another_update_while_an_item_is_reverted_is_not_lost() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    versions(&repo.texts, &["one", "two"]).await;
    let direct = Store::connect(server.url()).await.unwrap().repo::<Text>();
    let reverting = held_before_its_write(&proxy, &repo.texts).await;
    direct.update("abc123", Text::patch().content("another's")).await.unwrap();
    proxy.refuse(false);
    let item = reverting.await.unwrap().unwrap();
    assert_eq!((item.version, item.data.content.as_str()), (4, "one"));
    let third = direct.get_version("abc123", 3).await.unwrap().unwrap();
    assert_eq!(third.data.content, "another's");
}

type Reverting = tokio::task::JoinHandle<metastore::Result<Item<Text>>>;

/// A revert from version 2 to version 1 that has read both, and whose write does not get through
/// until the proxy accepts connections again.
async fn held_before_its_write(proxy: &Proxy, texts: &Repo<Text>) -> Reverting {
    proxy.cut_when(b":version:3", Cut::RequestAt(0));
    let texts = texts.clone();
    let reverting = tokio::spawn(async move { texts.revert("abc123", 1).await });
    proxy.refuse(true);
    wait::until("the write", SOON, async || proxy.fired()).await;
    reverting
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_revert_and_update_at_once_each_leaves_its_version() {
    let (_server, repo) = start().await;
    versions(&repo.texts, &["one", "two"]).await;
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let texts = repo.texts.clone();
        tasks.spawn(async move {
            for round in 0..5 {
                let content = format!("{n} {round}");
                texts.modify("abc123", |text| text.content.clone_from(&content)).await.unwrap();
                texts.revert("abc123", 1 + u64::from(n % 2 == 0)).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let listed = repo.texts.versions("abc123").await.unwrap();
    let numbers: Vec<u64> = listed.iter().map(|version| version.version).collect();
    assert_eq!(numbers, (1..=listed.len() as u64).rev().collect::<Vec<_>>());
    for version in &numbers {
        let item = repo.texts.get_version("abc123", *version).await.unwrap().unwrap();
        assert!(item.data.content.len() <= 4 && !item.data.content.is_empty());
    }
}

#[tokio::test]
async fn a_revert_is_applied_once_whenever_the_connection_dies() {
    let (server, proxy, repo) = start_proxied(Store::options().audit(true)).await;
    let cuts = [
        Cut::RequestAt(0),
        Cut::RequestAt(1),
        Cut::RequestAt(40),
        Cut::ReplyAt(0),
        Cut::ReplyAt(1),
        Cut::ReplyAt(3),
    ];
    for cut in [Cut::ReplyAt(0)].into_iter().chain(cuts) {
        server.cli(&["FLUSHALL"]).await;
        versions(&repo.texts, &["one", "two"]).await;
        // The version key that only the write names.
        proxy.cut_when(b":version:3", cut);
        let before = proxy.cuts();
        let item = repo.texts.revert("abc123", 1).await.unwrap();
        assert_eq!(proxy.cuts(), before + 1, "{cut:?} did not happen");
        assert_eq!((item.version, item.data.content.as_str()), (3, "one"));
        let stored = repo.texts.get("abc123").await.unwrap().unwrap();
        assert_eq!((stored.version, &stored.commit), (3, &item.commit), "{cut:?}");
        assert_eq!(audited(&server).await, ["create", "update", "revert"], "{cut:?}");
    }
}

#[tokio::test]
async fn a_revert_renews_the_time_to_live_as_an_update_does() {
    let (server, repo) = start().await;
    let first = repo.sessions.create_with_id("s", session("ada")).await.unwrap();
    let second = repo.sessions.update(&first, Session::patch().user("eve")).await.unwrap();
    let latest = "myapp:login:sessions:s:latest";
    server.cli(&["PEXPIRE", latest, "500"]).await;
    let third = repo.sessions.revert(&second, 1).await.unwrap();
    assert_eq!((third.version, third.data.user.as_str()), (3, "ada"));
    assert!(server.cli(&["PTTL", latest]).await.as_int() > 500);
    wait::until("the item to expire", SOON, async || server.get_string(latest).await.is_none())
        .await;
    assert!(repo.sessions.revert(&third, 2).await.unwrap_err().is_not_found());
    assert!(repo.sessions.as_of("s", second.updated_at).await.unwrap().is_none());
    assert!(repo.sessions.diff("s", 1, 2).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn as_of_is_exact_at_the_moment_of_each_write() {
    let (server, repo) = start().await;
    // Version 3 and 4 were written in the same millisecond.
    plant(&server, &[1_000, 2_000, 3_000, 3_000, 5_000]).await;
    for (time, expected) in [
        (0, None),
        (999, None),
        (1_000, Some(1)),
        (1_001, Some(1)),
        (1_999, Some(1)),
        (2_000, Some(2)),
        (2_999, Some(2)),
        (3_000, Some(4)),
        (4_999, Some(4)),
        (5_000, Some(5)),
        (u64::MAX, Some(5)),
    ] {
        let item = repo.texts.as_of("abc123", millis(time)).await.unwrap();
        assert_eq!(item.as_ref().map(|item| item.version), expected, "at {time}");
        if let Some(item) = item {
            assert_eq!(item.data.content, item.version.to_string());
        }
    }
    let system = UNIX_EPOCH + Duration::from_micros(2_999_900);
    assert_eq!(repo.texts.as_of("abc123", system).await.unwrap().unwrap().version, 2);
    let parsed: Timestamp = "1970-01-01T01:00:03+01:00".parse().unwrap();
    assert_eq!(repo.texts.as_of("abc123", parsed).await.unwrap().unwrap().version, 4);
}

#[tokio::test]
async fn as_of_is_none_where_no_version_is_left() {
    let (server, repo) = start().await;
    assert!(repo.texts.as_of("abc123", millis(u64::MAX)).await.unwrap().is_none());
    plant(&server, &(1..=100).map(|n| n * 1_000).collect::<Vec<_>>()).await;
    for number in 1..=40 {
        server.cli(&["DEL".to_owned(), format!("{AT}:version:{number}")]).await;
    }
    for (time, expected) in [
        (999, None),
        (1_000, None),
        (40_999, None),
        (41_000, Some(41)),
        (41_999, Some(41)),
        (99_999, Some(99)),
        (100_000, Some(100)),
    ] {
        let item = repo.texts.as_of("abc123", millis(time)).await.unwrap();
        assert_eq!(item.map(|item| item.version), expected, "at {time}");
    }
    repo.texts.delete("abc123").await.unwrap();
    assert!(repo.texts.as_of("abc123", millis(50_000)).await.unwrap().is_none());
}

#[tokio::test]
async fn as_of_finds_each_version_of_a_real_history() {
    let (_server, repo) = start().await;
    let mut written: Vec<(u64, Timestamp)> = Vec::new();
    let mut item = repo.texts.create_with_id("abc123", text("1")).await.unwrap();
    for number in 2..=60 {
        written.push((item.version, item.updated_at));
        item = repo.texts.update(&item, Text::patch().content(number.to_string())).await.unwrap();
    }
    for (_, time) in &written {
        let expected = written.iter().rfind(|(_, other)| other == time).unwrap().0;
        let expected = if item.updated_at == *time { item.version } else { expected };
        let found = repo.texts.as_of("abc123", *time).await.unwrap().unwrap();
        assert_eq!(found.version, expected);
    }
}

#[tokio::test]
async fn as_of_makes_few_round_trips_however_long_the_history_is() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    proxy.delay_replies(Duration::from_millis(20));
    for (count, most) in [(1, 1), (2, 2), (3, 3), (17, 3), (18, 4), (257, 4), (258, 5), (4_097, 5)]
    {
        let written: Vec<u64> = (1..=count).map(|n| n * 10).collect();
        plant(&server, &written).await;
        let mut trips = Vec::new();
        for version in [1, count / 3, count / 2, count - 1, count].into_iter().filter(|v| *v > 0) {
            proxy.reset_counts();
            let item = repo.texts.as_of("abc123", millis(version * 10 + 5)).await.unwrap();
            assert_eq!(item.unwrap().version, version, "of {count}");
            trips.push(proxy.round_trips());
        }
        assert_eq!(trips.iter().max(), Some(&most), "{trips:?} for {count} versions");
        assert_eq!(trips.last(), Some(&1), "the current version of {count}");
        // No more than a binary search would make.
        assert!(most <= u64::from(count.next_power_of_two().ilog2()) + 1);
    }
}

#[tokio::test]
async fn diff_and_revert_make_the_documented_round_trips() {
    let (_server, proxy, repo) = start_proxied(Store::options().audit(true)).await;
    proxy.delay_replies(Duration::from_millis(20));
    let item = versions(&repo.texts, &["one", "two", "three"]).await;
    proxy.reset_counts();
    repo.texts.diff("abc123", 1, 3).await.unwrap();
    assert_eq!(proxy.round_trips(), 1);
    proxy.reset_counts();
    assert!(repo.texts.revert("abc123", 3).await.unwrap().unchanged);
    assert_eq!(proxy.round_trips(), 2);
    proxy.reset_counts();
    let item = repo.texts.revert(&item, 1).await.unwrap();
    assert_eq!(proxy.round_trips(), 2);
    proxy.reset_counts();
    repo.texts.revert(&item.id, 2).await.unwrap();
    assert_eq!(proxy.round_trips(), 2);
}
