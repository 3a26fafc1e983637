//! Times to live that are added to a collection, changed, removed or renewed.

use std::time::Duration;

use metastore::{Collection, Dynamic, ErrorKind, Repo, Store, Timestamp};
use metastore_tests::{Server, wait};
use serde_json::json;

use crate::fixture::{SOON, session, start as start_usual};

/// The collection under one policy each.
macro_rules! policy {
    ($module:ident, $($option:tt)*) => {
        mod $module {
            use metastore::Collection;
            use serde::{Deserialize, Serialize};
            use validator::Validate;

            #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
            #[collection(domain = "myapp", app = "evolution", name = "tickets", object_type = texts)]
            #[collection($($option)*)]
            #[mutation(length -> usize)]
            #[transformation(digest -> String)]
            pub(super) struct Ticket {
                pub(super) body: String,
            }

            impl Ticket {
                fn length(&self) -> usize {
                    self.body.len()
                }
            }
        }
    };
}

policy!(never, ttl = none);
policy!(hour, ttl = "1h");
policy!(two_hours, ttl = "2h");
policy!(kept_hour, ttl = "1h", ttl_on_update = keep);
policy!(kept_two_hours, ttl = "2h", ttl_on_update = keep);

const AT: &str = "myapp:evolution:tickets:t";
const EXPIRY: &str = "idx:myapp:evolution:tickets:expiry";
const HOUR: i64 = 3_600_000;

/// Operations of the newer program that correct the item's deadline.
const WAYS: [&str; 8] =
    ["update", "unchanged", "replace", "many", "many unchanged", "revert", "touch", "repair"];

async fn write<T: Collection>(repo: &Repo<T>, way: &str) {
    let dynamic = Dynamic::new().with(repo);
    let changed = json!({"body": "changed"});
    let same = json!({"body": "two"});
    match way {
        "update" => drop(dynamic.update_item("tickets", "t", changed).await.unwrap()),
        "unchanged" => {
            let item = dynamic.update_item("tickets", "t", same).await.unwrap();
            assert!(item.unchanged && item.version == 3);
        }
        "replace" => drop(dynamic.replace_item("tickets", "t", changed).await.unwrap()),
        "many" => {
            drop(repo.update_many([("t", T::patch())]).await);
            drop(dynamic.update_item("tickets", "t", changed).await.unwrap());
        }
        "many unchanged" => {
            let item = repo.update_many([("t", T::patch())]).await.remove(0).unwrap();
            assert!(item.unchanged && item.version == 3);
        }
        "revert" => drop(repo.revert("t", 1).await.unwrap()),
        "touch" => drop(dynamic.touch_item("tickets", "t").await.unwrap()),
        _ => {
            let report = repo.repair().await.unwrap();
            assert_eq!((report.wrong, report.failed), (1, 0));
        }
    }
}

/// An item of three versions with a result of each kind, under a policy; 5 minutes old if it
/// expires.
async fn create<T: Collection>(server: &Server, repo: &Repo<T>) {
    let dynamic = Dynamic::new().with(repo);
    dynamic.create_item_with_id("tickets", "t", json!({"body": "zero"})).await.unwrap();
    dynamic.materialize_mutation("tickets", "t", "length").await.unwrap();
    dynamic.enqueue("tickets", "t", "digest").await.unwrap();
    dynamic.update_item("tickets", "t", json!({"body": "one"})).await.unwrap();
    dynamic.update_item("tickets", "t", json!({"body": "two"})).await.unwrap();
    assert_agrees(server, repo, "new").await;
}

async fn deadline_of(server: &Server, key: &str) -> i64 {
    server.cli(&["PEXPIRETIME", key]).await.as_int()
}

/// The deadline that each read of an item returns equals that of its keys.
async fn assert_agrees<T: Collection>(server: &Server, repo: &Repo<T>, way: &str) {
    let real = deadline_of(server, &format!("{AT}:latest")).await;
    let real = u64::try_from(real).ok();
    let item = repo.get("t").await.unwrap().unwrap();
    let listed = repo.list().await.unwrap().into_vec().remove(0);
    let many = repo.get_many(["t"]).await.remove(0).unwrap().unwrap();
    for stated in [item.expires_at, listed.expires_at, many.expires_at] {
        let stated = stated.map(Timestamp::as_millis);
        assert!(
            stated == real || stated.zip(real).is_some_and(|(a, b)| a.abs_diff(b) <= 2),
            "{way}: stated {stated:?}, is {real:?}"
        );
    }
    let score = server.cli(&["ZSCORE", EXPIRY, "t"]).await;
    assert_eq!(score != metastore_tests::Reply::Nil, real.is_some(), "{way}: {score:?}");
    let report = repo.verify().await.unwrap();
    assert!(report.is_clean(), "{way}: {report:?}");
}

/// Everything of the item expires with the item, or nothing expires.
async fn assert_ends_with_its_item(server: &Server, way: &str) {
    let latest = deadline_of(server, &format!("{AT}:latest")).await;
    for key in server.keys().await {
        let ends = deadline_of(server, &key).await;
        if key.starts_with(&format!("{AT}:")) {
            assert_eq!(ends == -1, latest == -1, "{way}: {key} ends at {ends}, latest at {latest}");
            assert!(ends <= latest + 2, "{way}: {key}");
        }
    }
}

async fn left<T: Collection>(repo: &Repo<T>) -> Option<i64> {
    let item = repo.get("t").await.unwrap().unwrap();
    let now = repo.store().now().as_millis();
    Some(i64::try_from(item.expires_at?.as_millis()).unwrap() - i64::try_from(now).unwrap())
}

/// Changes the policy from `O` to `N` by each operation; `expected` hours are left afterwards, for
/// those operations that it `applies` to.
async fn change<O: Collection, N: Collection>(expected: Option<i64>, applies: fn(&str) -> bool) {
    for way in WAYS.into_iter().filter(|way| applies(way)) {
        let server = Server::start().await;
        let store = Store::connect(server.url()).await.unwrap();
        let (old, new) = (store.repo::<O>(), store.repo::<N>());
        create(&server, &old).await;
        let differs = O::SCHEMA.ttl != N::SCHEMA.ttl;
        assert_eq!(new.verify().await.unwrap().is_clean(), !differs, "{way}");
        write(&new, way).await;
        assert_agrees(&server, &new, way).await;
        assert_ends_with_its_item(&server, way).await;
        match (left(&new).await, expected) {
            (None, None) => {}
            (Some(left), Some(hours)) => {
                let most = hours * HOUR;
                assert!(left <= most && left > most - 60_000, "{way}: {left} ms are left");
            }
            other => panic!("{way}: {other:?}"),
        }
    }
}

fn always(_: &str) -> bool {
    true
}

#[tokio::test]
async fn a_removed_time_to_live_expires_no_item_that_is_written() {
    change::<hour::Ticket, never::Ticket>(None, always).await;
    change::<kept_hour::Ticket, never::Ticket>(None, always).await;
}

#[tokio::test]
async fn a_time_to_live_that_was_added_reaches_items_with_all_that_is_theirs() {
    change::<never::Ticket, hour::Ticket>(Some(1), always).await;
    change::<never::Ticket, kept_hour::Ticket>(Some(1), always).await;
}

#[tokio::test]
async fn a_time_to_live_that_was_changed_reaches_items() {
    change::<hour::Ticket, two_hours::Ticket>(Some(2), always).await;
    change::<two_hours::Ticket, hour::Ticket>(Some(1), always).await;
    // Writes keep the deadline then, and `repair` and `touch` do not.
    let by_request = |way: &str| way == "touch" || way == "repair";
    change::<kept_hour::Ticket, kept_two_hours::Ticket>(Some(2), by_request).await;
    change::<kept_two_hours::Ticket, kept_hour::Ticket>(Some(1), by_request).await;
    let by_write = |way: &str| !["touch", "repair"].contains(&way);
    for way in WAYS.into_iter().filter(|way| by_write(way)) {
        let server = Server::start().await;
        let store = Store::connect(server.url()).await.unwrap();
        create(&server, &store.repo::<kept_hour::Ticket>()).await;
        let before = deadline_of(&server, &format!("{AT}:latest")).await;
        write(&store.repo::<kept_two_hours::Ticket>(), way).await;
        let after = deadline_of(&server, &format!("{AT}:latest")).await;
        assert!((after - before).abs() <= 2, "{way}");
    }
}

#[tokio::test]
async fn repair_sets_the_whole_time_to_live_for_an_item_that_would_have_expired() {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    create(&server, &store.repo::<never::Ticket>()).await;
    let latest = format!("{AT}:latest");
    let stored = server.get_string(&latest).await.unwrap();
    let item = store.repo::<never::Ticket>().get("t").await.unwrap().unwrap();
    let long_ago = |time: Timestamp| (time.as_millis() - 10 * HOUR as u64).to_string();
    let (created, updated) = (item.created_at, item.updated_at);
    let old = stored
        .replace(&created.as_millis().to_string(), &long_ago(created))
        .replace(&updated.as_millis().to_string(), &long_ago(updated));
    server.cli(&["SET", &latest, &old]).await;
    server.cli(&["ZADD", "idx:myapp:evolution:tickets", &long_ago(created), "t"]).await;
    let hour = store.repo::<hour::Ticket>();
    hour.repair().await.unwrap();
    let left = left(&hour).await.unwrap();
    assert!(left <= HOUR && left > HOUR - 60_000, "{left}");
    assert!(hour.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn the_catalog_states_the_time_to_live() {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    let (hour, never) = (store.repo::<hour::Ticket>(), store.repo::<never::Ticket>());
    hour.register().await.unwrap();
    let listed = || async { store.collection(hour.address()).await.unwrap().unwrap().ttl_ms };
    assert_eq!(listed().await, Some(3_600_000));
    never.register().await.unwrap();
    assert_eq!(listed().await, None);
}

#[tokio::test]
async fn an_update_that_changes_nothing_renews_a_session() {
    let (server, repo) = start_usual().await;
    let first = repo.sessions.create_with_id("s", session("ada")).await.unwrap();
    let latest = "myapp:login:sessions:s:latest";
    // It is renewed by each write and keeps its version.
    let start = tokio::time::Instant::now();
    while start.elapsed() < Duration::from_millis(2_500) {
        let item = repo.sessions.replace("s", session("ada")).await.unwrap();
        assert!(item.unchanged && item.version == 1 && item.commit == first.commit);
        let stored = deadline_of(&server, latest).await;
        assert_eq!(item.expires_at.unwrap().as_millis(), u64::try_from(stored).unwrap());
        tokio::task::yield_now().await;
    }
    wait::until("the item to expire", SOON, async || server.get_string(latest).await.is_none())
        .await;
    assert!(repo.sessions.touch("s").await.unwrap_err().is_not_found());
    let error = repo.sessions.replace(&first, session("ada")).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn an_item_in_hand_that_is_out_of_date_renews_nothing() {
    let server = Server::start().await;
    let repo = Store::connect(server.url()).await.unwrap().repo::<hour::Ticket>();
    let old = repo.create_with_id("t", hour::Ticket { body: "one".into() }).await.unwrap();
    repo.modify("t", |ticket| ticket.body = "two".into()).await.unwrap();
    let before = deadline_of(&server, &format!("{AT}:latest")).await;
    let error = repo.replace(&old, hour::Ticket { body: "one".into() }).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict { expected: 1, actual: 2 }), "{error}");
    assert_eq!(deadline_of(&server, &format!("{AT}:latest")).await, before);
}

#[tokio::test]
async fn a_write_that_keeps_the_deadline_keeps_a_renewed_one() {
    let server = Server::start().await;
    let repo = Store::connect(server.url()).await.unwrap().repo::<kept_hour::Ticket>();
    let in_hand = repo.create_with_id("t", kept_hour::Ticket { body: "one".into() }).await.unwrap();
    let created = in_hand.expires_at.unwrap();
    wait::until("a later deadline", SOON, async || {
        repo.touch("t").await.unwrap().unwrap() > created
    })
    .await;
    let renewed = deadline_of(&server, &format!("{AT}:latest")).await;
    repo.update(&in_hand, kept_hour::Ticket::patch().body("two")).await.unwrap();
    let after = deadline_of(&server, &format!("{AT}:latest")).await;
    assert!((after - renewed).abs() <= 2);
    assert_agrees(&server, &repo, "kept").await;
}

#[tokio::test]
async fn an_item_without_a_time_to_live_never_expires_and_a_touch_says_so() {
    let server = Server::start().await;
    let repo = Store::connect(server.url()).await.unwrap().repo::<never::Ticket>();
    let item = repo.create_with_id("t", never::Ticket { body: "one".into() }).await.unwrap();
    assert_eq!((item.expires_at, repo.touch("t").await.unwrap()), (None, None));
    assert_agrees(&server, &repo, "touched").await;
}
