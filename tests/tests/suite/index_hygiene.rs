//! Indexes that are added later, that have drifted, and that are verified against the documents.

use metastore::{Collection, Cursor, ErrorKind, Repo};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::fixture::{Order, SOON, order, seat, start};
use metastore_tests::wait::until;

/// The struct before it had indexes.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "web", name = "people", object_type = texts)]
struct PersonBefore {
    name: String,
    age: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "web", name = "people", object_type = texts)]
struct Person {
    #[unique]
    name: String,
    #[index(range)]
    age: u32,
    #[index]
    #[serde(default)]
    tags: Vec<String>,
}

fn incomplete(error: &metastore::Error) -> (u64, u64) {
    let ErrorKind::IndexIncomplete { indexed, items, .. } = *error.kind() else {
        panic!("{error}")
    };
    (indexed, items)
}

#[tokio::test]
async fn a_new_index_is_never_shown_half_filled_and_needs_no_downtime() {
    let (_server, repo) = start().await;
    let before: Repo<PersonBefore> = repo.texts.store().repo();
    let people: Repo<Person> = repo.texts.store().repo();
    for number in 0..450 {
        before.create(PersonBefore { name: format!("p{number}"), age: number }).await.unwrap();
    }
    let query = || people.find(Person::AGE.at_least(440u32));
    assert_eq!(incomplete(&query().await.unwrap_err()), (0, 450));
    // New writers fill it with each write, and no query returns a part of the items meanwhile.
    people.create(Person { name: "new".into(), age: 500, tags: vec!["x".into()] }).await.unwrap();
    assert_eq!(incomplete(&query().count().await.unwrap_err()), (1, 451));
    let error = people.get_by(Person::NAME, "p3").await.unwrap_err();
    assert_eq!(incomplete(&error), (1, 451));
    let error = people.find(Person::TAGS.contains("x")).await.unwrap_err();
    assert_eq!(incomplete(&error), (1, 451));
    assert!(error.to_string().contains("run `backfill()`"), "{error}");

    // It is filled while others write, and reports its progress.
    let writer = {
        let people = people.clone();
        tokio::spawn(async move {
            for number in 0..100 {
                let item = people.list().oldest_first().offset(number).limit(1).await.unwrap();
                people.modify(&item[0].id, |person| person.age += 1_000).await.unwrap();
            }
        })
    };
    let mut seen = Vec::new();
    let report = people.backfill().progress(|so_far| seen.push(so_far.checked)).await.unwrap();
    writer.await.unwrap();
    assert_eq!((report.total, report.checked, report.failed), (451, 451, 0), "{report:?}");
    assert_eq!(seen, [200, 400, 451]);
    assert!(people.verify().await.unwrap().is_clean());
    assert_eq!(people.find(Person::AGE.at_least(1_000u32)).count().await.unwrap(), 100);
    assert_eq!(people.get_by(Person::NAME, "p3").await.unwrap().unwrap().data.name, "p3");

    // A writer that does not know the index makes it incomplete, and a query says so.
    before.create(PersonBefore { name: "old".into(), age: 441 }).await.unwrap();
    assert_eq!(incomplete(&query().await.unwrap_err()), (451, 452));
    assert_eq!(people.repair().await.unwrap().wrong, 1);
    assert!(query().await.is_ok());
}

#[tokio::test]
async fn an_interrupted_run_is_resumed() {
    let (_server, repo) = start().await;
    let before: Repo<PersonBefore> = repo.texts.store().repo();
    let people: Repo<Person> = repo.texts.store().repo();
    for number in 0..450 {
        before.create(PersonBefore { name: format!("p{number}"), age: 1 }).await.unwrap();
    }
    let mut resume: Option<Cursor> = None;
    // Dropping the future interrupts the run.
    let (told, mut hear) = tokio::sync::mpsc::unbounded_channel();
    let walk = people.backfill().progress(move |report| {
        told.send(report.resume.clone()).unwrap();
    });
    tokio::select! {
        _ = walk => {}
        first = hear.recv() => resume = first.unwrap(),
    }
    let report = people.backfill().resume(&resume.expect("more than one page")).await.unwrap();
    assert_eq!((report.checked, report.wrong), (250, 250), "the first 200 were not walked again");
    assert!(people.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn equal_values_that_were_there_before_the_field_was_unique_are_reported_and_kept() {
    let (_server, repo) = start().await;
    let before: Repo<PersonBefore> = repo.texts.store().repo();
    let people: Repo<Person> = repo.texts.store().repo();
    let first = before.create(PersonBefore { name: "same".into(), age: 1 }).await.unwrap();
    let second = before.create(PersonBefore { name: "same".into(), age: 2 }).await.unwrap();
    let report = people.backfill().await.unwrap();
    assert_eq!(report.failed, 1);
    assert_eq!(report.failures[0].id, second.id.as_str());
    let reason = &report.failures[0].reason;
    assert!(reason.contains(first.id.as_str()) && reason.contains("`name`"), "{reason}");
    // `verify` reports the same.
    assert_eq!(people.verify().await.unwrap().failures, report.failures);
    // All other indexes can be used, and hold both.
    assert_eq!(people.find(Person::AGE.at_least(0u32)).await.unwrap().len(), 2);
    let error = people.get_by(Person::NAME, "same").await.unwrap_err();
    assert_eq!(incomplete(&error), (1, 2));
    people.modify(&second.id, |person| person.name = "other".into()).await.unwrap();
    assert_eq!(people.repair().await.unwrap().failed, 0);
    assert_eq!(people.get_by(Person::NAME, "same").await.unwrap().unwrap().id, first.id);
}

#[tokio::test]
async fn every_kind_of_drift_is_reported_and_repaired() {
    let (server, repo) = start().await;
    let orders = &repo.orders;
    let mut ids = Vec::new();
    for total in 0..6 {
        let order = Order { country: Some("fr".into()), tags: vec!["x".into()], ..order(total) };
        ids.push(orders.create(order).await.unwrap().id.to_string());
    }
    let index = "idx:shop:web:orders";
    let by_country = format!("{index}:by:country");
    let entries = format!("{index}:entries");
    assert!(orders.verify().await.unwrap().is_clean());

    // A missing member, an orphaned entry, a missing record, an item removed without the library,
    // one that is not in the index.
    let members = server.cli(&["ZRANGE", &by_country, "0", "-1"]).await;
    let member = members.as_array()[0].as_bytes().to_vec();
    server.cli(&[b"ZREM".to_vec(), by_country.clone().into_bytes(), member]).await;
    server.cli(&[&b"ZADD"[..], by_country.as_bytes(), b"0", b"xde\x000193a1b2c3d4nobody"]).await;
    server.cli(&["HDEL", &entries, &ids[2]]).await;
    server.cli(&["DEL", &format!("shop:web:orders:{}:latest", ids[3])]).await;
    server.cli(&["ZREM", index, &ids[4]]).await;

    let report = orders.verify().await.unwrap();
    assert!(!report.is_clean() && !report.repaired);
    assert!(report.wrong >= 2 && report.orphans >= 1 && report.unlisted == 1, "{report:?}");
    let report = orders.repair().await.unwrap();
    assert!(report.repaired);
    let report = orders.verify().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(orders.find(Order::COUNTRY.eq("fr")).count().await.unwrap(), 5);
    assert_eq!(orders.find(Order::COUNTRY.eq("de")).count().await.unwrap(), 0);
    assert_eq!(orders.count().await.unwrap(), 5);
}

#[tokio::test]
async fn an_index_that_was_taken_off_the_struct_leaves_with_a_repair() {
    let (server, repo) = start().await;
    let before: Repo<PersonBefore> = repo.texts.store().repo();
    let people: Repo<Person> = repo.texts.store().repo();
    for name in ["a", "b"] {
        people.create(Person { name: name.into(), age: 1, tags: Vec::new() }).await.unwrap();
    }
    let report = before.repair().await.unwrap();
    assert_eq!(report.wrong, 2);
    let keys = server.keys().await;
    let indexes: Vec<_> = keys.iter().filter(|key| key.starts_with("idx:")).collect();
    assert_eq!(indexes, ["idx:shop:web:people"]);
}

#[tokio::test]
async fn ten_thousand_expired_items_leave_nothing_behind() {
    let (server, repo) = start().await;
    let seats = repo.as_user("u1").unwrap().seats;
    let creators: Vec<_> = (0..100)
        .map(|row: u32| {
            let seats = seats.clone();
            tokio::spawn(async move {
                for number in 0..100 {
                    seats.create(seat(row * 100 + number, &format!("r{row}"))).await.unwrap();
                    if number % 50 == 0 {
                        // Concurrent lists never show an expired item.
                        let now = seats.store().now();
                        for seat in seats.list().limit(1000).await.unwrap() {
                            let age = now.since(seat.created_at).as_millis();
                            assert!(age <= 251, "listed at the age of {age} ms");
                        }
                    }
                }
            })
        })
        .collect();
    for creator in creators {
        creator.await.unwrap();
    }
    // Without readers; the maintenance of a worker does the same as this.
    until("all to be reaped", SOON, async || {
        while repo.seats.reap_expired().await.unwrap() {}
        // The ids of creates that came too late for their time to live stay for two minutes.
        server.keys().await.iter().all(|key| key.ends_with(":commits"))
    })
    .await;
}
