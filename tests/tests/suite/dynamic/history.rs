//! History by name.

use metastore::{Collection as _, Error, ErrorKind, Timestamp};
use serde_json::json;

use super::{json_of, kind};
use crate::fixture::{Text, start, text};

#[tokio::test]
async fn history_by_name_is_the_history_by_type() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    let id = &repo.texts.create(text("one")).await.unwrap().id.clone();
    for content in ["two", "three"] {
        dynamic.update_item("texts", id, json!({ "content": content })).await.unwrap();
    }
    let diff = dynamic.diff("texts", id, 1, 3).await.unwrap();
    let typed = repo.texts.diff(id, 1, 3).await.unwrap();
    assert_eq!((json_of(&diff), diff.to_string()), (json_of(&typed), typed.to_string()));
    let change = json!([{"op": "replace", "path": "/content", "value": "three"}]);
    assert_eq!(diff.patch(), change);

    let ada = dynamic.as_user("ada").unwrap();
    let back = ada.revert("texts", id, 1).await.unwrap();
    assert_eq!((back.version, &back.data["content"]), (4, &json!("one")));
    assert_eq!(back.actor.as_ref().unwrap().as_str(), "ada");
    assert!(dynamic.revert("texts", id, 1).await.unwrap().unchanged);
    let stale = dynamic.revert_at("texts", id, 3, 2).await.unwrap_err();
    assert_eq!(kind(&stale), "revert_at Conflict { expected: 3, actual: 4 }");
    assert_eq!(dynamic.revert_at("texts", id, 4, 2).await.unwrap().data["content"], "two");
    let versions = dynamic.versions("texts", id, 10, None).await.unwrap();
    assert_eq!(json_of(&versions), json_of(repo.texts.versions(id).limit(10).await.unwrap()));
    assert_eq!(versions.iter().map(|found| found.version).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);

    let now = versions[0].written_at;
    let then = dynamic.as_of("texts", id, now).await.unwrap().unwrap();
    assert_eq!(json_of(&then), json_of(repo.texts.get(id).await.unwrap()));
    let before: Timestamp = "1999-12-31T23:59:59Z".parse().unwrap();
    assert!(dynamic.as_of("texts", id, before).await.unwrap().is_none());
    assert!(dynamic.as_of("texts", "gone", now).await.unwrap().is_none());
}

#[tokio::test]
async fn errors_in_history_have_the_same_kinds_by_name_as_by_type() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    let id = &repo.texts.create(text("x")).await.unwrap().id.clone();
    repo.texts.create_with_id("deleted", text("y")).await.unwrap();
    repo.texts.update("deleted", Text::patch().content("z")).await.unwrap();
    let now = repo.texts.get("deleted").await.unwrap().unwrap().updated_at;
    assert!(dynamic.delete_item("texts", "deleted").await.unwrap());

    for (wrong_id, from, to) in
        [(id.as_str(), 1, 9), (id.as_str(), 0, 1), ("deleted", 1, 2), ("a:b", 1, 2)]
    {
        let typed = repo.texts.diff(wrong_id, from, to).await.unwrap_err();
        let by_name = dynamic.diff("texts", wrong_id, from, to).await.unwrap_err();
        assert_eq!((kind(&typed), typed.key()), (kind(&by_name), by_name.key()));
    }
    for (wrong_id, version) in [(id.as_str(), 9), (id.as_str(), 0), ("deleted", 1), ("a:b", 1)] {
        let typed = repo.texts.revert(wrong_id, version).await.unwrap_err();
        let by_name = dynamic.revert("texts", wrong_id, version).await.unwrap_err();
        assert_eq!((kind(&typed), typed.key()), (kind(&by_name), by_name.key()));
    }
    assert!(dynamic.revert_at("texts", "deleted", 2, 1).await.unwrap_err().is_not_found());
    assert!(dynamic.revert_at("texts", id, 1, 7).await.unwrap_err().is_not_found());
    assert!(dynamic.versions("texts", "deleted", 5, None).await.unwrap().is_empty());
    assert!(dynamic.get_version("texts", "deleted", 1).await.unwrap().is_none());
    assert!(dynamic.as_of("texts", "deleted", now).await.unwrap().is_none());

    for text in ["yesterday", "", "2026-11-24", "1960-01-01T00:00:00Z"] {
        let error: Error = text.parse::<Timestamp>().unwrap_err().into();
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
        let expected = format!("`{text}` is not a time from 1970 on: write it as RFC 3339");
        assert!(error.to_string().contains(&expected), "{error}");
    }
    for error in [
        dynamic.diff("txts", id, 1, 1).await.unwrap_err(),
        dynamic.revert("txts", id, 1).await.unwrap_err(),
        dynamic.revert_at("txts", id, 1, 1).await.unwrap_err(),
        dynamic.as_of("txts", id, now).await.unwrap_err(),
        dynamic.versions("txts", id, 5, None).await.unwrap_err(),
        dynamic.audit("txts", id).err().unwrap(),
    ] {
        assert!(error.to_string().contains("unknown collection `txts`"), "{error}");
    }
    assert_eq!(repo.texts.get(id).await.unwrap().unwrap().version, 1);
}
