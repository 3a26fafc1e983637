//! Statistics of a collection, counted and estimated.

use metastore::{Collection, ErrorKind, Repo};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::fixture::{SOON, session, start, text};
use metastore_tests::wait::until;

#[tokio::test]
async fn what_is_measured_whole_is_exact() {
    let (server, repo) = start().await;
    let texts = &repo.texts;
    let empty = texts.stats().await.unwrap();
    assert_eq!((empty.items, empty.oldest, empty.newest, empty.sampled), (0, None, None, 0));
    assert_eq!(empty.bytes.total().value, 0);

    let mut created = Vec::new();
    for number in 0..10 {
        created.push(texts.create(text(&format!("number {number}"))).await.unwrap());
    }
    for _ in 0..3 {
        texts.modify(&created[0].id, |text| text.content.push_str(" and more")).await.unwrap();
    }
    texts.item(&created[1].id).wordcount().materialize().await.unwrap();
    texts.item(&created[2].id).summarize().enqueue().await.unwrap();
    texts.item(&created[3].id).summarize().enqueue().await.unwrap();
    assert!(texts.item(&created[3].id).summarize().cancel().await.unwrap());

    let stats = texts.stats().await.unwrap();
    assert_eq!((stats.items, stats.sampled), (10, 10));
    assert_eq!(stats.oldest, Some(created[0].created_at));
    assert_eq!(stats.newest, Some(created[9].created_at));
    assert_eq!((stats.versions.value, stats.versions.error), (13, 0));
    assert_eq!(stats.jobs["summarize"].waiting, 1);
    assert_eq!(stats.jobs["count"].waiting, 0);

    // The server is asked the same, key by key.
    let mut redis = server.connect().await.unwrap();
    let (mut documents, mut versions, mut mutations, mut records) = (0, 0, 0, 0);
    for key in server.keys().await {
        let size = redis.call(&["MEMORY", "USAGE", &key]).await.unwrap().as_int();
        let size = u64::try_from(size).unwrap();
        match () {
            () if key.ends_with(":latest") => documents += size,
            () if key.contains(":version:") => versions += size,
            () if key.starts_with("myapp:") && key.contains(":mutation:") => mutations += size,
            () if key.starts_with("myapp:") && key.contains(":transformation:") => records += size,
            () => {}
        }
    }
    let bytes = stats.bytes;
    assert_eq!((bytes.documents.value, bytes.documents.error), (documents, 0));
    assert_eq!((bytes.versions.value, bytes.versions.error), (versions, 0));
    assert_eq!((bytes.mutations.value, bytes.mutations.error), (mutations, 0));
    assert_eq!((bytes.transformations.value, bytes.transformations.error), (records, 0));
    assert!(versions > 0 && mutations > 0 && records > 0 && bytes.indexes > 0);

    let shown = stats.to_string();
    assert!(shown.contains("items                     10\n"), "{shown}");
    assert!(shown.contains("1 waiting, 0 delayed, 0 running, 0 dead"), "{shown}");
    let json = serde_json::to_value(&stats).unwrap();
    assert_eq!(json["versions"]["value"], 13);

    for sample in [0, 10_001] {
        let error = texts.stats().sample(sample).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "stats", name = "blobs", object_type = texts)]
struct Blob {
    text: String,
}

#[tokio::test]
async fn a_sample_states_its_error() {
    let (server, repo) = start().await;
    let blobs: Repo<Blob> = repo.texts.store().repo();
    let documents = (0..2_000).map(|number| Blob { text: "x".repeat(number % 500) });
    for result in blobs.create_many(documents).await {
        result.unwrap();
    }
    let ids = blobs.list().limit(200).ids().await.unwrap().items;
    for round in 1..=20 {
        for id in &ids {
            blobs.modify(id, |blob| blob.text = "y".repeat(round * 10)).await.unwrap();
        }
    }
    let mut redis = server.connect().await.unwrap();
    let (mut documents, mut versions) = (0, 0);
    for key in server.keys().await {
        let size = redis.call(&["MEMORY", "USAGE", &key]).await.unwrap().as_int();
        let size = u64::try_from(size).unwrap();
        documents += if key.ends_with(":latest") { size } else { 0 };
        versions += if key.contains(":version:") { size } else { 0 };
    }
    let whole = blobs.stats().sample(10_000).await.unwrap();
    assert_eq!((whole.bytes.documents.value, whole.bytes.documents.error), (documents, 0));
    assert_eq!((whole.versions.value, whole.versions.error), (2_000 + 200 * 20, 0));
    // Of each item 8 of 20 versions were measured, so that number is still an estimate.
    let near = |estimate: metastore::Estimate, truth: u64, errors: u64| {
        estimate.value.abs_diff(truth) <= errors * estimate.error
    };
    assert!(near(whole.bytes.versions, versions, 2), "{:?}, {versions}", whole.bytes.versions);

    // In 100 samples about 95 are right; fewer than 80 would be a mistake, not chance.
    let mut right = [0; 3];
    for _ in 0..100 {
        let stats = blobs.stats().sample(300).await.unwrap();
        assert_eq!((stats.items, stats.sampled), (2_000, 300));
        assert!(stats.versions.error > 0 && stats.bytes.documents.error > 0);
        assert!(stats.bytes.documents.error < documents / 5);
        right[0] += u32::from(near(stats.bytes.documents, documents, 1));
        right[1] += u32::from(near(stats.bytes.versions, versions, 1));
        right[2] += u32::from(near(stats.versions, 6_000, 1));
    }
    assert!(right.iter().all(|&right| right >= 80), "{right:?}");
}

#[tokio::test]
async fn expired_items_and_versions_do_not_count() {
    let (_server, repo) = start().await;
    for _ in 0..5 {
        let item = repo.sessions.create(session("ada")).await.unwrap();
        repo.sessions.modify(&item.id, |session| session.user.push('!')).await.unwrap();
    }
    let stats = repo.sessions.stats().await.unwrap();
    assert_eq!((stats.items, stats.versions.value), (5, 10));
    until("they expire", SOON, async || repo.sessions.stats().await.unwrap().items == 0).await;
    let stats = repo.sessions.stats().await.unwrap();
    assert_eq!((stats.versions.value, stats.bytes.total().value), (0, 0));
}

#[tokio::test]
async fn the_cost_does_not_grow_with_the_number_of_items() {
    let (server, repo) = start().await;
    // The texts of the scripts are sent once.
    repo.texts.create(text("first")).await.unwrap();
    repo.texts.stats().await.unwrap();
    let mut calls = Vec::new();
    for number in [500, 1_500] {
        for result in repo.texts.create_many((0..number).map(|_| text("some"))).await {
            result.unwrap();
        }
        server.reset_command_counts().await;
        repo.texts.stats().sample(100).await.unwrap();
        calls.push(server.command_counts().await);
    }
    assert_eq!(calls[0], calls[1]);
    assert_eq!(calls[0]["evalsha"], 4);
}
