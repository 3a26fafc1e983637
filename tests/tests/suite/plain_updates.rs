//! Updates of items with versions only: concurrent ones are one script call, and each still gets
//! its own answer.

use std::time::Duration;

use metastore::{Collection, ErrorKind, Item, Store};
use metastore_tests::{Cut, Server, wait};
use tokio::task::JoinSet;

use crate::fixture::{Counter, MyRepo, SOON, start, start_proxied, start_with};

/// Counters with the ids `c0`, `c1`, …, in hand.
async fn counters(repo: &MyRepo, number: usize) -> Vec<Item<Counter>> {
    let mut items = Vec::new();
    for n in 0..number {
        let id = format!("c{n}");
        items.push(repo.counters.create_with_id(&*id, Counter { count: 0 }).await.unwrap());
    }
    items
}

/// Updates all of them at once and returns the results in order.
async fn update_at_once(
    repo: &MyRepo,
    items: &[Item<Counter>],
) -> Vec<metastore::Result<Item<Counter>>> {
    let updates = items.iter().map(|item| {
        let (counters, item) = (repo.counters.clone(), item.clone());
        let count = item.data.count + 1;
        tokio::spawn(async move { counters.update(&item, Counter::patch().count(count)).await })
    });
    let mut results = Vec::new();
    for update in updates.collect::<Vec<_>>() {
        results.push(update.await.unwrap());
    }
    results
}

/// The counts in all versions of an item, the oldest first.
async fn history(repo: &MyRepo, id: &str) -> Vec<u64> {
    let mut counts = Vec::new();
    for version in 1.. {
        let Some(item) = repo.counters.get_version(id, version).await.unwrap() else { break };
        assert_eq!(item.version, version);
        counts.push(item.data.count);
    }
    counts
}

#[tokio::test]
async fn many_make_few_round_trips_and_one_makes_one() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    let items = counters(&repo, 500).await;
    proxy.delay_replies(Duration::from_millis(20));
    let alone = repo.counters.update(&items[0], Counter::patch().count(1u64)).await.unwrap();
    proxy.reset_counts();
    server.reset_command_counts().await;
    let results = update_at_once(&repo, &items[1..]).await;
    let trips = proxy.round_trips();
    assert!(server.command_counts().await["evalsha"] <= 30);
    assert!(trips <= 30, "{trips} round trips for 499 updates at once");
    for (result, before) in results.iter().zip(&items[1..]) {
        let item = result.as_ref().unwrap();
        assert_eq!((&item.id, item.version, item.data.count), (&before.id, 2, 1));
    }
    proxy.reset_counts();
    repo.counters.update(&alone, Counter::patch().count(2u64)).await.unwrap();
    assert_eq!(proxy.round_trips(), 1);
    assert_eq!(history(&repo, "c0").await, [0, 1, 2]);
    assert_eq!(history(&repo, "c499").await, [0, 1]);
}

#[tokio::test]
async fn each_of_many_updates_of_one_item_gets_the_right_answer() {
    let (_server, repo) = start().await;
    let item = counters(&repo, 1).await.remove(0);
    let same: Vec<_> = std::iter::repeat_n(item, 64).collect();
    let (mut won, mut lost) = (0, 0);
    for result in update_at_once(&repo, &same).await {
        match result {
            Ok(item) => won += item.version - 1,
            Err(error) => {
                let kind = error.kind();
                assert!(matches!(kind, ErrorKind::Conflict { expected: 1, actual: 2 }), "{error}");
                lost += 1;
            }
        }
    }
    assert_eq!((won, lost), (1, 63));
    // By id each succeeds, one after the other.
    let tasks: JoinSet<_> = (0..64)
        .map(|_| {
            let counters = repo.counters.clone();
            async move { counters.modify("c0", |counter| counter.count += 1).await.unwrap().version }
        })
        .collect();
    let mut versions = tasks.join_all().await;
    versions.sort_unstable();
    assert_eq!(versions, (3..67).collect::<Vec<_>>());
    assert_eq!(history(&repo, "c0").await, (0..66).collect::<Vec<_>>());
}

/// Changes some of the items so that their updates cannot be coalesced.
async fn disturb(server: &Server, repo: &MyRepo) {
    server.cli(&["DEL", "myapp:counting:counters:c1:latest"]).await;
    server.cli(&["DEL", "myapp:counting:counters:c2:latest"]).await;
    server.cli(&["RPUSH", "myapp:counting:counters:c2:latest", "x"]).await;
    server.cli(&["SET", "myapp:counting:counters:c3:latest", "foreign"]).await;
    server.cli(&["PEXPIRE", "myapp:counting:counters:c4:latest", "60000"]).await;
    repo.counters.modify("c5", |counter| counter.count = 10).await.unwrap();
    // Another item by the same id, at the same version.
    repo.counters.delete("c6").await.unwrap();
    repo.counters.create_with_id("c6", Counter { count: 20 }).await.unwrap();
}

#[tokio::test]
async fn one_refused_update_does_not_affect_the_others_of_its_batch() {
    let (server, repo) = start().await;
    let items = counters(&repo, 100).await;
    disturb(&server, &repo).await;
    let results = update_at_once(&repo, &items).await;
    for (n, result) in results.iter().enumerate() {
        let kind = result.as_ref().map_err(metastore::Error::kind);
        let fits = match n {
            1 => matches!(kind, Err(ErrorKind::NotFound)),
            2 => matches!(kind, Err(ErrorKind::WrongType(_))),
            3 => matches!(kind, Err(ErrorKind::Decode { .. })),
            5 => matches!(kind, Err(ErrorKind::Conflict { expected: 1, actual: 2 })),
            6 => matches!(kind, Err(ErrorKind::Conflict { expected: 1, actual: 1 })),
            _ => matches!(kind, Ok(item) if item.version == 2 && item.data.count == 1),
        };
        assert!(fits, "c{n}: {result:?}");
    }
    // A time to live that another program has set stays, on the version as well.
    let left = server.cli(&["PTTL", "myapp:counting:counters:c4:latest"]).await.as_int();
    assert!((1..=60_000).contains(&left), "{left}");
    assert_eq!(repo.counters.get("c6").await.unwrap().unwrap().data.count, 20);
}

#[tokio::test]
async fn a_full_server_refuses_all_and_changes_nothing() {
    let (server, repo) = start().await;
    let items = counters(&repo, 50).await;
    let before = server.keys().await;
    server.cli(&["CONFIG", "SET", "maxmemory", "1mb"]).await;
    for result in update_at_once(&repo, &items).await {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutOfMemory(_)), "{error:?}");
    }
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(server.keys().await, before);
    for result in update_at_once(&repo, &items).await {
        assert_eq!(result.unwrap().version, 2);
    }
}

#[tokio::test]
async fn each_of_many_writers_gets_the_right_answer_after_a_connection_cut() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    for cut in [Cut::RequestAt(5_000), Cut::ReplyAt(0), Cut::ReplyAt(20), Cut::RequestAt(10)] {
        server.cli(&["FLUSHALL"]).await;
        let items = counters(&repo, 128).await;
        proxy.cut_when(b":version:", cut);
        for result in update_at_once(&repo, &items).await {
            assert_eq!(result.unwrap().version, 2, "{cut:?}");
        }
        assert!(proxy.fired(), "{cut:?}");
        for n in 0..128 {
            assert_eq!(history(&repo, &format!("c{n}")).await, [0, 1], "{cut:?}");
        }
    }
}

#[tokio::test]
async fn a_script_that_the_server_does_not_have_is_sent_again() {
    let (server, repo) = start().await;
    let mut items = counters(&repo, 20).await;
    for round in 2..6 {
        server.cli(&["SCRIPT", "FLUSH"]).await;
        let results = update_at_once(&repo, &items).await;
        items = results.into_iter().map(Result::unwrap).collect();
        assert!(items.iter().all(|item| item.version == round));
    }
}

#[tokio::test]
async fn a_caller_that_gives_up_neither_drops_nor_repeats_anybodys_update() {
    let (_server, repo) = start_with(Store::options()).await;
    let items = counters(&repo, 200).await;
    let tasks = items.into_iter().enumerate().map(|(n, item)| {
        let counters = repo.counters.clone();
        let patience = Duration::from_micros(if n % 2 == 0 { n as u64 } else { 1 << 40 });
        async move {
            let update = counters.update(&item, Counter::patch().count(1u64));
            let done = tokio::time::timeout(patience, update).await.is_ok_and(|r| r.is_ok());
            (item.id.clone(), done)
        }
    });
    let told = tasks.collect::<JoinSet<_>>().join_all().await;
    assert!(told.iter().filter(|(_, done)| *done).count() >= 100);
    for (id, done) in told {
        wait::until("the item to be whole", SOON, async || {
            let counts = history(&repo, id.as_str()).await;
            // A reported write is stored; an unreported one is stored at most once.
            counts == [0, 1] || (!done && counts == [0])
        })
        .await;
    }
}
