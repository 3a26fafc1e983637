//! The errors of the dynamic API are those of the typed one.

use metastore::{Collection as _, ErrorKind, Store};
use serde_json::{Value, json};

use super::{json_of, kind};
use crate::fixture::{Order, SOON, Text, order, start, start_with, text};

#[tokio::test]
async fn each_mistake_gets_the_error_that_it_gets_by_type() {
    let (_server, repo) = start_with(Store::options().max_document_bytes(10_000)).await;
    let dynamic = repo.dynamic();
    let item = repo.texts.create(text("x")).await.unwrap();
    let unnamed = Text { name: String::new(), ..text("x") };
    let paid = |total| Order { payment: Some("p1".into()), ..order(total) };
    repo.orders.create(paid(1)).await.unwrap();
    let large = Text { content: "x".repeat(10_001), ..text("") };

    let pairs = [
        (
            repo.texts.create(unnamed.clone()).await.unwrap_err(),
            dynamic.create_item("texts", json_of(&unnamed)).await.unwrap_err(),
        ),
        (
            repo.texts.update(&item.id, Text::patch().name("")).await.unwrap_err(),
            dynamic.update_item("texts", &item.id, json!({"name": ""})).await.unwrap_err(),
        ),
        (
            repo.texts.replace(&item.id, unnamed.clone()).await.unwrap_err(),
            dynamic.replace_item("texts", &item.id, json_of(&unnamed)).await.unwrap_err(),
        ),
        (
            repo.texts.update("gone", Text::patch().name("b")).await.unwrap_err(),
            dynamic.update_item("texts", "gone", json!({"name": "b"})).await.unwrap_err(),
        ),
        (
            repo.texts.update_at(&item.id, 9, Text::patch().name("b")).await.unwrap_err(),
            dynamic.update_item_at("texts", &item.id, 9, json!({"name": "b"})).await.unwrap_err(),
        ),
        (
            repo.texts.delete_at(&item.id, 9).await.unwrap_err(),
            dynamic.delete_item_at("texts", &item.id, 9).await.unwrap_err(),
        ),
        (
            repo.texts.create_with_id(&item.id, text("x")).await.unwrap_err(),
            dynamic.create_item_with_id("texts", &item.id, json_of(text("x"))).await.unwrap_err(),
        ),
        (
            repo.orders.create(paid(2)).await.unwrap_err(),
            dynamic.create_item("orders", json_of(paid(2))).await.unwrap_err(),
        ),
        (
            repo.texts.get("a:b").await.unwrap_err(),
            dynamic.get_item("texts", "a:b").await.unwrap_err(),
        ),
        (
            repo.texts.item("gone").wordcount().run().await.unwrap_err(),
            dynamic.run_mutation("texts", "gone", "wordcount").await.unwrap_err(),
        ),
        (
            repo.texts.item(&item.id).wordcount().run_on(9).await.unwrap_err(),
            dynamic.run_mutation_on("texts", &item.id, 9, "wordcount").await.unwrap_err(),
        ),
        (
            repo.texts.item("gone").wordcount().materialize().await.unwrap_err(),
            dynamic.materialize_mutation("texts", "gone", "wordcount").await.unwrap_err(),
        ),
        (
            repo.texts.item("gone").summarize().enqueue().await.unwrap_err(),
            dynamic.enqueue("texts", "gone", "summarize").await.unwrap_err(),
        ),
        (
            repo.texts.item(&item.id).summarize().wait(SOON).await.unwrap_err(),
            dynamic.wait("texts", &item.id, "summarize", SOON).await.unwrap_err(),
        ),
        (
            repo.orders.list().limit(1001).await.unwrap_err(),
            dynamic.list_items("orders", 0, 1001).await.unwrap_err(),
        ),
        (repo.texts.as_user("").unwrap_err(), dynamic.as_user("").unwrap_err()),
    ];
    for (typed, by_name) in pairs {
        assert_eq!(kind(&typed), kind(&by_name));
    }
    let typed = repo.texts.create(large.clone()).await.unwrap_err();
    let by_name = dynamic.create_item("texts", json_of(&large)).await.unwrap_err();
    for error in [typed, by_name] {
        assert!(matches!(error.kind(), ErrorKind::TooLarge { .. }), "{error}");
    }
    // Nothing of it was written.
    assert_eq!(repo.texts.get(&item.id).await.unwrap().unwrap().version, 1);
    assert_eq!(repo.texts.count().await.unwrap() + repo.orders.count().await.unwrap(), 2);
}

#[tokio::test]
async fn json_that_is_no_such_document_has_an_error_of_its_own_that_repeats_no_value() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    let item = repo.orders.create(order(1)).await.unwrap();
    let with = |field: &str, value: Value| {
        let mut json = json_of(order(1));
        json[field] = value;
        json
    };
    for (json, path, message) in [
        (json!("s3cret"), "", "expected an object"),
        (json!([1]), "", "expected an object"),
        (json!({"tags": []}), "", "missing field"),
        (with("total", json!("s3cret")), "total", "expected i64, found string"),
        (with("tags", json!(["a", 17])), "tags[1]", "expected a string, found integer"),
        (
            with("state", json!("s3cret")),
            "state",
            "unknown variant, expected `new` or `on-its-way`",
        ),
        (with("total", Value::Null), "total", "expected i64, found null"),
        (with("total", json!(1e300)), "total", "expected i64, found floating point"),
    ] {
        let error = dynamic.create_item("orders", json.clone()).await.unwrap_err();
        let ErrorKind::InvalidJson { path: found, message: said } = error.kind() else {
            panic!("{json}: {error}")
        };
        assert_eq!(found, path, "{json}");
        assert!(said.contains(message), "{json}: {said}");
        assert!(!error.to_string().contains("s3cret") && !format!("{error:?}").contains("s3cret"));
        assert!(!error.is_validation() && error.is_invalid_document() && !error.is_retryable());
        if json.is_object() && json["total"] != json!(1) {
            let patched = dynamic.replace_item("orders", &item.id, json).await.unwrap_err();
            assert!(matches!(patched.kind(), ErrorKind::InvalidJson { .. }), "{patched}");
        }
    }
    let cleared = dynamic.update_item("orders", &item.id, json!({"total": null})).await;
    let cleared = cleared.unwrap_err();
    assert!(matches!(cleared.kind(), ErrorKind::InvalidJson { path, .. } if path == "total"));

    for (create, name) in [(with("colour", json!(1)), "colour"), (with("Total", json!(1)), "Total")]
    {
        let patch = json!({ name: 1 });
        for error in [
            dynamic.create_item("orders", create.clone()).await.unwrap_err(),
            dynamic.replace_item("orders", &item.id, create).await.unwrap_err(),
            dynamic.update_item("orders", &item.id, patch).await.unwrap_err(),
        ] {
            let ErrorKind::UnknownName { what: "field", name: found, known } = error.kind() else {
                panic!("{error}")
            };
            assert_eq!(found, name);
            assert!(known.contains(&"weight/kg".to_owned()), "{known:?}");
        }
    }
    assert_eq!(repo.orders.get(&item.id).await.unwrap().unwrap().version, 1);
}
