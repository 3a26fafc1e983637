//! Batches that cannot be applied as a whole: each caller gets its own right answer, and nothing is
//! half written.

use std::collections::BTreeSet;

use metastore::{Error, ErrorKind, Item, Store};
use metastore_tests::Server;
use tokio::task::JoinSet;

use crate::fixture::{MyRepo, Text, start, start_with, text};

/// Creates a text of each of these sizes at once. Returns the size and the result of each.
async fn create_at_once(
    repo: &MyRepo,
    sizes: impl IntoIterator<Item = usize>,
) -> Vec<(usize, Result<Item<Text>, Error>)> {
    let mut tasks = JoinSet::new();
    for size in sizes {
        let texts = repo.texts.clone();
        tasks.spawn(async move { (size, texts.create(text(&"x".repeat(size))).await) });
    }
    tasks.join_all().await
}

/// Exactly the items reported as created exist, and are complete.
async fn check_stored(server: &Server, repo: &MyRepo, created: &BTreeSet<String>) {
    let listed = repo.texts.list().limit(1_000).await.unwrap();
    let listed: BTreeSet<String> = listed.iter().map(|item| item.id.to_string()).collect();
    assert_eq!(&listed, created);
    let keys = server.keys().await;
    let suffix = ":latest";
    let stored = keys.iter().filter_map(|key| key.strip_suffix(suffix)?.rsplit(':').next());
    assert_eq!(&stored.map(str::to_owned).collect::<BTreeSet<_>>(), created);
    let report = repo.texts.verify().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[tokio::test]
async fn a_document_over_the_limit_is_refused_without_affecting_the_others() {
    let (server, repo) = start_with(Store::options().max_document_bytes(10_000)).await;
    let mut created = BTreeSet::new();
    for (size, result) in create_at_once(&repo, (0..60).map(|n| 1 + n % 4 * 3_500)).await {
        match result {
            Ok(item) => assert!(size < 10_000 && created.insert(item.id.to_string()), "{size}"),
            Err(error) => {
                let kind = error.kind();
                let limit = 10_000;
                assert!(matches!(kind, ErrorKind::TooLarge { limit: at, .. } if *at == limit));
                assert!(size > limit, "{size}: {error}");
            }
        }
    }
    assert_eq!(created.len(), 45);
    let many = (0..60).map(|n| text(&"y".repeat(1 + n % 4 * 3_500)));
    for (n, result) in repo.texts.create_many(many).await.into_iter().enumerate() {
        match result {
            Ok(item) => assert!(n % 4 < 3 && created.insert(item.id.to_string()), "{n}"),
            Err(error) => assert!(matches!(error.kind(), ErrorKind::TooLarge { .. }), "{error:?}"),
        }
    }
    assert_eq!(created.len(), 90);
    check_stored(&server, &repo, &created).await;
}

#[tokio::test]
async fn a_chunk_larger_than_the_server_accepts_is_split() {
    let (server, repo) = start().await;
    // The server hangs up on the client that needs the most, when all need more than this together.
    server.cli(&["CONFIG", "SET", "maxmemory-clients", "3mb"]).await;
    let mut created = BTreeSet::new();
    for (_, result) in create_at_once(&repo, [300_000; 24]).await {
        assert!(created.insert(result.unwrap().id.to_string()));
    }
    let many = (0..24).map(|_| text(&"y".repeat(300_000)));
    for result in repo.texts.create_many(many).await {
        assert!(created.insert(result.unwrap().id.to_string()));
    }
    assert_eq!(created.len(), 48);
    server.cli(&["CONFIG", "SET", "maxmemory-clients", "0"]).await;
    assert!(server.log().contains("Evicting client"), "no batch was too large");
    check_stored(&server, &repo, &created).await;
}

/// A call is refused as a whole if the server is full when it begins; then each write is tried
/// alone, and small ones may still find room.
#[tokio::test]
async fn each_element_gets_the_right_answer_when_the_server_fills_up_within_a_chunk() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    repo.texts.create(text("first")).await.unwrap();
    let mut refused = 0;
    for room in [300_000, 600_000, 900_000, 2_000_000] {
        server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
        server.cli(&["FLUSHALL"]).await;
        let info = server.cli(&["INFO", "memory"]).await;
        let used = info.as_str().lines().find_map(|line| line.strip_prefix("used_memory:"));
        let limit = used.unwrap().trim().parse::<u64>().unwrap() + room;
        server.cli(&["CONFIG", "SET", "maxmemory", &limit.to_string()]).await;
        let mut created = BTreeSet::new();
        for (size, result) in create_at_once(&repo, (0..40).map(|n| 100 + n % 8 * 10_000)).await {
            match result {
                Ok(item) => assert!(created.insert(item.id.to_string())),
                Err(error) => {
                    refused += 1;
                    let kind = error.kind();
                    assert!(matches!(kind, ErrorKind::OutOfMemory(_)), "{size}: {error:?}");
                }
            }
        }
        server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
        check_stored(&server, &repo, &created).await;
        let trails = server.keys().await.into_iter().filter(|key| key.starts_with("stream:"));
        let of_items = trails.filter(|key| key.split(':').count() == 6).count();
        assert_eq!(of_items, created.len(), "with room for {room}");
    }
    assert!(refused > 0, "the server was never full");
}
