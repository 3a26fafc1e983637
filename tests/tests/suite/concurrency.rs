//! Many writers at once.

use metastore::{Collection, ErrorKind, Store};
use metastore_tests::Server;
use tokio::task::JoinSet;

use crate::fixture::{Counter, MyRepo, Text, start, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_count_is_lost_when_64_tasks_increment_one_item() {
    let (_server, repo) = start().await;
    let item = repo.counters.create(Counter { count: 0 }).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let (counters, id) = (repo.counters.clone(), item.id.clone());
        tasks.spawn(async move {
            for _ in 0..50 {
                counters.modify(&id, |counter| counter.count += 1).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let item = repo.counters.get(&item.id).await.unwrap().unwrap();
    assert_eq!((item.data.count, item.version), (3_200, 3_201));
    let versions = repo.counters.versions(&item.id).await.unwrap();
    let numbers: Vec<u64> = versions.iter().map(|version| version.version).collect();
    assert_eq!(numbers, (1..=3_201).rev().collect::<Vec<_>>());
    for version in [1, 2, 1_600, 3_200, 3_201] {
        let old = repo.counters.get_version(&item.id, version).await.unwrap().unwrap();
        assert_eq!(old.data.count, version - 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_stores_racing_for_one_version_exactly_one_wins_each_round() {
    let server = Server::start().await;
    let mut repos = Vec::new();
    for _ in 0..2 {
        repos.push(MyRepo::with_store(&Store::connect(server.url()).await.unwrap()));
    }
    let mut item = repos[0].texts.create(text("0")).await.unwrap();
    for round in 0..100 {
        let patch = |who: &str| Text::patch().content(format!("{who} {round}"));
        let (a, b) = tokio::join!(
            repos[0].texts.update(&item, patch("a")),
            repos[1].texts.update(&item, patch("b"))
        );
        let (won, lost) = match (a, b) {
            (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
            (a, b) => panic!("{a:?} {b:?}"),
        };
        assert!(matches!(lost.kind(), ErrorKind::Conflict { .. }), "{lost}");
        assert_eq!(won.version, item.version + 1);
        item = won;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_creators_of_one_id_exactly_one_wins() {
    let (_server, repo) = start().await;
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let texts = repo.texts.clone();
        tasks.spawn(async move { texts.create_with_id("one", text(&n.to_string())).await });
    }
    let mut won = 0;
    while let Some(created) = tasks.join_next().await {
        match created.unwrap() {
            Ok(_) => won += 1,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::AlreadyExists { .. }), "{error}");
            }
        }
    }
    assert_eq!((won, repo.texts.count().await.unwrap()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_concurrent_enqueues_create_one_job() {
    let (server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let (texts, id) = (repo.texts.clone(), item.id.clone());
        tasks.spawn(
            async move { texts.item(&id).summarize().enqueue().await.unwrap().id().to_owned() },
        );
    }
    let mut ids = std::collections::BTreeSet::new();
    while let Some(id) = tasks.join_next().await {
        ids.insert(id.unwrap());
    }
    assert_eq!(ids.len(), 1);
    let waiting = server.cli(&["LLEN", "queue:myapp:textsplitter:texts:summarize:waiting"]).await;
    assert_eq!(waiting.as_int(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_leaves_the_connection_usable_and_the_item_whole() {
    let (_server, repo) = start().await;
    let item = repo.counters.create(Counter { count: 0 }).await.unwrap();
    for n in 0..200 {
        let call = repo.counters.modify(&item.id, |counter| counter.count += 1);
        let _ = tokio::time::timeout(std::time::Duration::from_micros(n * 3), call).await;
    }
    let item = repo.counters.get(&item.id).await.unwrap().unwrap();
    assert_eq!(item.version, item.data.count + 1);
    let after = repo.counters.modify(&item.id, |counter| counter.count += 1).await.unwrap();
    // A dropped call may still have been in flight.
    assert_eq!(after.version, after.data.count + 1);
    assert!(after.data.count > item.data.count);
}
