//! The entries: each level of the catalog, its cost, and its order.

use std::time::Duration;

use metastore::Store;
use metastore::schema::{IndexKind, ObjectType, TtlOnUpdate};
use metastore_tests::{Proxy, Server};

use super::{MyRepo, start, texts, writes};
use crate::fixture::{Text, text};

#[tokio::test]
async fn connecting_enters_every_collection_and_each_level_is_found() {
    let server = Server::start().await;
    let repo = MyRepo::connect(server.url()).await.unwrap();
    let store = repo.texts.store();
    server.reset_command_counts().await;

    let names = |names: Vec<metastore::Name>| -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    };
    assert_eq!(names(store.domains().await.unwrap()), ["myapp"]);
    assert_eq!(names(store.apps("myapp").await.unwrap()), ["counting", "login", "textsplitter"]);
    let found = store.collections("myapp", "textsplitter").await.unwrap();
    assert_eq!(found, [repo.texts.descriptor()]);
    let found = store.collection(&texts()).await.unwrap().unwrap();
    assert_eq!(found, repo.texts.descriptor());

    assert_eq!((found.address.as_str(), found.schema), ("myapp:textsplitter:texts", 1));
    assert_eq!(found.fingerprint, Text::SCHEMA.fingerprint);
    assert_eq!((found.object_type, found.ttl_ms), (ObjectType::Texts, None));
    let fields: Vec<_> = found.fields.iter().map(|field| (&*field.name, field.index)).collect();
    let indexed = Some(IndexKind::Equality);
    assert_eq!(fields, [("name", None), ("content", None), ("language", indexed)]);
    assert_eq!(
        found.mutations.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["wordcount", "textsplit"]
    );
    let [summarize, count] = &found.transformations[..] else { panic!("{found:?}") };
    assert_eq!((summarize.name.as_str(), summarize.timeout_ms), ("summarize", Some(30_000)));
    assert_eq!((summarize.retries, count.retries, count.timeout_ms), (Some(3), None, None));
    let sessions = store.collections("myapp", "login").await.unwrap();
    assert_eq!((sessions[0].ttl_ms, sessions[0].ttl_on_update), (Some(1_000), TtlOnUpdate::Reset));

    assert!(store.apps("other").await.unwrap().is_empty());
    assert!(store.collections("myapp", "other").await.unwrap().is_empty());
    assert_eq!(store.collection(&"myapp:login:other".parse().unwrap()).await.unwrap(), None);
    let counts = server.command_counts().await;
    assert!(!counts.contains_key("scan") && !counts.contains_key("keys"), "{counts:?}");
    let catalog: Vec<_> = server.keys().await;
    assert_eq!(
        catalog,
        [
            "catalog",
            "catalog:myapp",
            "catalog:myapp:counting",
            "catalog:myapp:login",
            "catalog:myapp:textsplitter"
        ]
    );
}

#[tokio::test]
async fn the_catalog_costs_one_round_trip_and_is_written_once() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let bare = Store::connect(proxy.url()).await.unwrap();
    let connecting = proxy.round_trips();
    MyRepo::with_store(&bare).register().await.unwrap();
    server.reset_command_counts().await;

    proxy.reset_counts();
    let repo = MyRepo::connect(proxy.url()).await.unwrap();
    assert_eq!(proxy.round_trips(), connecting + 1);
    assert_eq!(writes(&server).await, 0);

    let store = repo.texts.store();
    proxy.delay_replies(Duration::from_millis(20));
    proxy.reset_counts();
    store.domains().await.unwrap();
    assert_eq!(proxy.round_trips(), 1);
    store.apps("myapp").await.unwrap();
    assert_eq!(proxy.round_trips(), 2);
    store.collections("myapp", "login").await.unwrap();
    assert_eq!(proxy.round_trips(), 3);
    store.collection(&texts()).await.unwrap();
    assert_eq!(proxy.round_trips(), 4);
    repo.texts.register().await.unwrap();
    assert_eq!(proxy.round_trips(), 5);
}

#[tokio::test]
async fn the_address_is_that_of_the_store() {
    let server = Server::start().await;
    let options = Store::options().domain("tenant1").app("shop");
    let store = options.connect(server.url()).await.unwrap();
    MyRepo::with_store(&store).register().await.unwrap();
    let found = store.collections("tenant1", "shop").await.unwrap();
    let addresses: Vec<_> = found.iter().map(|found| found.address.as_str()).collect();
    assert_eq!(addresses, ["tenant1:shop:counters", "tenant1:shop:sessions", "tenant1:shop:texts"]);
    assert!(store.apps("myapp").await.unwrap().is_empty());
}

#[tokio::test]
async fn names_that_look_like_messages_confuse_nothing() {
    // A reply of three or four elements that begins with such a word is taken for a message by the
    // client, and every later reply then goes to the wrong caller.
    let server = Server::start().await;
    let words = ["message", "subscribe", "pmessage"];
    for domain in words {
        for app in words {
            let options = Store::options().domain(domain).app(app);
            let store = options.connect(server.url()).await.unwrap();
            MyRepo::with_store(&store).register().await.unwrap();
        }
    }
    let repo = MyRepo::connect(server.url()).await.unwrap();
    let store = repo.texts.store();
    assert_eq!(store.domains().await.unwrap().len(), 4);
    for word in words {
        assert_eq!(store.apps(word).await.unwrap().len(), 3);
        assert_eq!(store.collections(word, word).await.unwrap().len(), 3);
    }
    let item = repo.texts.create(text("one")).await.unwrap();
    assert_eq!(repo.texts.get(&item.id).await.unwrap().unwrap().data.content, "one");
}

#[tokio::test]
async fn thousands_of_tenants_are_found_in_order() {
    let (server, repo) = start().await;
    repo.register().await.unwrap();
    let names: Vec<String> = (0..2_500).map(|n| format!("tenant{n:04}")).collect();
    let mut command = vec!["SADD", "catalog"];
    command.extend(names.iter().map(String::as_str));
    server.cli(&command).await;
    let found = repo.texts.store().domains().await.unwrap();
    let found: Vec<_> = found.iter().map(|name| name.as_str()).collect();
    assert_eq!(found[0], "myapp");
    assert!(found[1..].iter().eq(&names));
}

#[tokio::test]
async fn unregistering_the_last_collection_removes_its_app_and_domain() {
    let (server, repo) = start().await;
    repo.register().await.unwrap();
    let store = repo.texts.store();
    let item = repo.texts.create(text("one")).await.unwrap();
    assert!(store.unregister(repo.texts.address()).await.unwrap());
    assert!(!store.unregister(repo.texts.address()).await.unwrap());
    assert_eq!(store.apps("myapp").await.unwrap().len(), 2);
    assert!(store.unregister(repo.sessions.address()).await.unwrap());
    assert!(store.unregister(repo.counters.address()).await.unwrap());
    assert!(store.domains().await.unwrap().is_empty());
    assert!(server.keys().await.iter().all(|key| !key.starts_with("catalog")));
    assert!(repo.texts.exists(&item.id).await.unwrap());
}
