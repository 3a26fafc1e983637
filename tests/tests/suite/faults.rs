//! Servers that have lost their scripts, are full, loading, read-only, locked or gone.

use std::time::Duration;

use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection, Error, ErrorKind, Store};
use metastore_tests::{Server, wait};

use crate::fixture::{MyRepo, SOON, Summary, Text, start, text};

#[tokio::test]
async fn everything_continues_after_the_scripts_were_flushed() {
    let (server, repo) = start().await;
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    let options = TakeOptions::new("w", 1);
    for round in 0..2 {
        let flush = async || {
            server.cli(&["SCRIPT", "FLUSH"]).await;
        };
        let id = format!("id{round}");
        flush().await;
        let item = repo.texts.create_with_id(&id, text("one")).await.unwrap();
        flush().await;
        let item = repo.texts.update(&item, Text::patch().content("two")).await.unwrap();
        flush().await;
        repo.texts.item(&item).wordcount().materialize().await.unwrap();
        flush().await;
        let job = repo.texts.item(&id).summarize().enqueue().await.unwrap();
        flush().await;
        let taken = queue.take(&options).await.unwrap().jobs.pop().unwrap();
        flush().await;
        assert_eq!(queue.renew(std::slice::from_ref(&taken.claim), SOON).await.unwrap(), [true]);
        flush().await;
        assert!(queue.finish(&taken.claim, &Summary { sentences: vec![] }).await.unwrap());
        flush().await;
        job.wait(SOON).await.unwrap();
        flush().await;
        assert_eq!(repo.texts.list().await.unwrap().len(), 1);
        flush().await;
        assert!(repo.texts.delete(&id).await.unwrap());
    }
}

#[tokio::test]
async fn without_a_server_every_call_fails_in_time() {
    let server = Server::start().await;
    let store = Store::options()
        .command_timeout(Duration::from_millis(100))
        .outcome_timeout(Duration::from_millis(200))
        .connect(server.url())
        .await
        .unwrap();
    let repo = MyRepo::with_store(&store);
    let item = repo.texts.create(text("one")).await.unwrap();
    server.stop();
    wait::until("the client to notice", SOON, async || {
        matches!(repo.texts.get(&item.id).await.unwrap_err().kind(), ErrorKind::Unavailable(_))
    })
    .await;
    let errors: Vec<Error> = vec![
        repo.texts.create(text("two")).await.unwrap_err(),
        repo.texts.update(&item, Text::patch().content("two")).await.unwrap_err(),
        repo.texts.get(&item.id).await.unwrap_err(),
        repo.texts.delete(&item.id).await.unwrap_err(),
        repo.texts.list().await.unwrap_err(),
        repo.texts.item(&item.id).summarize().enqueue().await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error.kind(), ErrorKind::Unavailable(_)), "{error:?}");
        assert!(error.is_retryable());
    }
    let error = Store::connect(server.url()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unavailable(_)), "{error:?}");
    let error = Store::connect("nonsense://x").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_a_non_retryable_error() {
    let server = Server::builder().password("secret").start().await;
    let store = Store::connect(server.url()).await.unwrap();
    assert_eq!(store.server(), format!("redis://127.0.0.1:{}", server.port()));
    assert!(!format!("{store:?}").contains("secret"));
    for url in [
        format!("redis://127.0.0.1:{}", server.port()),
        format!("redis://:wrong@127.0.0.1:{}", server.port()),
    ] {
        let error = Store::connect(&url).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Auth(_)), "{error:?}");
        assert!(!error.is_retryable());
        assert!(!format!("{error} {error:?}").contains("wrong@"), "{error:?}");
    }
}

#[tokio::test]
async fn a_full_server_refuses_writes_whole_and_serves_reads() {
    let server = Server::builder().arg("--maxmemory", "8mb").start().await;
    let repo =
        MyRepo::with_store(&Store::options().audit(true).connect(server.url()).await.unwrap());
    let first = repo.texts.create_with_id("first", text("one")).await.unwrap();
    let error = loop {
        if let Err(error) = repo.texts.create(text(&"x".repeat(100_000))).await {
            break error;
        }
    };
    assert!(matches!(error.kind(), ErrorKind::OutOfMemory(_)), "{error:?}");
    assert!(!error.is_retryable());
    server.cli(&["CONFIG", "SET", "maxmemory", "1mb"]).await;
    let before = (server.keys().await, repo.texts.count().await.unwrap());
    let errors = [
        repo.texts.create(text("two")).await.unwrap_err(),
        repo.texts.create_with_id("two", text("two")).await.unwrap_err(),
        repo.texts.update(&first, Text::patch().content("two")).await.unwrap_err(),
        repo.texts.item(&first).wordcount().materialize().await.unwrap_err(),
        repo.texts.item(&first).summarize().enqueue().await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error.kind(), ErrorKind::OutOfMemory(_)), "{error:?}");
    }
    assert_eq!(before, (server.keys().await, repo.texts.count().await.unwrap()));
    let stored = repo.texts.get("first").await.unwrap().unwrap();
    assert_eq!((stored.version, stored.data.content.as_str()), (1, "one"));
    // Deleting frees memory, so it must work.
    assert!(repo.texts.delete("first").await.unwrap());
}

#[tokio::test]
async fn a_read_only_replica_refuses_writes_and_serves_reads() {
    let (primary, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let replica = Server::builder()
        .arg("--replicaof", &format!("127.0.0.1 {}", primary.port()))
        .start()
        .await;
    wait::until("the replica to be in step", SOON, async || {
        replica.info_field("master_link_status").await == "up" && replica.dbsize().await == 4
    })
    .await;
    let copy = MyRepo::with_store(&Store::connect(replica.url()).await.unwrap());
    let errors = [
        copy.texts.create(text("two")).await.unwrap_err(),
        copy.texts.create_with_id("two", text("two")).await.unwrap_err(),
        copy.texts.update(&item, Text::patch().content("two")).await.unwrap_err(),
        copy.texts.delete(&item.id).await.unwrap_err(),
        copy.texts.item(&item.id).summarize().enqueue().await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error.kind(), ErrorKind::ReadOnly(_)), "{error:?}");
        assert!(error.is_retryable());
    }
    assert_eq!(copy.texts.get(&item.id).await.unwrap().unwrap().data.content, "one");
    assert_eq!(copy.texts.list().await.unwrap().len(), 1);
    assert_eq!(copy.texts.find(Text::LANGUAGE.is_none()).count().await.unwrap(), 1);
    // After its promotion it accepts writes from the same store.
    replica.cli(&["REPLICAOF", "NO", "ONE"]).await;
    wait::until("the write to go through", SOON, async || {
        copy.texts.update(&item.id, Text::patch().content("two")).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_loading_server_has_a_retryable_error_of_its_own() {
    let server = Server::builder()
        .arg("--enable-debug-command", "yes")
        .arg("--loading-process-events-interval-bytes", "1024")
        .start()
        .await;
    let repo = MyRepo::with_store(&Store::connect(server.url()).await.unwrap());
    let item = repo.texts.create(text("one")).await.unwrap();
    for n in 0..500 {
        server.cli(&["SET".to_owned(), format!("filler{n}"), "x".repeat(100)]).await;
    }
    server.cli(&["CONFIG", "SET", "key-load-delay", "4000"]).await;
    let mut line = server.connect().await.unwrap();
    let reload = tokio::spawn(async move { line.call(&["DEBUG", "RELOAD"]).await });
    wait::until("the server to load", SOON, async || {
        matches!(repo.texts.get(&item.id).await, Err(error) if matches!(error.kind(), ErrorKind::Loading))
    })
    .await;
    let errors = [
        repo.texts.create(text("two")).await.unwrap_err(),
        repo.texts.update(&item, Text::patch().content("two")).await.unwrap_err(),
        repo.texts.delete(&item.id).await.unwrap_err(),
        Store::connect(server.url()).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error.kind(), ErrorKind::Loading), "{error:?}");
        assert!(error.is_retryable());
    }
    server.cli(&["CONFIG", "SET", "key-load-delay", "0"]).await;
    reload.await.unwrap().unwrap();
    assert_eq!(repo.texts.get(&item.id).await.unwrap().unwrap().version, 1);
}
