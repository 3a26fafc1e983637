//! Servers that refuse commands: busy, at their connection limit, with a changed password, with
//! eviction, in another role. Each error states the reason and whether a retry helps.

use std::time::Duration;

use metastore::{Collection, Error, ErrorKind, Store, StoreOptions};
use metastore_tests::{Proxy, Server, wait};

use crate::fixture::{Log, MyRepo, Order, SOON, Seat, Text, order, seat, session, text};

/// Options with short timeouts.
fn impatient() -> StoreOptions {
    Store::options()
        .command_timeout(Duration::from_millis(300))
        .outcome_timeout(Duration::from_millis(600))
}

#[track_caller]
fn assert_unavailable(error: &Error, words: &str) {
    assert!(matches!(error.kind(), ErrorKind::Unavailable(_)), "{error:?}");
    assert!(error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn a_server_busy_with_a_script_says_so_and_recovers() {
    let server = Server::builder().arg("--busy-reply-threshold", "50").start().await;
    let repo = MyRepo::with_store(&impatient().connect(server.url()).await.unwrap());
    let item = repo.texts.create(text("one")).await.unwrap();
    let mut line = server.connect().await.unwrap();
    let script = tokio::spawn(async move { line.call(&["EVAL", "while true do end", "0"]).await });
    let busy = |error: &Error| error.to_string().contains("BUSY");
    wait::until("the server to be busy", SOON, async || {
        repo.texts.get(&item.id).await.is_err_and(|error| busy(&error))
    })
    .await;
    for error in [
        repo.texts.get(&item.id).await.unwrap_err(),
        repo.texts.list().await.unwrap_err(),
        repo.texts.count().await.unwrap_err(),
        repo.texts.create(text("two")).await.unwrap_err(),
        repo.texts.update(&item, Text::patch().content("two")).await.unwrap_err(),
        repo.texts.delete(&item.id).await.unwrap_err(),
        repo.texts.item(&item.id).summarize().enqueue().await.unwrap_err(),
        Store::connect(server.url()).await.unwrap_err(),
    ] {
        assert_unavailable(&error, "the server is not available: BUSY");
    }
    server.cli(&["SCRIPT", "KILL"]).await;
    script.await.unwrap().unwrap();
    assert_eq!(repo.texts.get(&item.id).await.unwrap().unwrap().version, 1);
    assert_eq!(repo.texts.count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_server_with_no_connection_left_says_so_and_recovers() {
    let server = Server::start().await;
    let repo = MyRepo::with_store(&impatient().connect(server.url()).await.unwrap());
    let item = repo.texts.create(text("one")).await.unwrap();
    let mut line = server.connect().await.unwrap();
    line.call(&["CONFIG", "SET", "maxclients", "1"]).await.unwrap();
    assert_unavailable(&Store::connect(server.url()).await.unwrap_err(), "max number of clients");
    // A store that has lost its connection returns the same error for each call.
    line.call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await.unwrap();
    wait::until("the store to notice", SOON, async || {
        repo.texts.get(&item.id).await.is_err_and(|error| error.to_string().contains("max number"))
    })
    .await;
    let error = repo.texts.create(text("two")).await.unwrap_err();
    assert_unavailable(&error, "the server is not available: ERR max number of clients");
    line.call(&["CONFIG", "SET", "maxclients", "100"]).await.unwrap();
    wait::until("the store to come back", SOON, async || repo.texts.get(&item.id).await.is_ok())
        .await;
}

#[tokio::test]
async fn a_changed_password_is_reported_and_the_store_recovers_with_the_old_one() {
    let server = Server::builder().password("first").start().await;
    let repo = MyRepo::with_store(&impatient().connect(server.url()).await.unwrap());
    let item = repo.texts.create(text("one")).await.unwrap();
    let mut line = server.connect().await.unwrap();
    line.call(&["CONFIG", "SET", "requirepass", "second"]).await.unwrap();
    // Existing connections keep working.
    repo.texts.get(&item.id).await.unwrap();
    line.call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await.unwrap();
    wait::until("the store to be refused", SOON, async || {
        repo.texts
            .get(&item.id)
            .await
            .is_err_and(|error| matches!(error.kind(), ErrorKind::Auth(_)))
    })
    .await;
    for error in [
        repo.texts.get(&item.id).await.unwrap_err(),
        repo.texts.create(text("two")).await.unwrap_err(),
        repo.texts.list().await.unwrap_err(),
        Store::connect(server.url()).await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Auth(_)), "{error:?}");
        assert!(!error.is_retryable());
        assert!(error.to_string().contains("the server refused access: WRONGPASS"), "{error}");
        assert!(!error.to_string().contains("first"), "{error}");
    }
    line.call(&["CONFIG", "SET", "requirepass", "first"]).await.unwrap();
    wait::until("the store to come back", SOON, async || repo.texts.get(&item.id).await.is_ok())
        .await;
}

#[tokio::test]
async fn a_server_that_may_evict_documents_causes_a_warning_on_connect_or_an_error_if_required() {
    let server = Server::start().await;
    let log = Log::default();
    let _guard = log.record();
    Store::connect(server.url()).await.unwrap();
    Store::options().refuse_eviction(true).connect(server.url()).await.unwrap();
    assert!(!log.text().contains("maxmemory-policy"), "{}", log.text());
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    Store::connect(server.url()).await.unwrap();
    let text = log.text();
    assert_eq!(text.lines().filter(|line| line.contains("WARN")).count(), 1, "{text}");
    assert!(text.contains("allkeys-lru") && text.contains("maxmemory-policy noeviction"), "{text}");
    let error = Store::options().refuse_eviction(true).connect(server.url()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error:?}");
    assert!(error.to_string().contains("allkeys-lru"), "{error}");
}

#[tokio::test]
async fn a_replica_whose_primary_is_frozen_returns_one_kind_of_error() {
    for stale in ["yes", "no"] {
        let primary = Server::builder().arg("--repl-diskless-sync-delay", "0").start().await;
        let repo = MyRepo::with_store(&Store::connect(primary.url()).await.unwrap());
        let replica = Server::builder()
            .arg("--replicaof", &format!("127.0.0.1 {}", primary.port()))
            .arg("--replica-serve-stale-data", stale)
            .arg("--repl-timeout", "1")
            .start()
            .await;
        wait::until("the replica to be in step", SOON, async || {
            replica.info_field("master_link_status").await == "up"
        })
        .await;
        let copy = MyRepo::with_store(&impatient().connect(replica.url()).await.unwrap());
        let text_item = repo.texts.create(text("one")).await.unwrap();
        repo.sessions.create(session("ann")).await.unwrap();
        repo.seats.create(seat(1, "a")).await.unwrap();
        wait::until("the replica to have all", SOON, async || {
            copy.texts.count().await.unwrap() == 1 && copy.seats.count().await.unwrap() <= 1
        })
        .await;
        primary.freeze();
        wait::until("the link to break", SOON, async || {
            replica.info_field("master_link_status").await == "down"
        })
        .await;
        wait::until("the items to expire", SOON, async || {
            let gets = copy.sessions.list().await;
            gets.is_err() || gets.is_ok_and(|found| found.is_empty())
        })
        .await;
        let in_row = || copy.seats.find(Seat::ROW.eq("a"));
        let answers = [
            ("get", copy.texts.get(&text_item.id).await.map(|found| u64::from(found.is_some()))),
            ("texts listed", copy.texts.list().await.map(|found| found.len() as u64)),
            ("texts counted", copy.texts.count().await),
            ("sessions listed", copy.sessions.list().await.map(|found| found.len() as u64)),
            ("sessions counted", copy.sessions.count().await),
            ("seats found", in_row().await.map(|found| found.len() as u64)),
            ("seats counted", in_row().count().await),
            ("all seats counted", copy.seats.count().await),
        ];
        for (name, answer) in answers {
            match stale {
                "yes" => {
                    let expected = u64::from(!name.contains("se"));
                    assert_eq!(answer.unwrap(), expected, "{name}");
                }
                _ => assert_unavailable(&answer.expect_err(name), "the server is not available"),
            }
        }
        primary.thaw();
    }
}

/// A primary and a replica change roles. The clients' address leads to the new primary for new
/// connections; existing ones stay with the old one.
#[tokio::test]
async fn writes_recover_after_a_planned_switch_to_a_replica() {
    let start = || Server::builder().arg("--repl-diskless-sync-delay", "0").start();
    let (mut primary, mut replica) = (start().await, start().await);
    let in_step = async |server: &Server| {
        wait::until("the replica to be in step", SOON, async || {
            server.info_field("role").await == "slave"
                && server.info_field("master_link_status").await == "up"
        })
        .await;
    };
    let host = "127.0.0.1";
    replica.cli(&["REPLICAOF", host, &primary.port().to_string()]).await;
    in_step(&replica).await;
    let proxy = Proxy::start(primary.port()).await;
    let repo = MyRepo::with_store(&impatient().connect(proxy.url()).await.unwrap());
    let item = repo.texts.create(text("one")).await.unwrap();
    let indexed = repo.orders.create(order(0)).await.unwrap();
    for round in 0..4 {
        let began = std::time::Instant::now();
        if round % 2 == 0 {
            // This kind of switch loses what has not been replicated.
            wait::until("the replica to have all writes", SOON, async || {
                let field = "master_repl_offset";
                replica.info_field(field).await == primary.info_field(field).await
            })
            .await;
            replica.cli(&["REPLICAOF", "NO", "ONE"]).await;
            primary.cli(&["REPLICAOF", host, &replica.port().to_string()]).await;
        } else {
            let reply = primary.cli(&["FAILOVER", "TO", host, &replica.port().to_string()]).await;
            assert_eq!(reply.error(), None);
        }
        proxy.lead_to(replica.port());
        let (mut tried, mut failed) = (0_i64, 0);
        wait::until("all writes to go through", SOON, async || {
            tried += 1;
            let written = [
                repo.texts.update(&item.id, Text::patch().content(format!("{tried}"))).await.err(),
                repo.orders.update(&indexed.id, Order::patch().total(tried)).await.err(),
                repo.texts.create(text("two")).await.err(),
                repo.texts.item(&item.id).summarize().enqueue().await.err(),
            ];
            let errors: Vec<_> = written.into_iter().flatten().collect();
            for error in &errors {
                assert!(error.is_retryable(), "{error:?}");
            }
            failed += errors.len();
            errors.is_empty()
        })
        .await;
        eprintln!("round {round}: {failed} failed before all went through, {:?}", began.elapsed());
        std::mem::swap(&mut primary, &mut replica);
        assert_eq!(primary.info_field("role").await, "master");
        in_step(&replica).await;
    }
    let versions = repo.orders.get(&indexed.id).await.unwrap().unwrap().version;
    assert!(versions > 4, "{versions}");
}
