//! The catalog: written on connecting, read level by level.

use std::time::Duration;

use metastore::schema::{IndexKind, ObjectType, TtlOnUpdate};
use metastore::{Address, Collection, Document as _, ErrorKind, Repo, Repository, Store};
use metastore_tests::{Proxy, Server, wait};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::fixture::{Counter, Log, SOON, Session, Text, text};

#[derive(Repository)]
struct MyRepo {
    texts: Repo<Text>,
    sessions: Repo<Session>,
    counters: Repo<Counter>,
}

async fn start() -> (Server, MyRepo) {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    (server, MyRepo::with_store(&store))
}

/// Another version of a service, which has one mutation more than the other.
mod later {
    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
    #[mutation(wordcount -> usize)]
    #[mutation(length -> usize)]
    pub(super) struct Text {
        content: String,
    }

    impl Text {
        fn wordcount(&self) -> usize {
            self.content.split_whitespace().count()
        }

        fn length(&self) -> usize {
            self.content.len()
        }
    }

    #[derive(Repository)]
    pub(super) struct MyRepo {
        pub(super) texts: Repo<Text>,
    }
}

/// A version whose documents have another shape.
mod newest {
    use serde_json::{Map, Value};

    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
    #[collection(schema = 2)]
    #[upgrade(1 -> 2, with = rename)]
    pub(super) struct Text {
        words: String,
    }

    fn rename(document: &mut Map<String, Value>) -> Result<(), String> {
        let content = document.remove("content").ok_or("no content")?;
        document.insert("words".to_owned(), content);
        Ok(())
    }

    #[derive(Repository)]
    pub(super) struct MyRepo {
        pub(super) texts: Repo<Text>,
    }
}

fn texts() -> Address {
    "myapp:textsplitter:texts".parse().unwrap()
}

async fn mutations(store: &Store) -> Vec<String> {
    let found = store.collection(&texts()).await.unwrap().unwrap();
    found.mutations.iter().map(ToString::to_string).collect()
}

/// How often the server has run a command that writes to the catalog.
async fn writes(server: &Server) -> u64 {
    let counts = server.command_counts().await;
    ["hset", "sadd", "hdel", "srem", "del"].iter().filter_map(|name| counts.get(*name)).sum()
}

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
async fn two_versions_of_a_service_do_not_overwrite_each_others_entry() {
    let server = Server::start().await;
    let repo = MyRepo::connect(server.url()).await.unwrap();
    let store = repo.texts.store();
    assert_eq!(mutations(store).await, ["wordcount", "textsplit"]);

    let later = later::MyRepo::connect(server.url()).await.unwrap();
    assert_eq!(mutations(store).await, ["wordcount", "length"]);
    server.reset_command_counts().await;
    for _ in 0..3 {
        MyRepo::connect(server.url()).await.unwrap();
        later::MyRepo::connect(server.url()).await.unwrap();
    }
    assert_eq!(mutations(store).await, ["wordcount", "length"]);
    assert_eq!(writes(&server).await, 0, "the two write over each other");

    // The definition that was rolled back is unregistered; the next service to connect registers
    // its own.
    assert!(store.unregister(later.texts.address()).await.unwrap());
    repo.texts.register().await.unwrap();
    assert_eq!(mutations(store).await, ["wordcount", "textsplit"]);
}

#[tokio::test]
async fn the_definition_with_the_highest_schema_number_stays() {
    let server = Server::start().await;
    let newest = newest::MyRepo::connect(server.url()).await.unwrap();
    let repo = MyRepo::connect(server.url()).await.unwrap();
    let store = repo.texts.store();
    later::MyRepo::connect(server.url()).await.unwrap();
    assert_eq!(store.collection(&texts()).await.unwrap(), Some(newest.texts.descriptor()));

    assert!(store.unregister(&texts()).await.unwrap());
    repo.texts.register().await.unwrap();
    assert_eq!(store.collection(&texts()).await.unwrap().unwrap().schema, 1);
    newest.texts.register().await.unwrap();
    assert_eq!(store.collection(&texts()).await.unwrap().unwrap().schema, 2);
}

#[tokio::test]
async fn two_shapes_with_one_schema_number_are_reported() {
    let server = Server::start().await;
    MyRepo::connect(server.url()).await.unwrap();
    let log = Log::default();
    let _guard = log.record();
    MyRepo::connect(server.url()).await.unwrap();
    newest::MyRepo::connect(server.url()).await.unwrap();
    assert_eq!(log.text(), "");
    assert!(Store::connect(server.url()).await.unwrap().unregister(&texts()).await.unwrap());
    MyRepo::connect(server.url()).await.unwrap();
    // It has one field of the three.
    later::MyRepo::connect(server.url()).await.unwrap();
    let told = log.text();
    assert!(told.contains("two definitions of the document have the same schema number"), "{told}");
    assert!(told.contains("myapp:textsplitter:texts") && told.contains("WARN"), "{told}");
}

#[tokio::test]
async fn many_that_connect_at_once_make_one_catalog() {
    let server = Server::start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let options = Store::options().domain(format!("tenant{}", n % 5));
        let url = server.url();
        tasks.spawn(async move {
            let store = options.connect(url).await.unwrap();
            MyRepo::with_store(&store).register().await.unwrap();
            later::MyRepo::with_store(&store).register().await.unwrap();
        });
    }
    tasks.join_all().await;
    let store = Store::connect(server.url()).await.unwrap();
    assert_eq!(store.domains().await.unwrap().len(), 5);
    for domain in store.domains().await.unwrap() {
        assert_eq!(store.apps(&domain).await.unwrap().len(), 3);
        let found = store.collections(&domain, "textsplitter").await.unwrap();
        assert_eq!(found[0].mutations[1].as_str(), "length");
    }
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
async fn connecting_to_a_server_that_refuses_writes_succeeds() {
    let primary = Server::start().await;
    let follow = format!("127.0.0.1 {}", primary.port());
    let replica = Server::builder().arg("--replicaof", &follow).start().await;
    wait::until("the replica to be in step", SOON, async || {
        replica.info_field("master_link_status").await == "up"
    })
    .await;
    let copy = MyRepo::connect(replica.url()).await.unwrap();
    let error = copy.register().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ReadOnly(_)), "{error:?}");
    assert_eq!(error.operation(), "register");
    assert!(copy.texts.store().domains().await.unwrap().is_empty());

    // Once the primary has the entries, connecting writes nothing.
    MyRepo::connect(primary.url()).await.unwrap();
    wait::until("the replica to follow", SOON, async || replica.dbsize().await == 5).await;
    copy.register().await.unwrap();
    assert_eq!(mutations(copy.texts.store()).await, ["wordcount", "textsplit"]);
}

#[tokio::test]
async fn connecting_to_a_full_server_succeeds() {
    let server = Server::builder().arg("--maxmemory", "1kb").start().await;
    let repo = MyRepo::connect(server.url()).await.unwrap();
    let error = repo.register().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OutOfMemory(_)), "{error:?}");
    assert!(server.keys().await.is_empty());
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
    repo.register().await.unwrap();
    assert_eq!(repo.texts.store().domains().await.unwrap().len(), 1);
}

#[tokio::test]
async fn keys_of_another_type_are_reported_and_do_not_prevent_connecting() {
    let server = Server::start().await;
    server.cli(&["SET", "catalog:myapp:login", "x"]).await;
    let repo = MyRepo::connect(server.url()).await.unwrap();
    for error in [
        repo.register().await.unwrap_err(),
        repo.texts.store().collections("myapp", "login").await.unwrap_err(),
        repo.texts.store().collection(repo.sessions.address()).await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::WrongType(_)), "{error:?}");
    }
    assert_eq!(server.keys().await, ["catalog:myapp:login"], "half of the entries were written");
}

#[tokio::test]
async fn an_invalid_entry_is_reported_and_replaced_by_registering() {
    let (server, repo) = start().await;
    repo.register().await.unwrap();
    let store = repo.texts.store();
    server.cli(&["HSET", "catalog:myapp:textsplitter", "texts", "garbage"]).await;
    let error = store.collections("myapp", "textsplitter").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode { .. }), "{error:?}");
    assert_eq!(error.key(), Some("catalog:myapp:textsplitter"));
    assert!(store.collection(&texts()).await.is_err());
    repo.register().await.unwrap();
    assert_eq!(store.collection(&texts()).await.unwrap(), Some(repo.texts.descriptor()));

    // Fields that a later release may add are ignored.
    let stored = server.cli(&["HGET", "catalog:myapp:textsplitter", "texts"]).await;
    let richer = stored.as_str().replacen("\"fields\"", "\"owner\":{\"a\":1},\"fields\"", 1);
    server.cli(&["HSET", "catalog:myapp:textsplitter", "texts", &richer]).await;
    assert_eq!(store.collection(&texts()).await.unwrap(), Some(repo.texts.descriptor()));
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

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let (_server, repo) = start().await;
    let store = repo.texts.store();
    for error in [
        store.apps("a:b").await.unwrap_err(),
        store.apps("").await.unwrap_err(),
        store.apps("idx").await.unwrap_err(),
        store.collections("myapp", "*").await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::InvalidName(_)), "{error:?}");
    }
    for bad in ["", "a", "a:b", "a:b:c:d", "idx:a:b", "a::b"] {
        assert!(bad.parse::<Address>().is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_lost_reply_leaves_the_catalog_whole() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let store = Store::connect(proxy.url()).await.unwrap();
    let repo = MyRepo::with_store(&store);
    proxy.cut_when(b"catalog", metastore_tests::Cut::ReplyAt(0));
    repo.register().await.unwrap();
    assert!(proxy.fired());
    assert_eq!(store.collections("myapp", "textsplitter").await.unwrap().len(), 1);
    let stored = server.cli(&["HGET", "catalog:myapp:textsplitter", "texts"]).await;
    assert!(stored.as_str().contains("\"replaced\":[]"), "{stored:?}");
}
