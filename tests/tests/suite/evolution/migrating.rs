//! Migrating old documents in bulk, concurrently with other writers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use metastore::{Collection, ErrorKind, Repo, Store};
use metastore_tests::{Reply, Server, wait};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::fixture::SOON;

use super::people::{Programs, ada, everything, named, start, v1, v2, v3};

fn id(n: u64) -> String {
    format!("person-{n:04}")
}

/// Documents of the first program.
async fn create(programs: &Programs, count: u64) {
    for n in 0..count {
        let person = v1::Person { name: format!("Number {n}"), number: n };
        programs.first.create_with_id(id(n), person).await.unwrap();
    }
}

#[tokio::test]
async fn every_old_document_becomes_a_new_version_and_none_is_touched_twice() {
    let (server, programs) = start().await;
    create(&programs, 600).await;
    programs.second.update(id(3).as_str(), v2::Person::patch().first("Three")).await.unwrap();
    programs.third.update(id(4).as_str(), v3::Person::patch().language("fr")).await.unwrap();

    let mut seen = Vec::new();
    let note = |p: &metastore::MigrationReport| seen.push((p.done, p.total, p.resume.is_some()));
    let report = programs.third.migrate().progress(note).await.unwrap();
    assert_eq!(seen, [(500, 600, true), (600, 600, false)]);
    assert_eq!((report.upgraded, report.skipped, report.failed), (599, 1, 0));
    assert!(report.failures.is_empty() && report.resume.is_none());

    for n in 0..600 {
        let item = programs.third.get(id(n).as_str()).await.unwrap().unwrap();
        let (version, first) = if n == 3 { (3, "Three") } else { (2, "Number") };
        assert_eq!((item.schema, item.version, item.data.number), (3, version, n));
        assert_eq!((item.data.first.as_str(), item.data.family.as_str()), (first, &*n.to_string()));
    }
    // The document before the migration is a version like any other.
    let old = programs.first.get_version(id(0).as_str(), 1).await.unwrap().unwrap();
    assert_eq!(old.data.name, "Number 0");
    let trail =
        server.cli(&["XREVRANGE", "stream:audit:myapp:evolution:people:person-0000", "+", "-"]);
    let trail = trail.await;
    let last = trail.as_array()[0].as_array()[1].as_strings();
    assert_eq!(&last[..4], ["op", "migrate", "version", "2"]);

    let before = everything(&server).await;
    let again = programs.third.migrate().await.unwrap();
    assert_eq!((again.done, again.upgraded, again.skipped), (600, 0, 600));
    // A program whose struct is older than the documents has nothing to do either.
    let older = programs.first.migrate().await.unwrap();
    assert_eq!((older.upgraded, older.skipped, older.failed), (0, 600, 0));
    assert_eq!(everything(&server).await, before);
}

#[tokio::test]
async fn a_dry_run_reports_what_would_change_and_writes_nothing() {
    let (server, programs) = start().await;
    create(&programs, 20).await;
    programs.first.create_with_id("bad", named("Plato")).await.unwrap();
    let long = format!("Long {}", "x".repeat(21));
    programs.first.create_with_id("long", named(&long)).await.unwrap();
    let before = everything(&server).await;
    let would = programs.third.migrate().dry_run().await.unwrap();
    assert_eq!((would.done, would.upgraded, would.skipped, would.failed), (22, 20, 0, 2));
    assert_eq!(everything(&server).await, before);
    let is = programs.third.migrate().await.unwrap();
    assert_eq!((is.done, is.upgraded, is.skipped, is.failed), (22, 20, 0, 2));
    let ids = |report: &metastore::MigrationReport| -> BTreeSet<String> {
        report.failures.iter().map(|failure| failure.id.to_string()).collect()
    };
    assert_eq!(ids(&would), ids(&is));
}

#[tokio::test]
async fn what_cannot_be_migrated_is_named_and_unchanged_and_stops_nothing() {
    let (server, programs) = start().await;
    create(&programs, 3).await;
    for (id, name) in [("one-name", "Plato"), ("panic", "panic")] {
        programs.first.create_with_id(id, named(name)).await.unwrap();
    }
    let long = format!("Long {}", "x".repeat(21));
    programs.first.create_with_id("long", named(&long)).await.unwrap();
    for id in ["odd", "list", "none"] {
        programs.first.create_with_id(id, ada()).await.unwrap();
    }
    let key = |id: &str| format!("myapp:evolution:people:{id}:latest");
    let stored = server.get_string(&key("odd")).await.unwrap();
    let odd = stored.replace("18446744073709551615", "\"many\"");
    server.cli(&["SET", &key("odd"), &odd]).await;
    server.cli(&["DEL", &key("list")]).await;
    server.cli(&["RPUSH", &key("list"), "x"]).await;
    server.cli(&["SET", &key("none"), "no envelope"]).await;
    let mut before = everything(&server).await;

    let report = programs.third.migrate().await.unwrap();
    assert_eq!((report.done, report.upgraded, report.skipped, report.failed), (9, 3, 0, 6));
    for (id, expected) in [
        ("one-name", "from schema 1 to 2: there is only one name"),
        ("panic", "from schema 1 to 2: the function panicked: "),
        ("long", "invalid document: family: must have a length of at most 20"),
        ("odd", "does not decode at `data.number`"),
        ("list", "another type of value"),
        ("none", "not a metastore document"),
    ] {
        let failure = report.failures.iter().find(|failure| failure.id.as_str() == id).unwrap();
        assert_eq!(failure.error.key(), Some(&*key(id)));
        assert_eq!(failure.error.operation(), "migrate");
        let text = failure.error.to_string();
        assert!(text.contains(expected), "{text}");
    }
    let mut after = everything(&server).await;
    for changed in [&mut before, &mut after] {
        changed.retain(|key, _| {
            ["one-name", "panic", "long", "odd", "list", "none"]
                .iter()
                .any(|id| key.contains(&format!(":{id}")))
        });
    }
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_report_lists_a_hundred_failures_and_counts_them_all() {
    let (_server, programs) = start().await;
    for n in 0..150 {
        programs.first.create_with_id(id(n), named("Plato")).await.unwrap();
    }
    let report = programs.third.migrate().await.unwrap();
    assert_eq!((report.failed, report.failures.len()), (150, 100));
}

#[tokio::test]
async fn a_run_resumes_where_another_ended() {
    let (_server, programs) = start().await;
    create(&programs, 60).await;
    let third = &programs.third;
    let first = third.migrate().limit(25).await.unwrap();
    assert_eq!((first.done, first.upgraded), (25, 25));
    let cursor = first.resume.unwrap();
    // Items created and deleted meanwhile do not move the position.
    programs.first.delete(id(24).as_str()).await.unwrap();
    programs.first.delete(id(30).as_str()).await.unwrap();
    programs.first.create_with_id("later", ada()).await.unwrap();
    let second = third.migrate().resume(&cursor).limit(10).await.unwrap();
    assert_eq!((second.done, second.upgraded, second.skipped), (10, 10, 0));
    let rest = third.migrate().resume(&second.resume.unwrap()).await.unwrap();
    assert_eq!((rest.done, rest.upgraded, rest.skipped), (25, 25, 0));
    assert!(rest.resume.is_none());
    for item in third.list().limit(100).await.unwrap() {
        assert_eq!((item.schema, item.version), (3, 2), "{}", item.id);
    }
    let error = third.migrate().limit(0).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
    let error = third.migrate().resume(&"nonsense".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
}

#[tokio::test]
async fn two_migrations_at_once_write_each_document_once() {
    let (server, programs) = start().await;
    create(&programs, 400).await;
    let other = Store::connect(server.url()).await.unwrap().repo::<v3::Person>();
    let (one, two) = tokio::join!(programs.third.migrate(), other.migrate());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.upgraded + two.upgraded, 400);
    assert_eq!(one.skipped + two.skipped, 400);
    assert_eq!((one.failed, two.failed), (0, 0));
    for n in 0..400 {
        let item = programs.third.get(id(n).as_str()).await.unwrap().unwrap();
        assert_eq!((item.version, item.schema), (2, 3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_both_shapes_lose_nothing_while_a_migration_runs() {
    const ITEMS: usize = 40;
    let (_server, programs) = start().await;
    for n in 0..ITEMS {
        programs.first.create_with_id(id(n as u64), named(&format!("Number {n}"))).await.unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (written, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut writers = Vec::new();
    for seed in 0..4 {
        let (old, new) = (programs.first.clone(), programs.third.clone());
        let (stop, written, refused) = (stop.clone(), written.clone(), refused.clone());
        writers.push(tokio::spawn(async move {
            let mut counted = [0u64; ITEMS];
            let mut n = seed;
            while !stop.load(Ordering::SeqCst) {
                n = (n + 7) % ITEMS;
                let target = id(n as u64);
                let ended = if seed % 2 == 0 {
                    old.modify(&*target, |person| person.number += 1).await.map(drop)
                } else {
                    new.modify(&*target, |person| person.number += 1).await.map(drop)
                };
                match ended {
                    Ok(()) => {
                        counted[n] += 1;
                        written.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) if matches!(error.kind(), ErrorKind::NewerSchema { .. }) => {
                        refused.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            counted
        }));
    }
    let reach = async |what: &str, number: &AtomicU64, least: u64| {
        wait::until(what, SOON, async || number.load(Ordering::SeqCst) >= least).await;
    };
    reach("all write", &written, 20).await;
    let report = programs.third.migrate().await.unwrap();
    assert_eq!((report.done, report.failed), (ITEMS as u64, 0));
    let so_far = written.load(Ordering::SeqCst);
    reach("the newer ones write on", &written, so_far + 20).await;
    reach("the older ones are refused", &refused, 20).await;
    stop.store(true, Ordering::SeqCst);
    let mut expected = [1u64; ITEMS];
    for writer in writers {
        for (sum, counted) in expected.iter_mut().zip(writer.await.unwrap()) {
            *sum += counted;
        }
    }
    for (n, number) in expected.into_iter().enumerate() {
        let item = programs.third.get(&*id(n as u64)).await.unwrap().unwrap();
        assert_eq!((item.schema, item.data.number), (3, number), "{}", item.id);
        assert_eq!(item.data.family, n.to_string());
    }
}

/// Lives for a day, in two shapes that look the same in JSON.
mod passing {
    use super::{Collection, Deserialize, Serialize, Validate};
    use serde_json::{Map, Value};

    pub(super) mod old {
        use super::{Collection, Deserialize, Serialize, Validate};

        #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
        #[collection(domain = "myapp", app = "evolution", name = "passing", object_type = state)]
        #[collection(ttl = "1d")]
        pub(in super::super) struct Passing {
            pub(in super::super) number: u64,
        }
    }

    #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "passing", object_type = state)]
    #[collection(ttl = "1d", schema = 2)]
    #[upgrade(1 -> 2, with = nothing)]
    pub(super) struct Passing {
        pub(super) number: u64,
    }

    const fn nothing(_: &mut Map<String, Value>) -> Result<(), std::convert::Infallible> {
        Ok(())
    }
}

#[tokio::test]
async fn a_migration_keeps_deadlines_and_rewrites_documents_that_look_the_same() {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    let (old, new): (Repo<passing::old::Passing>, Repo<passing::Passing>) =
        (store.repo(), store.repo());
    old.create_with_id("a", passing::old::Passing { number: 7 }).await.unwrap();
    // Half of its time to live has passed.
    let (key, expiry) = (new.address().latest(&"a".parse().unwrap()), new.address().expiry());
    let deadline = (new.store().now().as_millis() + 43_200_000).to_string();
    server.cli(&["PEXPIREAT", &key, &deadline]).await;
    server.cli(&["ZADD", &expiry, &deadline, "a"]).await;

    let report = new.migrate().await.unwrap();
    assert_eq!((report.upgraded, report.skipped), (1, 0));
    let item = new.get("a").await.unwrap().unwrap();
    assert_eq!((item.version, item.schema, item.data.number), (2, 2, 7));
    let Reply::Int(now) = server.cli(&["PEXPIRETIME", &key]).await else { panic!("no deadline") };
    assert!((now - deadline.parse::<i64>().unwrap()).abs() < 1_000, "{now} and {deadline}");
    assert_eq!(server.cli(&["ZSCORE", &expiry, "a"]).await.as_str(), deadline);
    // An ordinary update restarts the time to live.
    new.update("a", passing::Passing::patch().number(8)).await.unwrap();
    let Reply::Int(later) = server.cli(&["PEXPIRETIME", &key]).await else { panic!("no deadline") };
    assert!(later > now + 40_000_000);
}

#[tokio::test]
async fn a_migration_that_loses_its_server_reports_it_and_can_be_repeated() {
    let (server, programs) = start().await;
    create(&programs, 600).await;
    let proxy = metastore_tests::Proxy::start(server.port()).await;
    let store = Store::options().command_timeout(std::time::Duration::from_millis(500));
    let store = store.outcome_timeout(std::time::Duration::from_millis(500));
    let third = store.connect(proxy.url()).await.unwrap().repo::<v3::Person>();
    let mut cursor = None;
    let cut = |p: &metastore::MigrationReport| {
        cursor = p.resume.clone();
        proxy.refuse(true);
        proxy.drop_all();
    };
    let error = third.migrate().progress(cut).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    proxy.refuse(false);
    wait::until("the store is back", SOON, async || third.count().await.is_ok()).await;
    let rest = third.migrate().resume(&cursor.unwrap()).await.unwrap();
    assert_eq!((rest.done, rest.upgraded + rest.skipped, rest.failed), (100, 100, 0));
    let all = third.migrate().await.unwrap();
    assert_eq!((all.done, all.upgraded, all.skipped), (600, 0, 600));
}

#[tokio::test]
async fn indexes_follow_the_shape() {
    let (server, programs) = start().await;
    create(&programs, 30).await;
    programs.third.update(&*id(7), v3::Person::patch().language("fr")).await.unwrap();
    let english = || programs.third.find(v3::Person::LANGUAGE.eq("en")).limit(100);
    // An index with one item of thirty is never used as complete.
    let error = english().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::IndexIncomplete { .. }), "{error}");
    programs.third.migrate().await.unwrap();
    assert_eq!(english().await.unwrap().len(), 29);
    let french = programs.third.find(v3::Person::LANGUAGE.eq("fr")).await.unwrap();
    assert_eq!(french.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), [id(7)]);
    // Nothing is left of fields that only the old shape had.
    assert!(!server.keys().await.iter().any(|key| key.ends_with(":by:name")));
    assert!(programs.third.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn a_backfill_sees_old_documents_in_the_current_shape() {
    let (server, programs) = start().await;
    create(&programs, 30).await;
    let report = programs.third.backfill().await.unwrap();
    assert_eq!((report.checked, report.failures), (30, 0));
    let english = programs.third.find(v3::Person::LANGUAGE.eq("en")).limit(100).await.unwrap();
    assert_eq!(english.len(), 30);
    assert_eq!((english[0].version, english[0].schema), (1, 1));
    let stored = server.get_string("myapp:evolution:people:person-0000:latest").await.unwrap();
    assert!(stored.contains(r#""name":"Number 0""#));
}

/// Accounts whose address became unique, and so lost its capital letters.
mod account {
    use super::{Collection, Deserialize, Serialize, Validate};
    use serde_json::{Map, Value};

    pub(super) mod old {
        use super::{Collection, Deserialize, Serialize, Validate};

        #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
        #[collection(domain = "myapp", app = "evolution", name = "accounts", object_type = settings)]
        pub(in super::super) struct Account {
            pub(in super::super) email: String,
        }
    }

    #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "accounts", object_type = settings)]
    #[collection(schema = 2)]
    #[upgrade(1 -> 2, with = lower)]
    pub(super) struct Account {
        #[unique]
        pub(super) email: String,
    }

    fn lower(account: &mut Map<String, Value>) -> Result<(), &'static str> {
        let email = account["email"].as_str().ok_or("no address")?.to_lowercase();
        account.insert("email".into(), email.into());
        Ok(())
    }
}

#[tokio::test]
async fn a_value_that_must_be_unique_from_now_on_fails_alone() {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    let (old, new) = (store.repo::<account::old::Account>(), store.repo::<account::Account>());
    for (id, email) in [("one", "Ada@x.org"), ("two", "bob@x.org"), ("three", "ada@X.org")] {
        old.create_with_id(id, account::old::Account { email: email.into() }).await.unwrap();
    }
    let report = new.migrate().await.unwrap();
    assert_eq!((report.upgraded, report.failed), (2, 1));
    let failure = &report.failures[0];
    assert!(
        matches!(failure.error.kind(), ErrorKind::AlreadyExists { field: Some(field) } if field == "email"),
        "{}",
        failure.error
    );
    // The second of the two is unchanged.
    let item = old.get(&failure.id).await.unwrap().unwrap();
    assert_eq!((item.version, item.schema), (1, 1));
    new.update(&failure.id, account::Account::patch().email("ada2@x.org")).await.unwrap();
    assert!(new.verify().await.unwrap().is_clean());
    assert_eq!(
        new.get_by(account::Account::EMAIL, "ada2@x.org").await.unwrap().unwrap().id,
        failure.id
    );
}
