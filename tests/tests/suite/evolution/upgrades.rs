//! Documents of an older shape are read in the current one.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use metastore::{Collection, ErrorKind, Item};
use metastore_tests::Server;
use metastore_worker::Worker;

use super::people::{ada, everything, named, start, v1, v2, v3};
use crate::fixture::SOON;

const KEY: &str = "myapp:evolution:people:ada:latest";

fn upgraded() -> v3::Person {
    let (first, family) = ("Ada".into(), "Lovelace".into());
    v3::Person { first, family, number: u64::MAX, language: "en".into() }
}

#[tokio::test]
async fn old_documents_are_read_in_the_current_shape_and_no_read_writes() {
    let (server, programs) = start().await;
    programs.first.create_with_id("ada", ada()).await.unwrap();
    let before = everything(&server).await;
    let third = &programs.third;

    let item = third.get("ada").await.unwrap().unwrap();
    assert_eq!(item.data, upgraded());
    // The header is unchanged.
    assert_eq!((item.version, item.schema), (1, 1));
    let two = tokio::join!(third.get("ada"), third.get("ada"));
    assert_eq!(two.0.unwrap().unwrap().data, two.1.unwrap().unwrap().data);
    assert_eq!(third.get_version("ada", 1).await.unwrap().unwrap().data, upgraded());
    assert_eq!(third.list().await.unwrap()[0].data, upgraded());
    assert_eq!(third.versions("ada").await.unwrap()[0].schema, 1);
    let many = third.get_many(["ada"]).await.remove(0).unwrap().unwrap();
    assert_eq!(many.data, upgraded());
    let all: Vec<_> = third.list().stream().try_collect().await.unwrap();
    assert_eq!(all[0].data, upgraded());
    assert_eq!(third.item("ada").greeting().run().await.unwrap(), "Hello Ada Lovelace");
    assert_eq!(third.item("ada").greeting().run_on(1).await.unwrap(), "Hello Ada Lovelace");
    let last = |person: &v3::Person| person.family.clone();
    let batch = third.item("ada").evaluate_all((v3::Person::GREETING, last)).await.unwrap();
    assert_eq!(batch, ("Hello Ada Lovelace".to_owned(), "Lovelace".to_owned()));
    // A change without effect stores nothing, not even a new shape.
    let same = third.update("ada", v3::Person::patch().language("en")).await.unwrap();
    assert!(same.unchanged && same.version == 1);
    assert_eq!(everything(&server).await, before);

    assert_eq!(third.item("ada").greeting().materialize().await.unwrap(), "Hello Ada Lovelace");
    let cached = third.item("ada").greeting().cached().await.unwrap().unwrap();
    assert_eq!((cached.source_version, cached.stale), (1, false));
}

#[tokio::test]
async fn history_with_several_shapes_reads_as_one() {
    let (server, programs) = start().await;
    let first = programs.first.create_with_id("ada", ada()).await.unwrap();
    programs.first.update(&first, v1::Person::patch().name("Ada King")).await.unwrap();
    programs.second.update("ada", v2::Person::patch().first("Augusta")).await.unwrap();
    let patch = v3::Person::patch().language("fr");
    let fourth = programs.third.update("ada", patch).await.unwrap();
    assert_eq!((fourth.version, fourth.schema), (4, 3));

    let before = everything(&server).await;
    for (version, schema, first, family, language) in [
        (1, 1, "Ada", "Lovelace", "en"),
        (2, 1, "Ada", "King", "en"),
        (3, 2, "Augusta", "King", "en"),
        (4, 3, "Augusta", "King", "fr"),
    ] {
        let item = programs.third.get_version("ada", version).await.unwrap().unwrap();
        let found = (item.schema, &*item.data.first, &*item.data.family, &*item.data.language);
        assert_eq!(found, (schema, first, family, language), "version {version}");
        assert_eq!(item.data.number, u64::MAX);
    }
    let versions = programs.third.versions("ada").await.unwrap();
    assert_eq!(versions.iter().map(|version| version.schema).collect::<Vec<_>>(), [3, 2, 1, 1]);
    // A diff compares contents, not shapes.
    let diff = programs.third.diff("ada", 1, 4).await.unwrap().to_string();
    for (field, is_there) in
        [("family", true), ("language", true), ("last", false), ("name", false)]
    {
        assert_eq!(diff.contains(field), is_there, "{field} in {diff}");
    }
    let back_then = programs.third.as_of("ada", versions[3].written_at).await.unwrap().unwrap();
    assert_eq!(back_then.data.number, u64::MAX);
    assert_eq!(everything(&server).await, before);
    // The key of the old version still has the old shape.
    let stored = server.get_string("myapp:evolution:people:ada:version:1").await.unwrap();
    assert!(stored.contains(r#""schema":1"#) && stored.contains(r#""name":"Ada Lovelace""#));
}

#[tokio::test]
async fn a_write_of_an_old_document_stores_the_new_shape() {
    let (server, programs) = start().await;
    let third = &programs.third;
    for id in ["update", "by-item", "update-at", "modify", "replace", "many"] {
        programs.first.create_with_id(id, ada()).await.unwrap();
    }
    let item = third.get("by-item").await.unwrap().unwrap();
    let patch = v3::Person::patch().language("fr");
    let expected = v3::Person { language: "fr".into(), ..upgraded() };
    for written in [
        third.update("update", patch.clone()).await.unwrap(),
        third.update(&item, patch.clone()).await.unwrap(),
        third.update_at("update-at", 1, patch.clone()).await.unwrap(),
        third.update_many([("many", patch)]).await.remove(0).unwrap(),
        third.modify("modify", |person| person.language = "fr".into()).await.unwrap(),
        third.replace("replace", expected.clone()).await.unwrap(),
    ] {
        assert_eq!((written.version, written.schema), (2, 3));
        assert_eq!(written.data, expected);
        let key = third.address().latest(&written.id);
        let stored = server.get_string(&key).await.unwrap();
        assert!(stored.contains(r#""schema":3"#) && !stored.contains(r#""name""#), "{stored}");
        assert_eq!(third.get(&written.id).await.unwrap().unwrap().data, expected);
    }
}

#[tokio::test]
async fn what_an_upgrade_does_not_change_is_preserved_byte_for_byte() {
    let (server, programs) = start().await;
    programs.first.create_with_id("ada", ada()).await.unwrap();
    // As another program may have written it, with a number that no `Value` holds.
    let unknown = r#""wide":123456789012345678901234567890,"price":1.50,"small":9007199254740993"#;
    let stored = server.get_string(KEY).await.unwrap();
    let stored = stored.replace(r#""number":"#, &format!(r#"{unknown},"number":"#));
    server.cli(&["SET", KEY, &stored]).await;

    let item = programs.third.get("ada").await.unwrap().unwrap();
    assert_eq!(item.data, upgraded());
    programs.third.update(&item, v3::Person::patch().language("fr")).await.unwrap();
    let stored = server.get_string(KEY).await.unwrap();
    for part in unknown.split(',').chain([r#""number":18446744073709551615"#]) {
        assert!(stored.contains(part), "{part} in {stored}");
    }
}

#[tokio::test]
async fn a_worker_gets_old_documents_in_the_current_shape() {
    let (_server, programs) = start().await;
    programs.first.create_with_id("ada", ada()).await.unwrap();
    programs.first.create_with_id("bad", named("Plato")).await.unwrap();
    let good = programs.first.item("ada").praise().enqueue().await.unwrap();
    let bad = programs.first.item("bad").praise().enqueue().await.unwrap();
    let worker = Worker::builder(&programs.third)
        .handle(v3::Person::PRAISE, |item: Item<v3::Person>, _job| async move {
            Ok::<_, String>(format!("well done, {}", item.data.first))
        })
        .build()
        .start()
        .unwrap();
    assert_eq!(good.wait(SOON).await.unwrap(), "well done, Ada");
    // The same bytes would fail again, so the job is dead at once with the reason.
    let error = bad.wait(SOON).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::JobFailed { attempts: 1, message }
            if message.contains("from schema 1 to 2: there is only one name")),
        "{error}"
    );
    worker.stop().await;
}

#[tokio::test]
async fn an_upgrade_that_fails_or_panics_names_the_document_and_leaves_it_alone() {
    let (server, programs) = start().await;
    programs.first.create_with_id("one", named("Plato")).await.unwrap();
    programs.first.create_with_id("two", named("panic")).await.unwrap();
    programs.first.create_with_id("three", ada()).await.unwrap();
    let before = everything(&server).await;
    let third = &programs.third;
    for (id, expected) in [
        ("one", "there is only one name"),
        ("two", "the function panicked: assertion `left != right` failed: what a strange name"),
    ] {
        let patch = v3::Person::patch().language("fr");
        for error in [
            third.get(id).await.unwrap_err(),
            third.get_version(id, 1).await.unwrap_err(),
            third.item(id).greeting().run().await.unwrap_err(),
            third.item(id).greeting().materialize().await.unwrap_err(),
            third.update(id, patch.clone()).await.unwrap_err(),
            third.update_at(id, 1, patch).await.unwrap_err(),
            third.modify(id, |_| {}).await.unwrap_err(),
        ] {
            let ErrorKind::Upgrade { version: 1, from: 1, to: 2, message } = error.kind() else {
                panic!("{error}")
            };
            assert!(message.starts_with(expected), "{message}");
            assert_eq!(error.key(), Some(&*format!("myapp:evolution:people:{id}:latest")));
            assert!(!error.is_retryable() && !error.is_validation());
        }
    }
    let listed = third.list().await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["three"]);
    let of_upgrades = |error: &metastore::Error| matches!(error.kind(), ErrorKind::Upgrade { .. });
    assert!(listed.unreadable.iter().all(|one| of_upgrades(&one.error)), "{listed:?}");
    assert_eq!(listed.unreadable.len(), 2);
    assert_eq!(everything(&server).await, before);
    // The other program and the other documents are not affected.
    assert_eq!(programs.first.get("one").await.unwrap().unwrap().data.name, "Plato");
    assert_eq!(third.get("three").await.unwrap().unwrap().data, upgraded());
    assert!(third.delete("one").await.unwrap());
}

#[tokio::test]
async fn a_document_that_is_wrong_before_or_after_an_upgrade_names_the_place() {
    let (server, programs) = start().await;
    programs.first.create_with_id("ada", ada()).await.unwrap();
    let stored = server.get_string(KEY).await.unwrap();
    let message = async |stored: &str| {
        server.cli(&["SET", KEY, stored]).await;
        programs.third.get("ada").await.unwrap_err().to_string()
    };
    let text = message(&stored.replace("18446744073709551615", "\"many\"")).await;
    assert!(text.contains("does not decode at `data.number`"), "{text}");
    assert!(text.contains("after the upgrade from schema 1"), "{text}");
    let text = message(&stored.replace("18446744073709551615", "1e999")).await;
    assert!(text.contains("upgraded from schema 1 to 2: `number`: number out of range"), "{text}");
    let text = message(&stored.replace(r#""schema":1"#, r#""schema":0"#)).await;
    assert!(
        text.contains("upgraded from schema 0 to 1: such a schema number does not exist"),
        "{text}"
    );
    let text = message(&stored.replace(r#""data":{"#, r#""data":[{"#).replace("}}", "}]}")).await;
    assert!(text.contains("upgraded from schema 1 to 2: invalid type: sequence"), "{text}");
}

#[tokio::test]
async fn current_documents_are_read_without_a_value() {
    let server = Server::start().await;
    let repo = metastore::Store::connect(server.url()).await.unwrap().repo::<v3::Person>();
    let item = repo.create(upgraded()).await.unwrap();
    let key = repo.address().latest(&item.id);
    // Only a reader that knows the type reads this number: a `Value` does not hold it, and an
    // upgrade would say so.
    let stored = server.get_string(&key).await.unwrap();
    let odd = stored.replace(r#""language":"#, r#""unknown":1e999,"language":"#);
    server.cli(&["SET", &key, &odd]).await;
    assert_eq!(repo.get(&item.id).await.unwrap().unwrap().data, upgraded());
    tokio::time::timeout(Duration::from_secs(5), repo.list()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_revert_restores_an_old_version_in_the_current_shape() {
    let (server, programs) = start().await;
    programs.first.create_with_id("ada", ada()).await.unwrap();
    let third = &programs.third;
    third.update("ada", v3::Person::patch().first("Augusta").language("fr")).await.unwrap();
    let reverted = third.revert("ada", 1).await.unwrap();
    assert_eq!((reverted.version, reverted.schema, &reverted.data), (3, 3, &upgraded()));
    let stored = server.get_string(KEY).await.unwrap();
    assert!(stored.contains(r#""schema":3"#) && stored.contains(r#""family":"Lovelace""#));
    let error = programs.first.revert("ada", 1).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NewerSchema { .. }), "{error}");
}
