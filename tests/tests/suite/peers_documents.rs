//! Problems that users of comparable document layers report: one test for each, named after what is
//! prevented here.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metastore::{Collection, ErrorKind, Store};
use metastore_tests::Server;
use metastore_tests::wait::until;

use crate::evolution::people::{self, v1, v2, v3};
use crate::fixture::{
    Counter, MyRepo, Order, SOON, Text, order, seat, session, start, start_proxied, text,
};

#[tokio::test]
async fn saves_of_different_fields_do_not_clobber_each_other() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let writers: Vec<_> =
        [Text::patch().name("new"), Text::patch().content("new"), Text::patch().language("en")]
            .into_iter()
            .map(|patch| {
                let (texts, id) = (repo.texts.clone(), item.id.clone());
                tokio::spawn(async move { texts.update(&id, patch).await.unwrap() })
            })
            .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let item = repo.texts.get(&item.id).await.unwrap().unwrap();
    let all = Text { name: "new".into(), content: "new".into(), language: Some("en".into()) };
    assert_eq!((item.version, &item.data), (4, &all));
}

#[tokio::test]
async fn saving_a_stale_copy_is_a_conflict() {
    let (_server, repo) = start().await;
    let stale = repo.texts.create(text("one")).await.unwrap();
    for content in ["two", "three"] {
        repo.texts.update(&stale.id, Text::patch().content(content)).await.unwrap();
    }
    let errors = [
        repo.texts.update(&stale, Text::patch().name("late")).await.unwrap_err(),
        repo.texts.replace(&stale, text("late")).await.unwrap_err(),
        repo.texts.modify(&stale, |text| text.content.clear()).await.unwrap_err(),
        repo.texts.update_at(&stale.id, 1, Text::patch().name("late")).await.unwrap_err(),
    ];
    for error in errors {
        let ErrorKind::Conflict { expected: 1, actual: 3 } = error.kind() else {
            panic!("{error}")
        };
    }
    let item = repo.texts.get(&stale.id).await.unwrap().unwrap();
    assert_eq!((item.version, item.data.content.as_str()), (3, "three"));
}

#[tokio::test]
async fn no_save_loses_the_time_to_live() {
    let (server, repo) = start().await;
    let sessions = &repo.sessions;
    let item = sessions.create(session("ann")).await.unwrap();
    let key = format!("myapp:login:sessions:{}:latest", item.id);
    let lives = async |what: &str| {
        let left = server.cli(&["PTTL", &key]).await.as_int();
        assert!((1..=1_000).contains(&left), "{left} ms after {what}");
    };
    lives("create").await;
    sessions.update(&item.id, crate::fixture::Session::patch().user("bob")).await.unwrap();
    lives("update").await;
    sessions.replace(&item.id, session("eve")).await.unwrap();
    lives("replace").await;
    sessions.modify(&item.id, |session| session.user.push('!')).await.unwrap();
    lives("modify").await;
    let patch = crate::fixture::Session::patch().user("many");
    sessions.update_many([(&item.id, patch)]).await.remove(0).unwrap();
    lives("update_many").await;
    sessions.repair().await.unwrap();
    lives("repair").await;
    sessions.item(&item.id).length().materialize().await.unwrap();
    let derived = format!("myapp:login:sessions:{}:mutation:length", item.id);
    assert!(server.cli(&["PTTL", &derived]).await.as_int() > 0, "what is derived lives no longer");
}

#[tokio::test]
async fn expired_items_leave_no_residue_no_wrong_count_and_no_null_in_a_list() {
    let (server, repo) = start().await;
    let created = repo.seats.create_many((0..300).map(|number| seat(number, "a"))).await;
    assert!(created.iter().all(Result::is_ok));
    until("all have expired", SOON, async || {
        let listed = repo.seats.list().limit(1_000).await.unwrap();
        // A count that is asked for later is never greater than what was listed before.
        repo.seats.count().await.unwrap() <= listed.len() as u64 && listed.is_empty()
    })
    .await;
    assert_eq!(repo.seats.find(crate::fixture::Seat::ROW.eq("a")).count().await.unwrap(), 0);
    // On a slow machine a create may be refused and repeated, because its time to live has passed
    // already.
    let left = server.keys().await;
    assert!(left.iter().all(|key| key.ends_with(":commits")), "{left:?}");
}

#[tokio::test]
async fn repairing_an_index_shows_no_empty_result_meanwhile() {
    let (_server, repo) = start().await;
    let orders = (0..400).map(|total| Order { country: Some("fr".into()), ..order(total) });
    assert!(repo.orders.create_many(orders).await.iter().all(Result::is_ok));
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (orders, done) = (repo.orders.clone(), done.clone());
        tokio::spawn(async move {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) || reads == 0 {
                let french = orders.find(Order::COUNTRY.eq("fr")).count().await.unwrap();
                assert_eq!(french, 400, "an incomplete index was used during the repair");
                reads += 1;
            }
        })
    };
    for _ in 0..3 {
        repo.orders.repair().await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    reader.await.unwrap();
}

#[tokio::test]
async fn there_is_no_wall_at_offset_10_000_and_no_page_reads_everything() {
    let (_server, proxy, repo) = start_proxied(Store::options()).await;
    let counters = (0..10_100).map(|count| Counter { count });
    let created = repo.counters.create_many(counters).chunk(1_000).await;
    assert!(created.iter().all(Result::is_ok));
    let deep = repo.counters.list().oldest_first().offset(10_050).limit(10).await.unwrap();
    // Items of one millisecond are in the order of their ids, which is that of their creation.
    assert_eq!(deep[0].data.count, 10_050);

    // The first cursor of a store fetches the key for all.
    repo.counters.list().limit(1).page().await.unwrap();
    let mut cursor = None;
    let mut costs = Vec::new();
    for _ in 0..101 {
        let query = repo.counters.list().oldest_first().limit(100);
        let query = match &cursor {
            Some(cursor) => query.after(cursor),
            None => query,
        };
        proxy.reset_counts();
        let page = query.page().await.unwrap();
        assert_eq!(page.items.len(), 100);
        costs.push((proxy.round_trips(), proxy.bytes_down()));
        cursor = page.next;
    }
    assert!(cursor.is_none());
    let (trips, bytes) = costs[0];
    for (page, (page_trips, page_bytes)) in costs.iter().enumerate() {
        assert_eq!(*page_trips, trips, "page {page}");
        assert!(*page_bytes < 2 * bytes, "page {page} reads {page_bytes} bytes, the first {bytes}");
    }
}

#[tokio::test]
async fn a_unique_field_is_unique_and_a_cleared_field_is_cleared() {
    let (_server, repo) = start().await;
    let paid = |payment: &str| Order { payment: Some(payment.to_owned()), ..order(1) };
    let first = repo.orders.create(paid("p1")).await.unwrap();
    let error = repo.orders.create(paid("p1")).await.unwrap_err();
    let ErrorKind::AlreadyExists { field: Some(field) } = error.kind() else { panic!("{error}") };
    assert_eq!(field, "payment");
    let cleared = repo.orders.update(&first, Order::patch().payment(None)).await.unwrap();
    assert_eq!(cleared.data.payment, None);
    assert_eq!(repo.orders.get(&first.id).await.unwrap().unwrap().data.payment, None);
    repo.orders.create(paid("p1")).await.unwrap();
}

#[tokio::test]
async fn a_missing_id_reads_as_none_and_no_write_restores_an_expired_item() {
    let (server, repo) = start().await;
    assert!(repo.texts.get("nobody").await.unwrap().is_none());
    let item = repo.sessions.create(session("ann")).await.unwrap();
    until("it has expired", SOON, async || repo.sessions.get(&item.id).await.unwrap().is_none())
        .await;
    let patch = || crate::fixture::Session::patch().user("late");
    for error in [
        repo.sessions.update(&item, patch()).await.unwrap_err(),
        repo.sessions.update(&item.id, patch()).await.unwrap_err(),
        repo.sessions.update_at(&item.id, 1, patch()).await.unwrap_err(),
        repo.sessions.replace(&item, session("late")).await.unwrap_err(),
        repo.sessions.update_many([(&item.id, patch())]).await.remove(0).unwrap_err(),
    ] {
        assert!(error.is_not_found(), "{error}");
    }
    assert!(repo.sessions.list().await.unwrap().is_empty());
    assert_eq!(server.keys().await, [""; 0]);
}

#[tokio::test]
async fn a_cluster_is_refused_at_once_instead_of_failing_at_some_write_with_crossslot() {
    let server = Server::builder().arg("--cluster-enabled", "yes").start().await;
    let error = Store::connect(server.url()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error:?}");
    assert!(error.to_string().contains("Redis Cluster"), "{error}");
}

#[tokio::test]
async fn every_write_path_keeps_the_version_before() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("1")).await.unwrap();
    let item = repo.texts.update(&item, Text::patch().content("2")).await.unwrap();
    repo.texts.update(&item.id, Text::patch().content("3")).await.unwrap();
    repo.texts.update_at(&item.id, 3, Text::patch().content("4")).await.unwrap();
    repo.texts.replace(&item.id, text("5")).await.unwrap();
    repo.texts.modify(&item.id, |text| text.content = "6".into()).await.unwrap();
    let patch = Text::patch().content("7");
    repo.texts.update_many([(&item.id, patch)]).await.remove(0).unwrap();
    repo.texts.revert(&item.id, 1).await.unwrap();
    for (version, content) in (1..).zip(["1", "2", "3", "4", "5", "6", "7", "1"]) {
        let kept = repo.texts.get_version(&item.id, version).await.unwrap().unwrap();
        assert_eq!(kept.data.content, content, "version {version}");
    }
}

#[tokio::test]
async fn old_versions_still_load_after_a_schema_change() {
    let (_server, programs) = people::start().await;
    programs.first.create_with_id("ada", people::ada()).await.unwrap();
    programs.second.update("ada", v2::Person::patch().first("Augusta")).await.unwrap();
    let third = &programs.third;
    third.update("ada", v3::Person::patch().language("fr")).await.unwrap();
    for (version, first, language) in [(1, "Ada", "en"), (2, "Augusta", "en"), (3, "Augusta", "fr")]
    {
        let data = &third.get_version("ada", version).await.unwrap().unwrap().data;
        assert_eq!((&*data.first, &*data.family, &*data.language), (first, "Lovelace", language));
    }
    programs
        .first
        .create_with_id("eve", v1::Person { name: "Eve Adams".into(), number: 2 })
        .await
        .unwrap();
    assert_eq!(third.migrate().await.unwrap().upgraded, 1);
    assert_eq!(third.get_version("eve", 1).await.unwrap().unwrap().data.family, "Adams");
}

#[tokio::test]
async fn no_watch_is_used_on_the_connection_that_all_share() {
    let (server, repo) = start().await;
    let item = repo.texts.create(text("")).await.unwrap();
    let writers: Vec<_> = (0..16)
        .map(|_| {
            let (texts, id) = (repo.texts.clone(), item.id.clone());
            tokio::spawn(async move {
                for _ in 0..5 {
                    texts.modify(&id, |text| text.content.push('x')).await.unwrap();
                    texts.create(text("other")).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let item = repo.texts.get(&item.id).await.unwrap().unwrap();
    assert_eq!(item.data.content.len(), 80, "an update was lost");
    assert!(!server.command_counts().await.contains_key("watch"));
}

/// The budget tests of the derive crate bound the size of generated code.
#[test]
fn what_the_derives_refuse_is_explained_at_the_users_own_code() {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
    let mut seen = 0;
    for class in std::fs::read_dir(ui).unwrap() {
        for file in std::fs::read_dir(class.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "stderr") {
                continue;
            }
            let message = std::fs::read_to_string(&path).unwrap();
            let source = path.with_extension("rs");
            let name = source.file_name().unwrap().to_str().unwrap();
            for error in message.split("\nerror").filter(|error| error.contains("-->")) {
                let place = error.lines().find(|line| line.trim_start().starts_with("-->"));
                assert!(place.unwrap().contains(name), "{}: {error}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} expectations were found");
}

#[tokio::test]
async fn repositories_share_one_connection() {
    let (server, repo) = start().await;
    let other = MyRepo::with_store(repo.texts.store());
    other.texts.create(text("one")).await.unwrap();
    let clients: i64 = server.info_field("connected_clients").await.parse().unwrap();
    // The store's, and the one that asks.
    assert_eq!(clients, 2);
}
