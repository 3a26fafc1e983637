//! Reverts.

use metastore::{Collection, ErrorKind, Item, Repo, Store};
use metastore_tests::{Cut, Proxy, wait};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinSet;
use validator::Validate;

use super::{AT, add_field, audited, data, versions};
use crate::fixture::{SOON, Session, Text, session, start, start_proxied, start_with, text};

/// A page that may not be empty any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Strict {
    #[validate(length(min = 5))]
    content: String,
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
