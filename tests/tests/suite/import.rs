//! Importing JSON from other keys into a collection.

use metastore::{Collection, ErrorKind};
use metastore_tests::Server;
use serde_json::json;

use crate::fixture::{Text, start, text};
use crate::queries::indexes;

async fn put(server: &Server, key: &str, text: &str) {
    server.cli(&["SET", key, text]).await;
}

async fn legacy(server: &Server) {
    for (key, text) in [
        ("legacy:text:a", r#"{"name":"A","content":"one","language":"en","old_field":[1.50]}"#),
        ("legacy:text:b", r#"{"name":"B","content":"two"}"#),
        ("legacy:text:nameless", r#"{"name":"","content":"x"}"#),
        ("legacy:text:broken", r#"{"name":"#),
        ("legacy:text:number", "7"),
        ("legacy:text:other", r#"{"name":7,"content":"x"}"#),
        ("legacy:text:a b", r#"{"name":"A","content":"one"}"#),
        ("unrelated", r#"{"name":"U","content":"x"}"#),
    ] {
        put(server, key, text).await;
    }
    server.cli(&["RPUSH", "legacy:text:list", "x"]).await;
}

/// All data of the server, byte for byte.
async fn everything(server: &Server) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for key in server.keys().await {
        let dump = server.cli(&["DUMP", &key]).await;
        all.push((key, format!("{:?}", dump.as_bytes())));
    }
    all
}

#[tokio::test]
async fn a_dry_run_reports_what_would_change_and_writes_nothing() {
    let (server, repo) = start().await;
    legacy(&server).await;
    let before = everything(&server).await;
    let report = repo.texts.import("legacy:text:*").dry_run().delete_originals().await.unwrap();
    assert_eq!((report.imported, report.already, report.skipped), (2, 0, 1));
    assert_eq!((report.failed, report.deleted, report.scanned), (5, 0, 8));
    assert!(report.dry_run && report.resume.is_none());
    assert_eq!(everything(&server).await, before);
}

#[tokio::test]
async fn documents_become_complete_items_and_originals_stay() {
    let (server, repo) = start().await;
    legacy(&server).await;
    let before = everything(&server).await;
    let report = repo.texts.import("legacy:text:*").await.unwrap();
    assert_eq!((report.imported, report.failed, report.skipped), (2, 5, 1), "{report:?}");
    let item = repo.texts.get("a").await.unwrap().unwrap();
    assert_eq!((item.version, item.data.content.as_str()), (1, "one"));
    assert_eq!(repo.texts.find(Text::LANGUAGE.eq("en")).count().await.unwrap(), 1);
    assert!(repo.texts.verify().await.unwrap().is_clean());
    // An unknown field is preserved byte for byte.
    repo.texts.update("a", Text::patch().name("new")).await.unwrap();
    let stored = server.get_string("myapp:textsplitter:texts:a:latest").await.unwrap();
    assert!(stored.contains(r#""old_field":[1.5"#), "{stored}");
    for (key, dump) in before {
        assert!(everything(&server).await.contains(&(key, dump)), "an original was touched");
    }

    let reason = |key: &str| {
        let key = format!("legacy:text:{key}");
        let failure = report.failures.iter().find(|failure| failure.key == key);
        failure.unwrap_or_else(|| panic!("{key} is not reported")).reason.clone()
    };
    assert!(reason("nameless").contains("name"), "{}", reason("nameless"));
    assert!(reason("broken").contains("does not hold JSON"));
    assert!(reason("number").contains("JSON object"));
    assert!(reason("other").contains("data.name"));
    assert!(reason("a b").contains("is not a valid id"));
}

#[tokio::test]
async fn it_can_be_repeated_and_never_overwrites() {
    let (server, repo) = start().await;
    legacy(&server).await;
    repo.texts.create_with_id("b", text("mine")).await.unwrap();
    let report = repo.texts.import("legacy:text:*").await.unwrap();
    assert_eq!((report.imported, report.already, report.failed), (1, 0, 6));
    repo.texts.update("a", Text::patch().content("changed since")).await.unwrap();
    let report = repo.texts.import("legacy:text:*").await.unwrap();
    assert_eq!((report.imported, report.already, report.failed), (0, 1, 6));
    assert_eq!(repo.texts.get("b").await.unwrap().unwrap().data, text("mine"));
    assert_eq!(repo.texts.get("a").await.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn originals_go_when_asked_to_and_only_what_was_adopted() {
    let (server, repo) = start().await;
    legacy(&server).await;
    repo.texts.import("legacy:text:*").await.unwrap();
    put(&server, "legacy:text:b", r#"{"name":"B","content":"newer"}"#).await;
    let report = repo.texts.import("legacy:text:*").delete_originals().await.unwrap();
    assert_eq!((report.already, report.deleted, report.failed), (1, 1, 6), "{report:?}");
    let keys = server.keys().await;
    assert!(!keys.contains(&"legacy:text:a".to_owned()));
    assert!(keys.contains(&"legacy:text:b".to_owned()) && keys.contains(&"unrelated".to_owned()));
}

#[tokio::test]
async fn ids_and_documents_can_be_mapped_and_progress_is_reported() {
    let (server, repo) = start().await;
    for number in 0..1_200 {
        put(&server, &format!("t:{number}:json"), &json!({"title": number}).to_string()).await;
    }
    let mut calls = 0;
    let report = repo
        .texts
        .import("t:*:json")
        .id_from(|key| key.split(':').nth(1).map(|number| format!("text-{number}")))
        .map(|old| {
            let title = old["title"].as_u64().ok_or("no title")?;
            Ok(json!({"name": format!("title {title}"), "content": ""}))
        })
        .progress(|_| calls += 1)
        .await
        .unwrap();
    assert_eq!((report.imported + report.already, report.failed), (report.scanned, 0));
    assert_eq!(repo.texts.count().await.unwrap(), 1_200);
    assert!(calls > 1, "one call for each page");
    assert_eq!(repo.texts.get("text-7").await.unwrap().unwrap().data.name, "title 7");
}

#[tokio::test]
async fn a_pattern_without_a_star_and_our_own_keys_are_not_adopted() {
    let (server, repo) = start().await;
    let error = repo.texts.import("legacy").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
    repo.texts.create(text("x")).await.unwrap();
    let before = indexes(&server).await;
    let report = repo.texts.import("*").delete_originals().await.unwrap();
    assert_eq!((report.scanned, report.imported), (0, 0));
    assert_eq!(indexes(&server).await, before);
}
