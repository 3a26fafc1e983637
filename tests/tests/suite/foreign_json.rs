//! Documents that another tool has rewritten, with spaces and in another order: every operation
//! accepts them like `get` does.

use futures_util::TryStreamExt as _;
use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection as _, Store};
use metastore_tests::Server;
use serde_json::Value;

use crate::fixture::{Order, Session, Text, order, session, start_with, text};

/// Rewrites a document as `jq` and editors do: its keys sorted, so that `data` comes before
/// `version`, with spaces and line breaks.
async fn rewrite(server: &Server, key: &str) {
    let stored = server.get_string(key).await.expect("there is a document");
    let value: Value = serde_json::from_str(&stored).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    assert!(pretty.find("\"data\"").unwrap() < pretty.find("\"version\"").unwrap());
    server.cli(&["SET", key, &pretty, "KEEPTTL"]).await;
}

#[tokio::test]
async fn a_document_that_another_tool_has_rewritten_is_taken_by_every_operation() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let (texts, orders) = (&repo.texts, &repo.orders);
    let key = "myapp:textsplitter:texts:a:latest";
    // Longer than the bytes that are read for a header.
    texts.create_with_id("a", text(&"x ".repeat(2_000))).await.unwrap();
    let again = async || rewrite(&server, key).await;

    again().await;
    assert_eq!(texts.get("a").await.unwrap().unwrap().version, 1);
    assert_eq!(texts.list().await.unwrap().len(), 1);
    assert_eq!(texts.find(Text::LANGUAGE.is_none()).await.unwrap().len(), 1);
    assert_eq!(texts.list().stream().try_collect::<Vec<_>>().await.unwrap().len(), 1);
    assert_eq!(texts.get_many(["a"]).await.remove(0).unwrap().unwrap().version, 1);
    assert_eq!(texts.versions("a").await.unwrap().len(), 1);
    assert!(texts.verify().await.unwrap().is_clean());
    assert_eq!(texts.migrate().await.unwrap().failed, 0);
    assert_eq!(texts.stats().await.unwrap().sampled, 1);

    let item = texts.update("a", Text::patch().language("en")).await.unwrap();
    assert_eq!(item.version, 2);
    again().await;
    let item = texts.update(&item, Text::patch().language("fr")).await.unwrap();
    again().await;
    let item = texts.replace(&item, text("four")).await.unwrap();
    assert_eq!(item.version, 4);
    again().await;
    let versions = texts.versions("a").await.unwrap();
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [4, 3, 2, 1]);
    assert!(versions.iter().all(|version| version.written_at >= item.created_at));
    assert_eq!(
        texts.get_version("a", 3).await.unwrap().unwrap().data.language.as_deref(),
        Some("fr")
    );
    assert_eq!(texts.as_of("a", versions[1].written_at).await.unwrap().unwrap().version, 3);
    assert!(!texts.diff("a", 1, 4).await.unwrap().is_empty());
    assert_eq!(texts.revert("a", 2).await.unwrap().version, 5);
    again().await;

    texts.item("a").wordcount().materialize().await.unwrap();
    texts.item("a").summarize().enqueue().await.unwrap();
    let queue = Queue::new(texts, Text::SUMMARIZE);
    let taken = queue.take(&TakeOptions::new("w", 1)).await.unwrap().jobs.pop().unwrap();
    assert_eq!(taken.item.unwrap().version, 5);
    let error = texts.create_with_id("a", text("x")).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    texts.delete_at("a", 5).await.unwrap();
    let left = server.keys().await;
    let of_item = |key: &&String| key.starts_with("myapp:") && !key.ends_with(":deleted");
    assert_eq!(left.iter().filter(of_item).count(), 0, "{left:?}");

    // With indexes and a time to live.
    orders.create_with_id("o", Order { country: Some("fr".into()), ..order(1) }).await.unwrap();
    rewrite(&server, "shop:web:orders:o:latest").await;
    orders.update("o", Order::patch().country("de")).await.unwrap();
    assert_eq!(orders.find(Order::COUNTRY.eq("de")).await.unwrap().len(), 1);
    assert_eq!(orders.find(Order::COUNTRY.eq("fr")).await.unwrap().len(), 0);
    repo.sessions.create_with_id("s", session("u")).await.unwrap();
    rewrite(&server, "myapp:login:sessions:s:latest").await;
    repo.sessions.update("s", Session::patch().user("v")).await.unwrap();
    assert!(server.cli(&["PTTL", "myapp:login:sessions:s:latest"]).await.as_int() > 0);
}

#[tokio::test]
async fn a_missing_version_in_the_middle_hides_none_of_the_others() {
    let (server, repo) = start_with(Store::options()).await;
    let mut item = repo.texts.create_with_id("a", text("0")).await.unwrap();
    for number in 1..8 {
        item = repo.texts.update(&item, Text::patch().content(number.to_string())).await.unwrap();
    }
    server.cli(&["DEL", "myapp:textsplitter:texts:a:version:5"]).await;
    server.cli(&["SET", "myapp:textsplitter:texts:a:version:3", "garbage"]).await;
    server.cli(&["DEL", "myapp:textsplitter:texts:a:version:2"]).await;
    server.cli(&["RPUSH", "myapp:textsplitter:texts:a:version:2", "a list"]).await;
    let shown = async |limit| {
        let versions = repo.texts.versions("a").limit(limit).await.unwrap();
        versions.iter().map(|version| version.version).collect::<Vec<_>>()
    };
    assert_eq!(shown(u64::MAX).await, [8, 7, 6, 4, 1]);
    assert_eq!(shown(4).await, [8, 7, 6, 4]);
    assert_eq!(shown(5).await, [8, 7, 6, 4, 1]);
    assert_eq!(repo.texts.get_version("a", 4).await.unwrap().unwrap().data.content, "3");
    assert!(repo.texts.get_version("a", 5).await.unwrap().is_none());
}

#[tokio::test]
async fn a_document_under_the_key_of_another_item_is_never_written_back_to_that_one() {
    let (server, repo) = start_with(Store::options()).await;
    repo.texts.create_with_id("a", text("a")).await.unwrap();
    repo.texts.create_with_id("b", text("b")).await.unwrap();
    let other = server.get_string("myapp:textsplitter:texts:b:latest").await.unwrap();
    server.cli(&["SET", "myapp:textsplitter:texts:a:latest", &other]).await;
    for error in [
        repo.texts.get("a").await.unwrap_err(),
        repo.texts.update("a", Text::patch().content("x")).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("is one of the item `b`"), "{error}");
    }
    assert_eq!(repo.texts.get("b").await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn an_item_whose_version_is_damaged_can_be_deleted_with_all_that_belongs_to_it() {
    let (server, repo) = start_with(Store::options()).await;
    let key = "myapp:textsplitter:texts:a:latest";
    let nines = "9".repeat(14);
    for version in [
        "1000000000000000000000000000000000000000000000000000000000000",
        "0",
        "-1",
        "1e3",
        &nines,
        "\"x\"",
        "null",
        "",
    ] {
        let mut item = repo.texts.create_with_id("a", text("1")).await.unwrap();
        for number in 2..5 {
            item =
                repo.texts.update(&item, Text::patch().content(number.to_string())).await.unwrap();
        }
        repo.texts.item(&item).wordcount().materialize().await.unwrap();
        let stored = server.get_string(key).await.unwrap();
        let damaged = stored.replacen("\"version\":4", &format!("\"version\":{version}"), 1);
        server.cli(&["SET", key, &damaged]).await;
        let begun = std::time::Instant::now();
        assert!(repo.texts.delete("a").await.unwrap(), "{version}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{version}");
        let left = server.keys().await;
        let left: Vec<_> = left.iter().filter(|key| key.starts_with("myapp:")).collect();
        // An item that claims so many versions is not searched for those that exist.
        assert!(left.is_empty() || version == nines, "{version}: {left:?}");
        server.cli(&["FLUSHALL"]).await;
    }
}
