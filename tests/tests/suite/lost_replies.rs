//! The connection is closed before, during and after each write. The write is applied once, and the
//! caller learns it.

use std::time::Duration;

use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection, ErrorKind, Store};
use metastore_tests::{Cut, Proxy, Server};

use crate::fixture::{MyRepo, Summary, Text, start_proxied, text};

/// Where the connection is cut: within the request, or within the reply.
const CUTS: [Cut; 6] = [
    Cut::RequestAt(0),
    Cut::RequestAt(1),
    Cut::RequestAt(40),
    Cut::ReplyAt(0),
    Cut::ReplyAt(1),
    Cut::ReplyAt(3),
];

async fn each_cut(run: impl AsyncFn(&Server, &Proxy, &MyRepo, Cut)) {
    let (server, proxy, repo) = start_proxied(Store::options().audit(true)).await;
    // The first round loads the scripts, so that the others cut the reply to a script that ran.
    for cut in [Cut::ReplyAt(0)].into_iter().chain(CUTS) {
        server.cli(&["FLUSHALL"]).await;
        let before = proxy.cuts();
        run(&server, &proxy, &repo, cut).await;
        assert_eq!(proxy.cuts(), before + 1, "{cut:?} did not happen");
    }
}

/// The operations in the trail of an item; the feed contains the same.
async fn audited(server: &Server, id: &str) -> Vec<String> {
    let feed = "stream:audit:myapp:textsplitter:texts";
    let of_feed = operations(server, feed).await;
    let of_trail = operations(server, &format!("{feed}:{id}")).await;
    assert_eq!(of_feed, of_trail);
    of_trail
}

async fn operations(server: &Server, stream: &str) -> Vec<String> {
    let entries = server.cli(&["XRANGE", stream, "-", "+"]).await;
    entries.as_array().iter().map(|entry| entry.as_array()[1].as_strings()[1].to_owned()).collect()
}

#[tokio::test]
async fn a_create_is_applied_once() {
    each_cut(async |server, proxy, repo, cut| {
        proxy.cut_when(b":latest", cut);
        let item = repo.texts.create(text("one")).await.unwrap();
        assert_eq!(item.version, 1);
        let stored = repo.texts.list().await.unwrap();
        assert_eq!(stored.len(), 1, "{cut:?}");
        assert_eq!((&stored[0].id, &stored[0].commit), (&item.id, &item.commit));
        assert_eq!(audited(server, item.id.as_str()).await, ["create"], "{cut:?}");
        // The document, two indexes, their entries, the trail and the feed.
        assert_eq!(server.keys().await.len(), 6, "{cut:?}");
    })
    .await;
}

#[tokio::test]
async fn a_create_with_an_id_is_applied_once_and_not_taken_for_a_conflict() {
    each_cut(async |server, proxy, repo, cut| {
        proxy.cut_when(b":latest", cut);
        let item = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
        assert_eq!(repo.texts.get("abc123").await.unwrap().unwrap().commit, item.commit);
        assert_eq!(audited(server, "abc123").await, ["create"], "{cut:?}");
    })
    .await;
}

#[tokio::test]
async fn an_update_is_applied_once_and_not_taken_for_a_conflict() {
    each_cut(async |server, proxy, repo, cut| {
        let item = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
        proxy.cut_when(b":version:1", cut);
        let item = repo.texts.update(&item, Text::patch().content("two")).await.unwrap();
        assert_eq!(item.version, 2);
        let stored = repo.texts.get("abc123").await.unwrap().unwrap();
        assert_eq!((stored.version, &stored.commit), (2, &item.commit), "{cut:?}");
        assert_eq!(repo.texts.versions("abc123").await.unwrap().len(), 2);
        assert_eq!(audited(server, "abc123").await, ["create", "update"], "{cut:?}");
    })
    .await;
}

#[tokio::test]
async fn a_deletion_is_applied_once_and_still_reported_as_one() {
    each_cut(async |server, proxy, repo, cut| {
        repo.texts.create_with_id("abc123", text("one")).await.unwrap();
        proxy.cut_when(b":trimmed", cut);
        assert!(repo.texts.delete("abc123").await.unwrap(), "{cut:?}");
        assert!(!repo.texts.exists("abc123").await.unwrap());
        assert_eq!(audited(server, "abc123").await, ["create", "delete"], "{cut:?}");
        assert!(!repo.texts.delete("abc123").await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_job_is_requested_once() {
    each_cut(async |server, proxy, repo, cut| {
        repo.texts.create_with_id("abc123", text("one")).await.unwrap();
        proxy.cut_when(b":jobs", cut);
        let job = repo.texts.item("abc123").summarize().enqueue().await.unwrap();
        let waiting = "queue:myapp:textsplitter:texts:summarize:waiting";
        assert_eq!(server.cli(&["LLEN", waiting]).await.as_int(), 1, "{cut:?}");
        assert_eq!(job.status().await.unwrap().job, job.id());
        assert_eq!(audited(server, "abc123").await, ["create", "enqueue"], "{cut:?}");
    })
    .await;
}

#[tokio::test]
async fn a_result_is_stored_once_and_not_refused_as_a_stale_one() {
    each_cut(async |server, proxy, repo, cut| {
        repo.texts.create_with_id("abc123", text("one")).await.unwrap();
        let job = repo.texts.item("abc123").summarize().enqueue().await.unwrap();
        let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
        let options = TakeOptions::new("w", 1);
        let claim = queue.take(&options).await.unwrap().jobs.pop().unwrap().claim;
        proxy.cut_when(b":jobs", cut);
        let summary = Summary { sentences: vec!["done".to_owned()] };
        assert!(queue.finish(&claim, &summary).await.unwrap(), "{cut:?}");
        assert_eq!(job.wait(crate::fixture::SOON).await.unwrap(), summary);
        assert_eq!(audited(server, "abc123").await, ["create", "enqueue", "finish"], "{cut:?}");
        assert!(queue.take(&options).await.unwrap().jobs.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_failure_is_counted_once() {
    each_cut(async |server, proxy, repo, cut| {
        repo.texts.create_with_id("abc123", text("one")).await.unwrap();
        let job = repo.texts.item("abc123").summarize().enqueue().await.unwrap();
        let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
        let options = TakeOptions::new("w", 1);
        let claim = queue.take(&options).await.unwrap().jobs.pop().unwrap().claim;
        proxy.cut_when(b":jobs", cut);
        assert!(queue.fail(&claim, "no luck", Some(Duration::from_secs(60))).await.unwrap());
        assert_eq!(job.status().await.unwrap().attempts, 1, "{cut:?}");
        assert_eq!(audited(server, "abc123").await, ["create", "enqueue", "fail"], "{cut:?}");
    })
    .await;
}

#[tokio::test]
async fn a_mutation_is_stored_once() {
    each_cut(async |server, proxy, repo, cut| {
        let item = repo.texts.create_with_id("abc123", text("one two")).await.unwrap();
        proxy.cut_when(b":mutation:wordcount", cut);
        assert_eq!(repo.texts.item(&item).wordcount().materialize().await.unwrap(), 2);
        let cached = repo.texts.item("abc123").wordcount().cached().await.unwrap().unwrap();
        assert_eq!((cached.value, cached.stale), (2, false), "{cut:?}");
        assert_eq!(audited(server, "abc123").await, ["create", "materialize"], "{cut:?}");
    })
    .await;
}

#[tokio::test]
async fn an_update_whose_reply_was_lost_is_found_although_another_has_followed() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    let other = MyRepo::with_store(&Store::connect(server.url()).await.unwrap());
    // The script must be loaded already, or the cut affects the NOSCRIPT reply.
    let warm = repo.texts.create(text("zero")).await.unwrap();
    repo.texts.update(&warm, Text::patch().content("warm")).await.unwrap();
    let item = repo.texts.create(text("one")).await.unwrap();
    proxy.cut_when(b":version:1", Cut::ReplyAt(0));
    let (ours, ()) = tokio::join!(repo.texts.update(&item, Text::patch().content("two")), async {
        proxy.refuse(true);
        metastore_tests::wait::until("our write", crate::fixture::SOON, async || {
            other.texts.get(&item.id).await.unwrap().unwrap().version == 2
        })
        .await;
        other.texts.update(&item.id, Text::patch().content("three")).await.unwrap();
        proxy.refuse(false);
    });
    let ours = ours.unwrap();
    assert_eq!((ours.version, ours.data.content.as_str()), (2, "two"));
    assert_eq!(repo.texts.get(&item.id).await.unwrap().unwrap().version, 3);
}

#[tokio::test]
async fn an_outcome_that_cannot_be_determined_is_unknown() {
    let options = Store::options()
        .command_timeout(Duration::from_millis(150))
        .outcome_timeout(Duration::from_millis(400));
    let (_server, proxy, repo) = start_proxied(options).await;
    let item = repo.texts.create(text("one")).await.unwrap();
    proxy.pause();
    let error = repo.texts.update(&item, Text::patch().content("two")).await.unwrap_err();
    match error.kind() {
        ErrorKind::OutcomeUnknown { commit, .. } => assert_eq!(commit.len(), 26),
        _ => panic!("{error}"),
    }
    assert!(error.is_retryable());
    let error = repo.texts.get(&item.id).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unavailable(_)), "{error}");
    // The delayed request is delivered now, and is applied at most once.
    proxy.resume();
    let mut version = 0;
    metastore_tests::wait::until("an answer", crate::fixture::SOON, async || {
        match repo.texts.get(&item.id).await {
            Ok(item) => {
                version = item.unwrap().version;
                true
            }
            Err(_) => false,
        }
    })
    .await;
    assert!(version <= 2, "{version}");
    let item = repo.texts.update(&item.id, Text::patch().content("three")).await.unwrap();
    assert!(item.version <= 3);
}
