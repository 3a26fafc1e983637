//! Items by name: the whole life of an item, many at once, owners, and documents of any content.

use metastore::{
    Collection as _, DynamicQuery, EnqueueOptions, ErrorKind, JobState, Priority, Store,
};
use serde_json::json;

use super::{json_of, orders};
use crate::fixture::{SOON, Text, order, start, start_with, text};

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
