//! The dynamic API: the same results, rules and errors as the typed one.

use std::time::Duration;

use metastore::{
    Collection, Dynamic, DynamicQuery, EnqueueOptions, Error, ErrorKind, Item, JobState, Priority,
    Repo, Repository, Store, Timestamp,
};
use metastore_worker::{JobContext, Worker};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use validator::Validate;

use crate::fixture::{Order, SOON, Text, order, start, start_with, text};

/// The kind of an error with its fields, by which callers distinguish errors.
fn kind(error: &Error) -> String {
    format!("{} {:?}", error.operation(), error.kind())
}

fn json_of<T: Serialize>(value: T) -> Value {
    serde_json::to_value(value).unwrap()
}

async fn orders(dynamic: &Dynamic, selection: DynamicQuery) -> Vec<i64> {
    let page = dynamic.find_items("orders", &selection).await.expect("the selection is right");
    page.items.iter().map(|item| item.data["total"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn an_item_has_the_same_life_by_name_and_by_type() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();

    let made = json!({"name": "a", "content": "one two", "language": "en"});
    let item = dynamic.create_item("texts", made.clone()).await.unwrap();
    assert_eq!(item.version, 1);
    assert_eq!(item.data, made);
    let typed = repo.texts.get(&item.id).await.unwrap().unwrap();
    assert_eq!(json_of(&typed), json_of(&item));

    // A missing field is unchanged, null clears an optional one.
    let item = dynamic.update_item("texts", &item.id, json!({"language": null})).await.unwrap();
    assert_eq!(item.data, json!({"name": "a", "content": "one two", "language": null}));
    let item = dynamic.update_item("texts", &item.id, json!({"content": "x"})).await.unwrap();
    assert_eq!(item.version, 3);
    let same = dynamic.update_item("texts", &item.id, json!({"content": "x"})).await.unwrap();
    assert!(same.unchanged && same.version == 3);
    let whole = json!({"name": "b", "content": "c"});
    let item = dynamic.replace_item("texts", &item.id, whole.clone()).await.unwrap();
    assert_eq!(item.data, json!({"name": "b", "content": "c", "language": null}));

    let first = dynamic.get_version("texts", &item.id, 1).await.unwrap().unwrap();
    assert_eq!(first.data, made);
    assert!(dynamic.item_exists("texts", &item.id).await.unwrap());
    assert!(!dynamic.item_exists("texts", "gone").await.unwrap());
    let versions = dynamic.versions("texts", &item.id, 2, Some(4)).await.unwrap();
    assert_eq!(versions.iter().map(|found| found.version).collect::<Vec<_>>(), [3, 2]);

    let own = dynamic.create_item_with_id("texts", "mine", whole).await.unwrap();
    let page = dynamic.list_items("texts", 0, 1).await.unwrap();
    assert_eq!(page.items[0].id, own.id);
    let rest = DynamicQuery::new().after(&page.next.unwrap());
    let ids = dynamic.find_ids("texts", &rest).await.unwrap().items;
    assert_eq!(ids, std::slice::from_ref(&item.id));

    assert!(dynamic.delete_item("texts", "mine").await.unwrap());
    assert!(!dynamic.delete_item("texts", "mine").await.unwrap());
    assert!(dynamic.get_item("texts", "mine").await.unwrap().is_none());
    assert_eq!(dynamic.count_items("texts", &DynamicQuery::new()).await.unwrap(), 1);
}

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

#[tokio::test]
async fn many_items_by_name_have_an_answer_each() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    let made = (0..250).map(|number| json_of(text(&number.to_string())));
    let made = dynamic.create_items("texts", made).await.unwrap();
    let ids: Vec<_> = made.into_iter().map(|item| item.unwrap().id.clone()).collect();

    let patch = |(number, id)| match number {
        7 => (id, json!({"name": ""})),
        8 => (id, json!({"colour": 1})),
        _ => (id, json!({"content": format!("{number} words")})),
    };
    let patches: Vec<_> = ids.iter().enumerate().map(patch).collect();
    let updated = dynamic.update_items("texts", patches).await.unwrap();
    assert_eq!(updated.len(), 250);
    assert!(updated[7].as_ref().unwrap_err().is_validation());
    assert!(matches!(
        updated[8].as_ref().unwrap_err().kind(),
        ErrorKind::UnknownName { what: "field", .. }
    ));
    assert_eq!(updated.iter().filter(|item| item.is_ok()).count(), 248);

    let some = [ids[249].as_str(), "gone", ids[7].as_str()];
    let found = dynamic.get_items("texts", some).await.unwrap();
    let contents = found.iter().map(|item| {
        let item = item.as_ref().unwrap().as_ref();
        item.map(|item| item.data["content"].clone())
    });
    let expected = [Some(json!("249 words")), None, Some(json!("7"))];
    assert_eq!(contents.collect::<Vec<_>>(), expected);

    let options = EnqueueOptions::new().priority(Priority::Low).delay(SOON * 100);
    let jobs = dynamic.enqueue_items("texts", some, "count", options.clone()).await.unwrap();
    assert!(jobs[1].as_ref().unwrap_err().is_not_found());
    let status = dynamic.job_status("texts", some[0], "count").await.unwrap().unwrap();
    assert_eq!((&status.job, status.state), (jobs[0].as_ref().unwrap(), JobState::Delayed));
    let same = dynamic.enqueue_with("texts", some[0], "count", options).await.unwrap();
    assert_eq!(same, status.job);
    assert_eq!(dynamic.queue_stats("texts", "count").await.unwrap().delayed, 2);

    let deleted = dynamic.delete_items("texts", some).await.unwrap();
    assert_eq!(deleted.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(repo.texts.count().await.unwrap(), 248);

    // A wrong id is found before anything is done.
    let wrong = [ids[0].as_str(), "a:b"];
    for error in [
        dynamic.get_items("texts", wrong).await.unwrap_err(),
        dynamic.delete_items("texts", wrong).await.unwrap_err(),
        dynamic.update_items("texts", wrong.map(|id| (id, json!({})))).await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::InvalidId(_)), "{error}");
    }
    assert!(dynamic.item_exists("texts", &ids[0]).await.unwrap());
    assert!(dynamic.get_items("txts", wrong).await.unwrap_err().to_string().contains("id"));
    assert!(dynamic.get_items("txts", [&ids[0]]).await.unwrap_err().to_string().contains("txts"));
}

#[tokio::test]
async fn a_job_that_failed_for_good_is_found_and_run_again_by_name() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    let id = &repo.texts.create(text("x")).await.unwrap().id.clone();
    assert_eq!(dynamic.retry("texts", id, "count").await.unwrap(), None);
    let job = dynamic.enqueue("texts", id, "count").await.unwrap();
    let handler = |item: Item<Text>, _: JobContext| async move {
        match item.version {
            1 => Err(metastore_worker::Fatal::new("no good").into()),
            version => Ok::<u64, Box<dyn std::error::Error + Send + Sync>>(version),
        }
    };
    let worker = Worker::builder(&repo.texts).handle(Text::COUNT, handler).build();
    let worker = worker.start().unwrap();
    let error = dynamic.wait("texts", id, "count", SOON).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::JobFailed { .. }), "{error}");
    let dead = dynamic.dead_jobs("texts", "count", 0, 10).await.unwrap();
    assert_eq!((dead.len(), &dead[0].item, &dead[0].job), (1, id, &job));
    assert!(dead[0].error.contains("no good"), "{dead:?}");
    assert_eq!(dynamic.queue_stats("texts", "count").await.unwrap().dead, 1);

    dynamic.update_item("texts", id, json!({"content": "y"})).await.unwrap();
    assert_eq!(dynamic.retry("texts", id, "count").await.unwrap(), Some(job));
    assert_eq!(dynamic.wait("texts", id, "count", SOON).await.unwrap(), 2);
    worker.stop().await;

    let error = dynamic.queue_stats("texts", "counts").await.unwrap_err();
    assert!(error.to_string().contains("unknown transformation `counts`"), "{error}");
    let error = dynamic.dead_jobs("texts", "count", 0, 0).await.unwrap_err();
    assert!(error.to_string().contains("limit must be from 1 to 1000"), "{error}");
}

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

#[tokio::test]
async fn conditions_by_name_find_what_typed_ones_find() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    for total in [-5, 1, 3, 40] {
        let document = Order {
            country: (total > 1).then(|| "fr".to_owned()),
            tags: vec![format!("t{total}")],
            weight: (total > 3).then_some(2.0),
            payment: Some(format!("p{total}")),
            ..order(total)
        };
        repo.orders.create(document).await.unwrap();
    }
    let find = |field: &str, operator: &str, value: Value| {
        DynamicQuery::new().filter(field, operator, value).oldest_first()
    };
    for (selection, totals) in [
        (find("country", "eq", json!("fr")), vec![3, 40]),
        (find("country", "eq", Value::Null), vec![-5, 1]),
        (find("country", "is_none", Value::Null), vec![-5, 1]),
        (find("country", "is_some", Value::Null), vec![3, 40]),
        (find("state", "eq", json!("new")), vec![-5, 1, 3, 40]),
        (find("tags", "contains", json!("t3")), vec![3]),
        (find("payment", "eq", json!("p40")), vec![40]),
        (find("total", "between", json!([-5, 3])), vec![-5, 1, 3]),
        (find("total", "at_least", json!(3)), vec![3, 40]),
        (find("total", "greater_than", json!(3)), vec![40]),
        (find("total", "at_most", json!(1)), vec![-5, 1]),
        (find("total", "less_than", json!(1)), vec![-5]),
        // A whole number is a float, too.
        (find("weight/kg", "at_least", json!(2)), vec![40]),
        (find("placed", "eq", json!("2026-01-01T00:00:00Z")), vec![-5, 1, 3, 40]),
        (find("total", "at_least", json!(-9)).filter("country", "is_none", ()), vec![-5, 1]),
        (DynamicQuery::new().descending_by("total").limit(2), vec![40, 3]),
        (DynamicQuery::new().ascending_by("total").offset(1).limit(2), vec![1, 3]),
        (DynamicQuery::new().newest_first().limit(1), vec![40]),
    ] {
        assert_eq!(orders(&dynamic, selection.clone()).await, totals, "{selection:?}");
        // The same from JSON.
        let again: DynamicQuery = serde_json::from_value(json_of(&selection)).unwrap();
        assert_eq!(again, selection);
    }
    let french = find("country", "eq", json!("fr"));
    assert_eq!(dynamic.count_items("orders", &french).await.unwrap(), 2);
    let one = dynamic.get_item_by("orders", "payment", "p3").await.unwrap().unwrap();
    assert_eq!(one.data["total"], 3);
    assert!(dynamic.get_item_by("orders", "payment", "none").await.unwrap().is_none());

    let page = dynamic.find_items("orders", &french.clone().limit(1)).await.unwrap();
    let cursor = page.next.unwrap();
    assert_eq!(orders(&dynamic, french.after(&cursor)).await, [40]);
    // A cursor of the typed query works for the same dynamic query, and for no other.
    let typed = repo.orders.list().limit(1).page().await.unwrap().next.unwrap();
    assert_eq!(orders(&dynamic, DynamicQuery::new().after(&typed)).await, [3, 1, -5]);
    let other = DynamicQuery::new().after(&cursor);
    let error = dynamic.find_items("orders", &other).await.unwrap_err();
    let typed = repo.orders.list().after(&cursor).page().await.unwrap_err();
    assert_eq!(kind(&error), kind(&typed));
}

#[tokio::test]
async fn an_invalid_condition_says_why_and_what_is_valid() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    let long = "x".repeat(1000);
    for (collection, field, operator, value, expected) in [
        (
            "orders",
            "colour",
            "eq",
            json!(1),
            "unknown field `colour`; existing ones: country, state",
        ),
        ("orders", "", "eq", json!(1), "unknown field ``"),
        ("orders", &long, "eq", json!(1), "unknown field `xxx"),
        (
            "texts",
            "content",
            "eq",
            json!("x"),
            "`content` has no index to find items by; those that have: language",
        ),
        ("counters", "count", "eq", json!(1), "those that have: no field has one"),
        (
            "orders",
            "total",
            "like",
            json!(1),
            "unknown operator `like`; existing ones: eq, is_none",
        ),
        ("orders", "country", "between", json!(["a", "b"]), "needs `#[index(range)]`"),
        ("orders", "payment", "at_least", json!("a"), "needs `#[index(range)]`"),
        ("orders", "total", "eq", json!("s3cret"), "expected i64, found string"),
        ("orders", "total", "at_least", json!(0.5), "expected i64, found floating point"),
        ("orders", "total", "eq", Value::Null, "expected i64, found null"),
        ("orders", "total", "is_none", Value::Null, "the field always has a value"),
        ("orders", "country", "is_none", json!("fr"), "takes no value"),
        ("orders", "total", "between", json!([1]), "takes a list of two values"),
        ("orders", "total", "between", json!([1, "s3cret"]), "expected i64, found string"),
        ("orders", "state", "eq", json!("lost"), "unknown variant, expected `new`"),
        ("orders", "tags", "eq", json!(["a"]), "a list or an object is not indexed"),
        ("orders", "country", "contains", json!("f"), "expected a string, found sequence"),
        ("orders", "tags", "contains", json!({}), "expected a string, found map"),
    ] {
        let selection = DynamicQuery::new().filter(field, operator, value);
        for error in [
            dynamic.find_items(collection, &selection).await.unwrap_err(),
            dynamic.find_ids(collection, &selection).await.unwrap_err(),
            dynamic.count_items(collection, &selection).await.unwrap_err(),
        ] {
            let said = error.to_string();
            assert!(said.contains(expected), "{field} {operator}: {said}");
            assert!(!said.contains("s3cret") && said.len() < 400, "{said}");
        }
    }
    for (order, expected) in [("country", "needs `#[index(range)]`"), ("x", "unknown field `x`")] {
        let selection = DynamicQuery::new().ascending_by(order);
        let error = dynamic.find_items("orders", &selection).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let shared = dynamic.get_item_by("orders", "country", "fr").await.unwrap_err();
    assert!(shared.to_string().contains("is not `#[unique]`"), "{shared}");
    let owner = DynamicQuery::new().owned_by("");
    let error = dynamic.find_items("orders", &owner).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
    for wrong in [
        json!({"filter": []}),
        json!({"where": [{"field": "total"}]}),
        json!({"order": "total"}),
        json!({"limit": -1}),
    ] {
        serde_json::from_value::<DynamicQuery>(wrong.clone()).expect_err(&wrong.to_string());
    }
}

#[tokio::test]
async fn mutations_and_jobs_by_name_share_what_is_stored_with_the_typed_ones() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    let item = repo.texts.create(text("one two three")).await.unwrap();
    let id = &item.id;
    let (words, split) = ("wordcount", "textsplit");
    assert_eq!(dynamic.run_mutation("texts", id, words).await.unwrap(), 3);
    let both = dynamic.evaluate_all("texts", id, &[words, split]).await.unwrap();
    assert_eq!(json_of(both), json!({words: 3, split: ["one", "two", "three"]}));

    assert!(dynamic.get_mutation("texts", id, words).await.unwrap().is_none());
    assert_eq!(dynamic.materialize_mutation("texts", id, words).await.unwrap(), 3);
    let typed = repo.texts.item(id).wordcount().cached().await.unwrap().unwrap();
    let by_name = dynamic.get_mutation("texts", id, words).await.unwrap().unwrap();
    assert_eq!((typed.value, typed.source_version, typed.stale), (3, 1, false));
    assert_eq!(json_of(typed), json_of(by_name));
    dynamic.update_item("texts", id, json!({"content": "one"})).await.unwrap();
    assert!(dynamic.get_mutation("texts", id, words).await.unwrap().unwrap().stale);
    assert_eq!(dynamic.run_mutation("texts", id, words).await.unwrap(), 1);
    assert_eq!(dynamic.run_mutation_on("texts", id, 1, words).await.unwrap(), 3);

    let summary = "summarize";
    assert!(dynamic.job_status("texts", id, summary).await.unwrap().is_none());
    let job = dynamic.enqueue("texts", id, summary).await.unwrap();
    assert_eq!(repo.texts.item(id).summarize().enqueue().await.unwrap().id(), job);
    assert!(dynamic.cancel("texts", id, summary).await.unwrap());
    let status = dynamic.job_status("texts", id, summary).await.unwrap().unwrap();
    assert_eq!((status.job, status.state), (job, JobState::Cancelled));
    let handler = |item: Item<Text>, _: JobContext| async move {
        let sentences = vec![item.data.content.clone()];
        Ok::<_, std::io::Error>(metastore_tests::collections::Summary { sentences })
    };
    let worker = Worker::builder(&repo.texts).handle(Text::SUMMARIZE, handler).build();
    let worker = worker.start().unwrap();
    dynamic.enqueue_in("texts", id, summary, Duration::from_millis(20)).await.unwrap();
    let expected = json!({"sentences": ["one"]});
    assert_eq!(dynamic.wait("texts", id, summary, SOON).await.unwrap(), expected);
    assert_eq!(
        dynamic.transformation_result("texts", id, summary).await.unwrap().unwrap(),
        expected
    );
    assert!(!dynamic.discard("texts", id, summary).await.unwrap());
    worker.stop().await;

    for (error, what) in [
        (
            dynamic.run_mutation("texts", id, "words").await.unwrap_err(),
            "mutation `words`; existing ones: wordcount, textsplit",
        ),
        (dynamic.materialize_mutation("texts", id, "words").await.unwrap_err(), "mutation `words`"),
        (dynamic.get_mutation("texts", id, summary).await.unwrap_err(), "mutation `summarize`"),
        (dynamic.evaluate_all("texts", id, &[words, "x"]).await.unwrap_err(), "mutation `x`"),
        (
            dynamic.enqueue("texts", id, words).await.unwrap_err(),
            "transformation `wordcount`; existing ones: summarize, count",
        ),
        (
            dynamic.job_status("counters", id, "x").await.unwrap_err(),
            "transformation `x`; none exist",
        ),
        (
            dynamic.get_item("txts", id).await.unwrap_err(),
            "collection `txts`; existing ones: texts, sessions, counters, orders, seats",
        ),
    ] {
        assert!(matches!(error.kind(), ErrorKind::UnknownName { .. }), "{error}");
        assert!(error.to_string().contains(&format!("unknown {what}")), "{error}");
    }
}

#[tokio::test]
async fn a_user_writes_by_name_and_finds_the_own_items() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    let user = dynamic.as_user("u42").unwrap();
    let item = user.create_item("orders", json_of(order(1))).await.unwrap();
    assert_eq!(item.owner.as_ref().unwrap().as_str(), "u42");
    assert_eq!(item.actor.as_ref().unwrap().as_str(), "u42");
    dynamic.create_item("orders", json_of(order(2))).await.unwrap();
    assert_eq!(orders(&dynamic, DynamicQuery::new().owned_by("u42")).await, [1]);
    let results =
        user.create_items("orders", vec![json_of(order(3)), json!({}), json_of(order(4))]);
    let results = results.await.unwrap();
    assert_eq!(results[0].as_ref().unwrap().data["total"], 3);
    assert!(matches!(results[1].as_ref().unwrap_err().kind(), ErrorKind::InvalidJson { .. }));
    assert_eq!(results[2].as_ref().unwrap().data["total"], 4);
    assert_eq!(orders(&dynamic, DynamicQuery::new().owned_by("u42")).await, [4, 3, 1]);
}

mod elsewhere {
    use super::*;

    /// Named like the other texts, in another app.
    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "blog", name = "texts", object_type = texts)]
    #[mutation(doubled -> u128)]
    pub(super) struct Text {
        #[serde(alias = "headline")]
        pub(super) title: String,
        #[serde(flatten)]
        pub(super) place: Place,
        #[serde(default)]
        pub(super) huge: u128,
        #[index]
        #[serde(default, deserialize_with = "trimmed")]
        pub(super) topic: String,
    }

    #[derive(Clone, Debug, Default, Serialize, Deserialize, Validate)]
    pub(super) struct Place {
        pub(super) page: Option<u32>,
    }

    fn trimmed<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<String, D::Error> {
        Ok(String::deserialize(reader)?.trim().to_owned())
    }

    impl Text {
        fn doubled(&self) -> u128 {
            self.huge * 2
        }
    }
}

#[derive(Repository)]
struct Both {
    texts: Repo<Text>,
    others: Repo<elsewhere::Text>,
}

#[tokio::test]
async fn collections_with_the_same_name_are_distinguished_by_their_app() {
    let (server, repo) = start().await;
    let repo = Both::with_store(repo.texts.store());
    let dynamic = repo.dynamic();
    let error = dynamic.create_item("texts", json!({})).await.unwrap_err();
    assert!(
        error.to_string().contains(
            "several collections are called `texts`; use one of textsplitter/texts, blog/texts"
        ),
        "{error}"
    );
    let item = dynamic.create_item("blog/texts", json!({"title": "a"})).await.unwrap();
    assert!(repo.others.exists(&item.id).await.unwrap());
    assert!(!repo.texts.exists(&item.id).await.unwrap());
    assert!(dynamic.get_item("myapp/blog/texts", &item.id).await.unwrap().is_some());
    assert!(dynamic.get_item("textsplitter/texts", &item.id).await.unwrap().is_none());
    for unknown in ["", "/", "/texts", "log/texts", "blog", "blog/texts/", "myapp:blog:texts"] {
        let error = dynamic.get_item(unknown, &item.id).await.unwrap_err();
        assert!(
            error.to_string().contains("existing ones: textsplitter/texts, blog/texts"),
            "{error}"
        );
    }
    let store = repo.texts.store();
    // The same one added twice is one.
    let again = Dynamic::new().collection::<Text>(store).collection::<Text>(store);
    assert_eq!(again.collections().len(), 1);
    assert_eq!(again.collections(), [store.repo::<Text>().descriptor()]);
    let tenant = Store::options().app("tenant-7").connect(server.url()).await.unwrap();
    let both = again.with(&tenant.repo::<Text>());
    assert!(both.get_item("tenant-7/texts", "x").await.unwrap().is_none());
}

#[tokio::test]
async fn odd_documents_are_the_same_by_name_as_by_type() {
    let (_server, repo) = start().await;
    let repo = Both::with_store(repo.texts.store());
    let (dynamic, name) = (repo.dynamic(), "blog/texts");
    let huge = u128::from(u64::MAX) * 4;
    let document = elsewhere::Text {
        title: "a".into(),
        place: elsewhere::Place { page: Some(1) },
        huge,
        topic: "x".into(),
    };
    let id = repo.others.create(document).await.unwrap().id.clone();
    // Fields that the patch does not name stay exact in JSON.
    let item = dynamic.update_item(name, &id, json!({"page": 7, "topic": " y "})).await.unwrap();
    assert!(item.data.to_string().contains(&format!("\"huge\":{huge},")), "{:?}", item.data);
    assert!(item.data["page"] == 7 && item.data["topic"] == "y");
    let typed = repo.others.get(&id).await.unwrap().unwrap();
    assert_eq!((typed.data.huge, typed.data.place.page), (huge, Some(7)));
    dynamic.materialize_mutation(name, &id, "doubled").await.unwrap();
    let stored = repo.others.item(&id).doubled().cached().await.unwrap().unwrap();
    assert_eq!(stored.value, huge * 2);
    let found = DynamicQuery::new().filter("topic", "eq", "y");
    assert_eq!(dynamic.count_items(name, &found).await.unwrap(), 1);
    // An alias is accepted where serde accepts it; an unused field is refused.
    dynamic.create_item(name, json!({"headline": "b"})).await.unwrap();
    let error = dynamic.update_item(name, &id, json!({"pages": 7})).await.unwrap_err();
    assert!(error.to_string().contains("unknown field `pages`"), "{error}");
    let cleared = dynamic.update_item(name, &id, json!({"page": null})).await.unwrap();
    assert_eq!(cleared.data["page"], Value::Null);
}

#[tokio::test]
async fn fields_that_only_a_newer_program_knows_survive_a_patch_by_name() {
    let (server, repo) = start().await;
    let item = repo.texts.create(text("x")).await.unwrap();
    let key = format!("myapp:textsplitter:texts:{}:latest", item.id);
    let stored = server.get_string(&key).await.unwrap();
    server.cli(&["SET", &key, &stored.replace("\"data\":{", "\"data\":{\"new\":1.50,")]).await;
    repo.dynamic().update_item("texts", &item.id, json!({"name": "b"})).await.unwrap();
    assert!(server.get_string(&key).await.unwrap().contains("\"new\":1.50"));
}

#[tokio::test]
async fn of_many_patches_by_name_at_once_none_is_lost() {
    let (_server, repo) = start_with(Store::options().conflict_retries(1_000)).await;
    let dynamic = repo.dynamic();
    let id = repo.texts.create(text("x")).await.unwrap().id.clone();
    let write = |number: usize| {
        let (dynamic, id) = (dynamic.clone(), id.clone());
        let patch = match number % 2 {
            0 => json!({ "content": format!("{number}") }),
            _ => json!({ "name": format!("{number}") }),
        };
        tokio::spawn(async move { dynamic.update_item("texts", &id, patch).await })
    };
    let writers: Vec<_> = (0..16).map(write).collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    let item = dynamic.get_item("texts", &id).await.unwrap().unwrap();
    assert_eq!(item.version, 17);
    let number = |field: &str| item.data[field].as_str().unwrap().parse::<usize>().unwrap() % 2;
    assert_eq!((number("content"), number("name")), (0, 1));
}

#[tokio::test]
async fn a_conditional_deletion_removes_what_it_saw_or_nothing() {
    let (server, repo) = start().await;
    let item = repo.texts.create(text("x")).await.unwrap();
    let item = repo.texts.update(&item, Text::patch().content("y")).await.unwrap();
    let error = repo.texts.delete_at(&item.id, 1).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict { expected: 1, actual: 2 }), "{error}");
    assert!(error.key().unwrap().contains(item.id.as_str()) && error.operation() == "delete_at");
    assert!(repo.texts.get_version(&item.id, 1).await.unwrap().is_some());
    repo.texts.delete_at(&item.id, 2).await.unwrap();
    assert!(repo.texts.delete_at(&item.id, 2).await.unwrap_err().is_not_found());
    let left = server.keys().await;
    assert!(left.iter().all(|key| key.ends_with(":commits")), "{left:?}");
}
