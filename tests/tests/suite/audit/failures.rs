//! Trails that expire, keys of another type and servers without scripts.

use std::collections::BTreeMap;
use std::time::Duration;

use metastore::queue::Queue;
use metastore::{Collection as _, ErrorKind, Store};
use metastore_tests::{Reply, wait};
use tokio::task::JoinSet;

use super::{FEED, all_said, audited, one_job};
use crate::fixture::{SOON, Summary, Text, session, start_with, text};

#[tokio::test]
async fn the_trail_of_an_expired_item_expires_later() {
    let options = Store::options().audit(true).audit_trail_grace(Duration::from_millis(1_500));
    let (server, repo) = start_with(options).await;
    let mut ids = Vec::new();
    for n in 0..20 {
        let item = match n % 2 {
            0 => repo.sessions.create(session("ada")).await.unwrap(),
            _ => repo.sessions.create_with_id(format!("s{n}"), session("ada")).await.unwrap(),
        };
        let item = repo.sessions.modify(&item, |session| session.user.push('!')).await.unwrap();
        ids.push(item.id.clone());
    }
    let trails = async || {
        let keys = server.keys().await;
        keys.iter()
            .filter(|key| key.starts_with("stream:") && key.matches(':').count() == 5)
            .count()
    };
    wait::until("the items to expire", SOON, async || {
        repo.sessions.get(ids.last().unwrap()).await.unwrap().is_none()
    })
    .await;
    // The trail outlives the item for a while; afterwards only the feed has the entries.
    assert_eq!(repo.sessions.audit(ids.last().unwrap()).await.unwrap().entries.len(), 2);
    wait::until("the trails to expire", SOON, async || trails().await == 0).await;
    assert_eq!(repo.sessions.audit(&ids[0]).await.unwrap().entries, []);
    assert_eq!(repo.sessions.audit_feed().await.unwrap().entries.len(), 40);
    // A trail of an item without a time to live stays, also when the item is deleted.
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    repo.texts.delete("abc123").await.unwrap();
    let left = server.cli(&["PTTL", &format!("{FEED}:abc123")]).await;
    assert_eq!(left, Reply::Int(-1));
}

#[tokio::test]
async fn a_feed_of_another_type_refuses_each_write_whole() {
    let (server, repo) = audited().await;
    let item = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    repo.texts.item("abc123").summarize().enqueue().await.unwrap();
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    let claim = queue.take(&one_job()).await.unwrap().jobs.pop().unwrap().claim;
    server.cli(&["DEL", FEED]).await;
    server.cli(&["SET", FEED, "foreign"]).await;
    let dump = async || {
        let mut all = BTreeMap::new();
        for key in server.keys().await {
            all.insert(key.clone(), server.cli(&["DUMP", key.as_str()]).await);
        }
        all
    };
    let before = dump().await;
    let texts = &repo.texts;
    let errors = [
        texts.create(text("two")).await.unwrap_err(),
        texts.create_with_id("two", text("two")).await.unwrap_err(),
        texts.update(&item, Text::patch().content("two")).await.unwrap_err(),
        texts.item(&item).wordcount().materialize().await.unwrap_err(),
        texts.item("abc123").count().enqueue().await.unwrap_err(),
        texts.item("abc123").summarize().cancel().await.unwrap_err(),
        queue.finish(&claim, &Summary { sentences: vec![] }).await.unwrap_err(),
        queue.fail(&claim, "no luck", None).await.unwrap_err(),
        texts.delete("abc123").await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error.kind(), ErrorKind::WrongType(_)), "{error:?}");
    }
    assert_eq!(dump().await, before);
}

#[tokio::test]
async fn no_entry_is_lost_or_doubled_when_the_server_loses_its_scripts() {
    let (server, repo) = audited().await;
    for round in 0..4 {
        let mut tasks = JoinSet::new();
        for n in 0..50 {
            let texts = repo.texts.clone();
            tasks.spawn(async move { texts.create(text(&n.to_string())).await.unwrap() });
        }
        server.cli(&["SCRIPT", "FLUSH"]).await;
        tasks.join_all().await;
        server.cli(&["SCRIPT", "FLUSH"]).await;
        let feed = server.cli(&["XLEN", FEED]).await.as_int();
        assert_eq!(feed, 50 * (round + 1));
    }
    for item in repo.texts.list().limit(1_000).await.unwrap() {
        assert_eq!(all_said(&repo.texts.audit(&item.id).await.unwrap()), ["create 1"]);
    }
}
