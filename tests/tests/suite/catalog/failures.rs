//! Servers that refuse damaged entries, bad names and lost replies.

use metastore::{Address, ErrorKind, Store};
use metastore_tests::{Proxy, Server, wait};

use super::{MyRepo, mutations, start, texts};
use crate::fixture::SOON;

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
