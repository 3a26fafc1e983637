//! Concurrent calls are coalesced, and each still gets its own answer.

use std::collections::BTreeSet;

use metastore::{Collection, ErrorKind, Store};
use metastore_tests::{Cut, wait};
use tokio::task::JoinSet;

use crate::fixture::{Counter, MyRepo, SOON, session, start, start_proxied, start_with, text};

/// Creates `count` texts at once and returns the result of each.
async fn create_at_once(repo: &MyRepo, count: usize) -> Vec<metastore::Result<String>> {
    let mut tasks = JoinSet::new();
    for n in 0..count {
        let texts = repo.texts.clone();
        tasks.spawn(async move {
            let item = texts.create(text(&n.to_string())).await?;
            assert_eq!(item.data.content, n.to_string());
            Ok(item.id.to_string())
        });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn many_creates_make_few_round_trips_and_one_makes_one() {
    let (server, proxy, repo) = start_proxied(Store::options().audit(true)).await;
    proxy.delay_replies(std::time::Duration::from_millis(20));
    proxy.reset_counts();
    let ids: BTreeSet<String> =
        create_at_once(&repo, 1_000).await.into_iter().map(Result::unwrap).collect();
    let trips = proxy.round_trips();
    assert!(trips <= 60, "{trips} round trips for 1,000 creates at once");
    assert_eq!(ids.len(), 1_000);
    assert_eq!(repo.texts.count().await.unwrap(), 1_000);
    let keys = server.keys().await;
    let feed = "stream:audit:myapp:textsplitter:texts";
    let trails: Vec<_> = keys.iter().filter(|key| key.starts_with(feed) && *key != feed).collect();
    assert_eq!(trails.len(), 1_000);
    assert_eq!(server.cli(&["XLEN", feed]).await.as_int(), 1_000);
    proxy.reset_counts();
    repo.texts.create(text("alone")).await.unwrap();
    assert_eq!(proxy.round_trips(), 1);
}

#[tokio::test]
async fn many_reads_make_few_round_trips_and_each_gets_its_own_answer() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    for result in create_at_once(&repo, 300).await {
        result.unwrap();
    }
    let ids: Vec<metastore::Id> =
        repo.texts.list().limit(300).await.unwrap().iter().map(|item| item.id.clone()).collect();
    server.cli(&["RPUSH", "myapp:textsplitter:texts:list:latest", "x"]).await;
    server.cli(&["SET", "myapp:textsplitter:texts:broken:latest", "x"]).await;
    proxy.reset_counts();
    let mut tasks = JoinSet::new();
    for id in ids {
        let texts = repo.texts.clone();
        tasks.spawn(async move {
            let item = texts.get(&id).await.unwrap().unwrap();
            assert_eq!(item.id, id);
        });
    }
    for _ in 0..20 {
        let texts = repo.texts.clone();
        tasks.spawn(async move {
            assert!(texts.get("missing").await.unwrap().is_none());
            let error = texts.get("list").await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::WrongType(_)), "{error:?}");
            let error = texts.get("broken").await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Decode { .. }), "{error:?}");
        });
    }
    tasks.join_all().await;
    let trips = proxy.round_trips();
    assert!(trips <= 60, "{trips} round trips for 360 reads at once");
}

#[tokio::test]
async fn many_reads_of_versions_make_few_round_trips_and_each_gets_its_own() {
    let (_server, proxy, repo) = start_proxied(Store::options()).await;
    for n in 0..100u64 {
        let id = format!("c{n}");
        let counter = repo.counters.create_with_id(&*id, Counter { count: n }).await.unwrap();
        repo.counters.update(&counter, Counter::patch().count(n + 1_000)).await.unwrap();
    }
    proxy.reset_counts();
    let mut tasks = JoinSet::new();
    for n in 0..300u64 {
        let counters = repo.counters.clone();
        tasks.spawn(async move {
            let (number, version) = (n / 3, 1 + n % 3);
            let found = counters.get_version(&*format!("c{number}"), version).await.unwrap();
            let expected = [Some(number), Some(number + 1_000), None];
            let count = found.map(|item| item.data.count);
            assert_eq!(count, expected[usize::try_from(version - 1).unwrap()]);
        });
    }
    tasks.join_all().await;
    let trips = proxy.round_trips();
    assert!(trips <= 60, "{trips} round trips for 300 reads at once");
    proxy.reset_counts();
    repo.counters.get_version("c1", 1).await.unwrap().unwrap();
    assert_eq!(proxy.round_trips(), 1);
}

#[tokio::test]
async fn many_reads_of_stored_mutations_make_few_round_trips_and_each_gets_its_own() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    for n in 0..100usize {
        let item = repo.texts.create_with_id(&*format!("t{n}"), text(&"x ".repeat(n))).await;
        repo.texts.item(&item.unwrap()).wordcount().materialize().await.unwrap();
    }
    server.cli(&["DEL", "myapp:textsplitter:texts:t7:mutation:wordcount"]).await;
    server.cli(&["RPUSH", "myapp:textsplitter:texts:t7:mutation:wordcount", "x"]).await;
    proxy.reset_counts();
    let mut tasks = JoinSet::new();
    for n in 0..200usize {
        let texts = repo.texts.clone();
        tasks.spawn(async move {
            let id = format!("t{n}");
            let cached = texts.item(&*id).wordcount().cached().await;
            match n {
                7 => assert!(matches!(cached.unwrap_err().kind(), ErrorKind::WrongType(_))),
                0..100 => assert_eq!(cached.unwrap().unwrap().value, n),
                _ => assert!(cached.unwrap().is_none()),
            }
        });
    }
    tasks.join_all().await;
    let trips = proxy.round_trips();
    assert!(trips <= 40, "{trips} round trips for 200 reads at once");
    proxy.reset_counts();
    repo.texts.item("t1").wordcount().cached().await.unwrap().unwrap();
    assert_eq!(proxy.round_trips(), 1);
}

#[tokio::test]
async fn one_refused_write_does_not_affect_the_others_of_its_group() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    server.cli(&["SET", "idx:myapp:counting:counters", "foreign"]).await;
    let mut good = JoinSet::new();
    let mut bad = JoinSet::new();
    for n in 0..200 {
        let repo = repo.clone();
        match n % 3 {
            0 => {
                good.spawn(async move {
                    repo.texts.create(text("x")).await.unwrap();
                });
            }
            1 => {
                good.spawn(async move {
                    repo.sessions.create(session("x")).await.unwrap();
                });
            }
            _ => {
                bad.spawn(async move { repo.counters.create(Counter { count: n }).await });
            }
        }
    }
    good.join_all().await;
    for error in bad.join_all().await {
        let error = error.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WrongType(_)), "{error:?}");
    }
    assert_eq!(repo.texts.count().await.unwrap(), 67);
    let keys = server.keys().await;
    let left: Vec<_> = keys.iter().filter(|key| key.contains(":counting:")).collect();
    assert_eq!(left, ["idx:myapp:counting:counters"]);
    // No trail contains two creations.
    for key in keys.iter().filter(|key| key.starts_with("stream:")) {
        let entries = match key.split(':').count() {
            5 => 67,
            _ => 1,
        };
        assert_eq!(server.cli(&["XLEN", key.as_str()]).await.as_int(), entries, "{key}");
    }
}

#[tokio::test]
async fn each_of_many_writers_gets_the_right_answer_after_a_connection_cut() {
    let (server, proxy, repo) = start_proxied(Store::options().audit(true)).await;
    for cut in [Cut::RequestAt(2_000), Cut::ReplyAt(0), Cut::ReplyAt(20), Cut::RequestAt(10)] {
        server.cli(&["FLUSHALL"]).await;
        proxy.cut_when(b":latest", cut);
        let ids: BTreeSet<String> =
            create_at_once(&repo, 128).await.into_iter().map(Result::unwrap).collect();
        assert!(proxy.fired(), "{cut:?}");
        let stored: BTreeSet<String> = repo
            .texts
            .list()
            .limit(1_000)
            .await
            .unwrap()
            .iter()
            .map(|item| item.id.to_string())
            .collect();
        assert_eq!(stored, ids, "{cut:?}");
        for id in &ids {
            let trail = format!("stream:audit:myapp:textsplitter:texts:{id}");
            assert_eq!(server.cli(&["XLEN", trail.as_str()]).await.as_int(), 1, "{cut:?}");
        }
        let feed = "stream:audit:myapp:textsplitter:texts";
        assert_eq!(server.cli(&["XLEN", feed]).await.as_int(), 128, "{cut:?}");
    }
}

#[tokio::test]
async fn large_documents_share_no_group_that_would_be_too_large() {
    let (_server, repo) = start().await;
    let mut tasks = JoinSet::new();
    for n in 0..12 {
        let texts = repo.texts.clone();
        tasks.spawn(async move { texts.create(text(&n.to_string().repeat(400_000))).await });
    }
    for created in tasks.join_all().await {
        created.unwrap();
    }
    assert_eq!(repo.texts.count().await.unwrap(), 12);
}

#[tokio::test]
async fn a_full_server_refuses_each_write_of_a_group_whole() {
    let (server, repo) = start().await;
    // An empty server of some versions takes less than a megabyte.
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for result in create_at_once(&repo, 100).await {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutOfMemory(_)), "{error:?}");
    }
    assert_eq!(server.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_caller_that_gives_up_neither_drops_nor_repeats_a_write() {
    let (_server, repo) = start().await;
    let mut tasks = JoinSet::new();
    for n in 0..200u64 {
        let texts = repo.texts.clone();
        tasks.spawn(async move {
            let patience = std::time::Duration::from_micros(if n % 2 == 0 { n } else { 1 << 40 });
            tokio::time::timeout(patience, texts.create(text("x"))).await.is_ok_and(|r| r.is_ok())
        });
    }
    let told = tasks.join_all().await.into_iter().filter(|told| *told).count() as u64;
    assert!(told >= 100);
    wait::until("the writes on their way", SOON, async || {
        let before = repo.texts.count().await.unwrap();
        repo.texts.create(text("later")).await.unwrap();
        repo.texts.count().await.unwrap() == before + 1
    })
    .await;
    let stored = repo.texts.list().limit(1_000).await.unwrap();
    assert_eq!(repo.texts.count().await.unwrap(), stored.len() as u64);
    assert!(stored.len() as u64 > told && stored.len() <= 210, "{} of {told}", stored.len());
}

#[tokio::test]
async fn calls_that_are_not_polled_delay_no_others() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("x")).await.unwrap();
    let counter = repo.counters.create(Counter { count: 0 }).await.unwrap();
    // Each is polled once and left alone, as in a buffered stream.
    let mut reads = Vec::new();
    let mut creates = Vec::new();
    let mut updates = Vec::new();
    for count in 1..=4u64 {
        reads.push(Box::pin(repo.texts.get(&item.id)));
        creates.push(Box::pin(repo.texts.create(text("y"))));
        let patch = Counter::patch().count(count);
        updates.push(Box::pin(repo.counters.update(&counter, patch)));
    }
    for read in &mut reads {
        assert!(futures_util::poll!(read.as_mut()).is_pending());
    }
    for create in &mut creates {
        assert!(futures_util::poll!(create.as_mut()).is_pending());
    }
    for update in &mut updates {
        assert!(futures_util::poll!(update.as_mut()).is_pending());
    }
    tokio::time::timeout(SOON, async {
        repo.texts.get(&item.id).await.unwrap();
        repo.texts.create(text("z")).await.unwrap();
        repo.counters.modify(&counter.id, |counter| counter.count += 10).await.unwrap();
    })
    .await
    .expect("nobody waits for a call that is not polled");
    for create in creates {
        create.await.unwrap();
    }
    assert_eq!(repo.texts.count().await.unwrap(), 6);
}
