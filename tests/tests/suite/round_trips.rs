//! The number of round trips of each call, counted by a proxy between client and server.

use std::time::Duration;

use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection, Store};
use metastore_tests::Proxy;

use crate::fixture::{Summary, Text, start_proxied, text};

/// Runs a call and returns its round trips.
async fn trips<R>(proxy: &Proxy, call: impl Future<Output = R>) -> (u64, R) {
    proxy.reset_counts();
    let result = call.await;
    (proxy.round_trips(), result)
}

macro_rules! assert_trips {
    ($proxy:expr, $expected:literal, $call:expr) => {{
        let (made, result) = trips(&$proxy, async { $call.await }).await;
        assert_eq!(made, $expected, "{}", stringify!($call));
        result.unwrap()
    }};
}

#[tokio::test]
async fn every_call_makes_the_documented_round_trips() {
    let (server, proxy, repo) = start_proxied(Store::options().audit(true)).await;
    // The client writes a pipeline piece by piece; replies that are held for a moment keep a reply
    // to the first piece from being counted as a trip of its own.
    proxy.delay_replies(Duration::from_millis(20));
    let texts = &repo.texts;
    // The text of each script is sent once, on its first use.
    texts.create(text("warm")).await.unwrap();
    let warm = texts.create_with_id("warm", text("warm")).await.unwrap();
    let warm = texts.update(&warm, Text::patch().content("warmer")).await.unwrap();
    texts.item(&warm).wordcount().materialize().await.unwrap();
    texts.item(&warm).summarize().enqueue().await.unwrap();
    let queue = Queue::new(texts, Text::SUMMARIZE);
    let options = TakeOptions::new("w", 8);
    let taken = queue.take(&options).await.unwrap().jobs.pop().unwrap();
    queue.renew(std::slice::from_ref(&taken.claim), options.lease).await.unwrap();
    assert!(queue.finish(&taken.claim, &Summary { sentences: vec![] }).await.unwrap());
    texts.list().await.unwrap();
    let other = Store::connect(server.url()).await.unwrap().repo::<Text>();
    other.create(text("another")).await.unwrap();
    other.list().limit(1).page().await.unwrap();
    texts.delete("warm").await.unwrap();

    let item = assert_trips!(proxy, 1, texts.create(text("one")));
    assert_trips!(proxy, 1, texts.create_with_id("own", text("one")));
    assert_trips!(proxy, 1, texts.get(&item.id));
    assert_trips!(proxy, 1, texts.get_version(&item.id, 1));
    assert_trips!(proxy, 1, texts.exists(&item.id));
    let item = assert_trips!(proxy, 1, texts.update(&item, Text::patch().content("two")));
    assert_trips!(proxy, 1, texts.get_version(&item.id, 1));
    let item = assert_trips!(proxy, 1, texts.replace(&item, text("three")));
    assert_trips!(proxy, 2, texts.update(&item.id, Text::patch().content("four")));
    assert_trips!(proxy, 2, texts.update_at(&item.id, 4, Text::patch().content("five")));
    let item = assert_trips!(proxy, 2, texts.modify(&item.id, |text| text.content.push('!')));
    assert_trips!(proxy, 1, texts.modify(&item, |_| {}));
    assert_trips!(proxy, 1, texts.count());
    assert_trips!(proxy, 1, texts.list());
    // The first cursor reads the key; later ones do not.
    let page = assert_trips!(proxy, 2, texts.list().limit(1).page());
    assert_trips!(proxy, 1, texts.list().limit(1).after(&page.next.unwrap()).page());
    assert_trips!(proxy, 1, texts.find(Text::LANGUAGE.eq("en")));
    assert_trips!(proxy, 1, texts.find(Text::LANGUAGE.is_none()).count());
    assert_trips!(proxy, 1, texts.list().owned_by("u1").page());
    assert_trips!(proxy, 2, texts.versions(&item.id));

    assert_trips!(proxy, 1, texts.item(&item.id).wordcount().run());
    assert_trips!(proxy, 1, texts.item(&item.id).wordcount().run_on(2));
    assert_trips!(proxy, 0, texts.item(&item).wordcount().run());
    assert_trips!(proxy, 1, texts.item(&item).wordcount().materialize());
    assert_trips!(proxy, 2, texts.item(&item.id).wordcount().materialize());
    assert_trips!(proxy, 1, texts.item(&item.id).wordcount().cached());
    let named = (Text::WORDCOUNT, Text::TEXTSPLIT, |text: &Text| text.name.len());
    assert_trips!(proxy, 1, texts.item(&item.id).evaluate_all(named));

    assert_trips!(proxy, 1, texts.item(&item.id).summarize().enqueue());
    let taken = assert_trips!(proxy, 1, queue.take(&options));
    let claim = &taken.jobs[0].claim;
    assert_trips!(proxy, 1, queue.renew(std::slice::from_ref(claim), options.lease));
    assert_trips!(proxy, 1, queue.finish(claim, &Summary { sentences: vec![] }));
    assert_trips!(proxy, 1, texts.item(&item.id).summarize().status());
    assert_trips!(proxy, 1, texts.item(&item.id).summarize().result());
    assert_trips!(proxy, 1, texts.audit(&item.id));
    assert_trips!(proxy, 1, texts.audit(&item.id).operation("update").actor("u42"));
    let page = assert_trips!(proxy, 1, texts.audit_feed().limit(3));
    assert_trips!(proxy, 1, texts.audit_feed().after(page.position).limit(1_000));
    assert_trips!(proxy, 1, texts.delete(&item.id));
}

#[tokio::test]
async fn an_update_sends_the_document_once_and_a_version_is_stored_once() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    let size = 50_000;
    let item = repo.texts.create(text(&"x".repeat(size))).await.unwrap();
    let item = repo.texts.update(&item, Text::patch().content("y".repeat(size))).await.unwrap();
    proxy.reset_counts();
    repo.texts.update(&item, Text::patch().content("z".repeat(size))).await.unwrap();
    assert!(proxy.bytes_up() < size as u64 + 2_000, "{} bytes sent", proxy.bytes_up());
    assert!(proxy.bytes_down() < 200, "{} bytes received", proxy.bytes_down());
    let versions = server.keys().await.iter().filter(|key| key.contains(":version:")).count();
    assert_eq!(versions, 2);
}
