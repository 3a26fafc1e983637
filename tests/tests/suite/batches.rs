//! The same operation on many items: atomic by chunk, a result for each element, memory bounded.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use metastore::{Collection, ErrorKind, Id, Store};
use metastore_tests::{Cut, Server};

use crate::fixture::{Counter, MyRepo, Order, Text, order, start, start_proxied, text};
use crate::queries::indexes;

#[tokio::test]
async fn each_element_has_a_result_and_a_refused_one_does_not_affect_the_others() {
    let (_server, repo) = start().await;
    let nameless = Text { name: String::new(), ..text("x") };
    let created = repo.texts.create_many([text("one"), nameless, text("three")]).await;
    assert!(created[1].as_ref().unwrap_err().is_validation());
    assert_eq!(repo.texts.count().await.unwrap(), 2);
    let ids: Vec<Id> = created.iter().flatten().map(|item| item.id.clone()).collect();

    let patches = [
        (ids[0].to_string(), Text::patch().content("new")),
        ("nobody".to_owned(), Text::patch().content("new")),
        ("a:b".to_owned(), Text::patch().content("new")),
        (ids[1].to_string(), Text::patch().name("")),
        (ids[1].to_string(), Text::patch().content("three")),
    ];
    let updated = repo.texts.update_many(patches).await;
    assert_eq!(updated[0].as_ref().unwrap().version, 2);
    assert!(updated[1].as_ref().unwrap_err().is_not_found());
    assert!(matches!(updated[2].as_ref().unwrap_err().kind(), ErrorKind::InvalidId(_)));
    assert!(updated[3].as_ref().unwrap_err().is_validation());
    assert!(updated[4].as_ref().unwrap().unchanged);

    let found = repo.texts.get_many([ids[0].as_str(), "nobody", "a:b"]).await;
    assert_eq!(found[0].as_ref().unwrap().as_ref().unwrap().data.content, "new");
    assert!(found[1].as_ref().unwrap().is_none());
    assert!(found[2].is_err());

    let functions = (Text::WORDCOUNT, |text: &Text| text.content.len());
    let run = repo.texts.evaluate_many([ids[0].as_str(), "nobody"], functions).await;
    assert_eq!(*run[0].as_ref().unwrap(), (1, 3));
    assert!(run[1].as_ref().unwrap_err().is_not_found());

    let deleted = repo.texts.delete_many([ids[0].as_str(), "nobody", "a:b", ids[1].as_str()]).await;
    assert!(matches!(deleted[..], [Ok(true), Ok(false), Err(_), Ok(true)]));
    assert_eq!(repo.texts.count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_chunk_is_one_round_trip_and_one_step() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    // The client writes a chunk piece by piece; replies that are held for a moment keep a reply to
    // the first piece from being counted as a trip of its own. Chunks travel two at a time.
    proxy.delay_replies(std::time::Duration::from_millis(40));
    proxy.reset_counts();
    let created = repo.texts.create_many((0..250).map(|n| text(&n.to_string()))).await;
    let ids: Vec<Id> = created.into_iter().map(|item| item.unwrap().id.clone()).collect();
    assert!(proxy.round_trips() <= 3, "three chunks made {} round trips", proxy.round_trips());
    // Loads the scripts.
    let again = [(&ids[0], Text::patch().name("n"))];
    repo.texts.update_many(again).await.pop().unwrap().unwrap();

    proxy.reset_counts();
    server.reset_command_counts().await;
    let patches = ids.iter().map(|id| (id, Text::patch().content("new")));
    assert!(repo.texts.update_many(patches).chunk(125).await.iter().all(Result::is_ok));
    assert!(proxy.round_trips() <= 4, "two chunks, each read and written");
    let counts = server.command_counts().await;
    // One script reads each chunk, and one writes each item.
    assert_eq!((counts["multi"], counts["exec"], counts["evalsha"]), (2, 2, 252));

    assert!(repo.texts.delete_many([&ids[0]]).await.remove(0).unwrap());
    proxy.reset_counts();
    let deleted = repo.texts.delete_many(&ids[1..100]).await;
    assert!(deleted.into_iter().all(|deleted| deleted.unwrap()));
    assert_eq!(proxy.round_trips(), 1);
    proxy.reset_counts();
    assert_eq!(repo.texts.get_many(&ids).await.into_iter().flatten().flatten().count(), 150);
    assert!(proxy.round_trips() <= 3);
}

#[tokio::test]
async fn unique_values_are_kept_within_a_chunk_too() {
    let (_server, repo) = start().await;
    let paid = |payment: &str| Order { payment: Some(payment.into()), ..order(1) };
    let created = repo.orders.create_many(["a", "b", "a", "c"].map(paid)).await;
    let taken: Vec<bool> = created.iter().map(Result::is_err).collect();
    assert_eq!(taken, [false, false, true, false]);
    assert!(created[2].as_ref().unwrap_err().is_conflict());
    assert_eq!(repo.orders.count().await.unwrap(), 3);
}

#[tokio::test]
async fn two_patches_of_one_item_in_a_chunk_are_both_applied() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("x")).await.unwrap();
    let patches = [Text::patch().name("new"), Text::patch().content("new")];
    let updated = repo.texts.update_many(patches.map(|patch| (&item.id, patch))).await;
    assert!(updated.iter().all(Result::is_ok));
    let item = repo.texts.get(&item.id).await.unwrap().unwrap();
    assert_eq!((item.version, &*item.data.name, &*item.data.content), (3, "new", "new"));
}

#[tokio::test]
async fn progress_is_reported_and_elements_are_taken_only_when_needed() {
    let (_server, repo) = start().await;
    let (mut seen, mut taken) = (Vec::new(), 0);
    let documents = (0..1_000).map(|count| {
        taken += 1;
        Counter { count }
    });
    {
        let progress = |done| seen.push(done);
        let created = repo.counters.create_many(documents).chunk(10).progress(progress).stream();
        let first: Vec<_> = created.take(25).try_collect().await.unwrap();
        assert_eq!(first.len(), 25);
    }
    assert!(taken <= 60, "{taken} elements were taken for 25");
    assert_eq!(seen, [10, 20, 30]);

    let source = stream::iter((0..30).map(|count| Counter { count }));
    assert_eq!(repo.counters.create_stream(source).await.len(), 30);
}

#[tokio::test]
async fn after_a_lost_reply_each_element_is_looked_up() {
    for cut in [Cut::RequestAt(0), Cut::RequestAt(90), Cut::ReplyAt(0), Cut::ReplyAt(3)] {
        let server = Server::start().await;
        let proxy = metastore_tests::Proxy::start(server.port()).await;
        let repo = MyRepo::with_store(&Store::connect(proxy.url()).await.unwrap());
        proxy.cut_when(b":latest", cut);
        let created = repo.texts.create_many((0..40).map(|n| text(&n.to_string()))).await;
        let ids: Vec<Id> = created.into_iter().map(|item| item.unwrap().id.clone()).collect();
        assert_eq!((proxy.cuts(), repo.texts.count().await.unwrap()), (1, 40), "{cut:?}");
        repo.texts.update_many([(&ids[0], Text::patch().name("n"))]).await.remove(0).unwrap();

        proxy.cut_when(b"MULTI", cut);
        let patches = ids[1..].iter().map(|id| (id, Text::patch().content("new")));
        let updated = repo.texts.update_many(patches).await;
        assert!(updated.iter().all(|item| item.as_ref().is_ok_and(|item| item.version == 2)));
        assert_eq!(proxy.cuts(), 2, "{cut:?}");
        repo.texts.delete("nobody").await.unwrap();

        proxy.cut_when(b"MULTI", cut);
        let deleted = repo.texts.delete_many(&ids).await;
        assert!(deleted.into_iter().all(|deleted| deleted.unwrap()), "{cut:?}");
        assert_eq!(proxy.cuts(), 3, "{cut:?}");
        assert_eq!(indexes(&server).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_full_server_refuses_each_element_and_keeps_none() {
    let (server, repo) = start().await;
    let item = repo.texts.create(text("x")).await.unwrap();
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let created = repo.texts.create_many((0..5).map(|n| text(&n.to_string()))).await;
    for result in created {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutOfMemory(_)), "{error}");
    }
    let updated = repo.texts.update_many([(&item.id, Text::patch().content("y"))]).await;
    assert!(matches!(updated[0].as_ref().unwrap_err().kind(), ErrorKind::OutOfMemory(_)));
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(repo.texts.count().await.unwrap(), 1);
    assert!(repo.texts.verify().await.unwrap().is_clean());
}
