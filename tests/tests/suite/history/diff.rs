//! Differences between versions.

use std::time::Duration;

use metastore::{Collection as _, Error, ErrorKind, Store};
use serde_json::{Value, json};

use super::{AT, add_field, millis, versions};
use crate::fixture::{Text, start, start_proxied, start_with};

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
