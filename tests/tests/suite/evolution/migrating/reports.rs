//! The reports of a migration.

use metastore::Collection as _;
use std::collections::BTreeSet;

use super::{create, id};
use crate::evolution::people::{ada, everything, named, start, v2, v3};

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
