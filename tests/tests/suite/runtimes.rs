//! Stores and the runtimes in which they were opened: a runtime that has ended, one that is not
//! driven, and what remains open when a store is dropped.

use std::pin::pin;
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection, Error, ErrorKind, Store};
use metastore_tests::{Server, wait};
use metastore_worker::Worker;
use tokio::runtime::{Builder, Runtime};

use crate::fixture::{MyRepo, SOON, Text, order, session, text};

/// Short, for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);

fn multi() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn single() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

type Call<'a> = (&'static str, BoxFuture<'a, Option<Error>>);

/// A call of each kind, and the error that it ends with.
fn calls(repo: &MyRepo) -> Vec<Call<'_>> {
    macro_rules! table {
        ($($name:literal: $call:expr,)*) => {
            vec![$(($name, async move { $call.await.err() }.boxed())),*]
        };
    }
    let (texts, sessions, store) = (&repo.texts, &repo.sessions, repo.texts.store());
    let queue = || Queue::new(texts, Text::SUMMARIZE);
    let dynamic = || repo.dynamic();
    table! {
        "get": texts.get("a"),
        "get_many": async { first(texts.get_many(["a", "b"]).await) },
        "get_version": texts.get_version("a", 1),
        "exists": texts.exists("a"),
        "versions": texts.versions("a"),
        "diff": texts.diff("a", 1, 2),
        "count": texts.count(),
        "list": texts.list(),
        "find": texts.find(Text::LANGUAGE.eq("en")),
        "stream": async { pin!(texts.list().stream()).next().await.unwrap() },
        "stats": texts.stats(),
        "verify": texts.verify(),
        "repair": texts.repair(),
        "reap_expired": sessions.reap_expired(),
        "audit": texts.audit("a"),
        "create": texts.create(text("one")),
        "create_with_id": texts.create_with_id("c", text("one")),
        "create_many": async { first(texts.create_many([text("one"), text("two")]).await) },
        "create with a time to live": sessions.create(session("ann")),
        "create with a unique field": repo.orders.create(order(1)),
        "update": texts.update("a", Text::patch().content("two")),
        "update_many": async { first(texts.update_many([("a", Text::patch().content("two"))]).await) },
        "replace": texts.replace("a", text("two")),
        "modify": texts.modify("a", |text| text.content.push('!')),
        "revert": texts.revert("a", 1),
        "delete": texts.delete("a"),
        "delete_many": async { first(texts.delete_many(["a"]).await) },
        "run a mutation": texts.item("a").wordcount().run(),
        "materialize": texts.item("a").wordcount().materialize(),
        "cached": texts.item("a").wordcount().cached(),
        "enqueue": texts.item("a").summarize().enqueue(),
        "status": texts.item("a").summarize().status(),
        "result": texts.item("a").summarize().result(),
        "wait": texts.item("a").summarize().wait(SOON),
        "cancel": texts.item("a").summarize().cancel(),
        "take": async { queue().take(&TakeOptions::new("w", 1)).await },
        "statistics of a queue": async { queue().stats().await },
        "dead jobs": async { queue().dead(0, 1).await },
        "wake-up calls": async { queue().wake_up("w").await },
        "subscribe": store.check_pubsub(),
        "eviction_policy": store.eviction_policy(),
        "domains": store.domains(),
        "register": texts.register(),
        "get by name": async { dynamic().get_item("texts", "a").await },
        "create by name": async {
            dynamic().create_item("sessions", serde_json::json!({ "user": "ann" })).await
        },
    }
}

fn first<T>(results: Vec<T>) -> T {
    results.into_iter().next().unwrap()
}

#[track_caller]
fn assert_ended(name: &str, error: Option<Error>) {
    let error = error.unwrap_or_else(|| panic!("{name} succeeded"));
    assert!(matches!(error.kind(), ErrorKind::RuntimeEnded), "{name}: {error:?}");
    assert!(!error.is_retryable(), "{name}");
    let text = error.to_string();
    assert!(text.contains("the runtime in which the store was opened has ended"), "{name}: {text}");
}

#[test]
fn every_call_of_a_store_whose_runtime_has_ended_fails_at_once() {
    let servers = multi();
    let server = servers.block_on(Server::start());
    for (flavor, home) in [("single", single()), ("multi", multi())] {
        let (repo, job) = home.block_on(async {
            let repo = MyRepo::with_store(&Store::connect(server.url()).await.unwrap());
            let item = repo.texts.create(text("one")).await.unwrap();
            (repo.clone(), repo.texts.item(&item).summarize().enqueue().await.unwrap())
        });
        drop(home);
        single().block_on(async {
            for (name, call) in calls(&repo) {
                let name = &format!("{name} ({flavor})");
                let began = Instant::now();
                let error = tokio::time::timeout(SOON, call).await;
                let error = error.unwrap_or_else(|_| panic!("{name} hangs"));
                assert!(began.elapsed() < AT_ONCE, "{name} took {:?}", began.elapsed());
                assert_ended(name, error);
            }
            for _ in 0..20 {
                // Also when many were asked before.
                assert_ended("get", repo.texts.get("a").await.err());
            }
            assert_ended("wait", job.wait(SOON).await.err());
            assert_ended("watch", job.watch().await.err());
        });
    }
}

#[test]
fn a_store_shared_by_tests_with_runtimes_of_their_own_never_hangs() {
    static STORE: OnceLock<Store> = OnceLock::new();
    let servers = multi();
    let server = servers.block_on(Server::start());
    let url = server.url();
    let create = || {
        single().block_on(async {
            if STORE.get().is_none() {
                STORE.set(Store::connect(&url).await.unwrap()).unwrap();
            }
            STORE.get().unwrap().repo::<Text>().create(text("one")).await
        })
    };
    create().unwrap();
    assert_ended("create", create().err());
}

/// A call that waits for an answer when the runtime of its store ends.
#[test]
fn calls_that_wait_when_the_runtime_ends_are_answered() {
    let servers = multi();
    let server = servers.block_on(Server::start());
    let home = multi();
    let (repo, item) = home.block_on(async {
        let repo = MyRepo::with_store(&Store::connect(server.url()).await.unwrap());
        let item = repo.texts.create(text("one")).await.unwrap();
        (repo, item)
    });
    server.freeze();
    let callers = multi();
    let (begun, has_begun) = mpsc::channel();
    let mut calls = Vec::new();
    for number in 0..20 {
        let (texts, item, begun) = (repo.texts.clone(), item.clone(), begun.clone());
        calls.push(callers.spawn(async move {
            let call = async {
                match number % 4 {
                    0 => texts.get(&item.id).await.err(),
                    1 => texts.create(text("two")).await.err(),
                    2 => texts.update(&item, Text::patch().content("two")).await.err(),
                    _ => texts.count().await.err(),
                }
            };
            let mut call = pin!(call);
            assert!(futures_util::future::poll_immediate(&mut call).await.is_none());
            begun.send(()).unwrap();
            (number % 4, call.await)
        }));
    }
    for _ in 0..calls.len() {
        has_begun.recv().unwrap();
    }
    home.shutdown_background();
    callers.block_on(async {
        for call in calls {
            let ended = tokio::time::timeout(AT_ONCE, call).await.expect("does not hang");
            let (kind, error) = ended.unwrap();
            let error = error.expect("there was no answer");
            let is_write = kind == 1 || kind == 2;
            match error.kind() {
                ErrorKind::RuntimeEnded => {}
                // It may have reached the server, and the outcome cannot be read.
                ErrorKind::OutcomeUnknown { .. } if is_write => {}
                _ => panic!("{kind}: {error:?}"),
            }
        }
    });
    server.thaw();
}

#[test]
fn a_subscription_lives_in_the_runtime_of_its_store() {
    let servers = multi();
    let server = servers.block_on(Server::start());
    let store = servers.block_on(Store::connect(server.url())).unwrap();
    // The first to subscribe is a runtime that ends.
    single().block_on(store.check_pubsub()).unwrap();
    servers.block_on(async {
        tokio::time::timeout(SOON, store.check_pubsub()).await.expect("in time").unwrap();
    });
}

#[test]
fn a_worker_whose_store_has_lost_its_runtime_reports_it() {
    let servers = multi();
    let server = servers.block_on(Server::start());
    let home = multi();
    let store = home.block_on(Store::connect(server.url())).unwrap();
    drop(home);
    servers.block_on(async {
        let repo = MyRepo::with_store(&store);
        let worker = Worker::builder(&repo.texts)
            .handle(Text::COUNT, |_, _| async { Ok::<_, Error>(1) })
            .build()
            .start()
            .unwrap();
        wait::until("the worker to say why", SOON, async || {
            worker
                .health()
                .await
                .problems
                .iter()
                .any(|problem| problem.contains("runtime in which the store was opened"))
        })
        .await;
        tokio::time::timeout(SOON, worker.stop()).await.expect("it stops");
    });
}

/// The connections of the server, without the one that asks.
async fn connections(server: &Server) -> usize {
    server.cli(&["CLIENT", "LIST"]).await.as_str().lines().count() - 1
}

/// The sockets that this process has open to this server.
fn sockets(server: &Server) -> usize {
    let remote = format!(":{:04X} ", server.port());
    let connected = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let inodes: Vec<String> = connected
        .lines()
        .filter(|line| {
            line.split_whitespace().nth(2).is_some_and(|to| format!("{to} ").ends_with(&remote))
        })
        .map(|line| format!("socket:[{}]", line.split_whitespace().nth(9).unwrap()))
        .collect();
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    open.flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .filter(|link| inodes.iter().any(|inode| link.as_os_str() == inode.as_str()))
        .count()
}

#[test]
fn a_dropped_store_closes_its_connections_wherever_it_is_dropped() {
    type Dropping = fn(Runtime, Store);
    let ways: [(&str, Dropping); 6] = [
        ("on a thread without a runtime", |home, store| {
            std::thread::spawn(move || drop(store)).join().unwrap();
            drop(home);
        }),
        ("on a thread without a runtime, while its runtime goes on", |home, store| {
            std::thread::spawn(move || drop(store)).join().unwrap();
            std::mem::forget(home);
        }),
        ("in another runtime that ends", |home, store| {
            single().block_on(async move { drop(store) });
            std::mem::forget(home);
        }),
        ("in its own runtime", |home, store| {
            home.block_on(async move { drop(store) });
            std::mem::forget(home);
        }),
        ("in its own runtime, which ends", |home, store| {
            home.block_on(async move { drop(store) });
            drop(home);
        }),
        ("after its runtime has ended", |home, store| {
            drop(home);
            drop(store);
        }),
    ];
    let servers = multi();
    let server = servers.block_on(Server::start());
    for (name, dropping) in ways {
        let home = multi();
        let store = home.block_on(async {
            let store = Store::connect(server.url()).await.unwrap();
            store.check_pubsub().await.unwrap();
            store
        });
        servers.block_on(async {
            assert_eq!((connections(&server).await, sockets(&server)), (2, 2), "{name}");
        });
        dropping(home, store);
        servers.block_on(wait::until(name, SOON, async || {
            (connections(&server).await, sockets(&server)) == (0, 0)
        }));
    }
}

#[tokio::test]
async fn a_store_dropped_or_given_up_while_the_server_is_frozen_leaves_no_descriptor() {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    assert_eq!(sockets(&server), 1);
    server.freeze();
    let connecting = tokio::time::timeout(Duration::from_millis(50), Store::connect(server.url()));
    assert!(connecting.await.is_err(), "nobody answers");
    drop(store);
    wait::until("the descriptors to be closed", SOON, async || sockets(&server) == 0).await;
    server.thaw();
    wait::until("the server to notice", SOON, async || connections(&server).await == 0).await;
}

/// The memory of this process, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_store_takes_little_memory() {
    const STORES: u64 = 50;
    let server = Server::start().await;
    let open = async |subscribed: bool| {
        let before = memory();
        let mut stores = Vec::new();
        for _ in 0..STORES {
            let store = Store::connect(server.url()).await.unwrap();
            if subscribed {
                store.check_pubsub().await.unwrap();
            }
            stores.push(store);
        }
        (memory().saturating_sub(before) / STORES, stores)
    };
    // Memory that the first ones allocate once is not counted.
    let _first = open(true).await;
    let (plain, _plain) = open(false).await;
    let (subscribed, _subscribed) = open(true).await;
    eprintln!("{plain} KiB a store, {subscribed} KiB with subscriptions");
    assert!(plain < 200, "{plain} KiB");
    assert!(subscribed < 600, "{subscribed} KiB");
}
