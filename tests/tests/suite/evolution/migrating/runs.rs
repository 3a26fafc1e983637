//! Runs that are interrupted or run at the same time as others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use metastore::{ErrorKind, Store};
use metastore_tests::wait;

use super::{create, id};
use crate::evolution::people::{ada, named, start, v3};
use crate::fixture::SOON;

#[tokio::test]
async fn a_run_resumes_where_another_ended() {
    let (_server, programs) = start().await;
    create(&programs, 60).await;
    let third = &programs.third;
    let first = third.migrate().limit(25).await.unwrap();
    assert_eq!((first.done, first.upgraded), (25, 25));
    let cursor = first.resume.unwrap();
    // Items created and deleted meanwhile do not move the position.
    programs.first.delete(id(24).as_str()).await.unwrap();
    programs.first.delete(id(30).as_str()).await.unwrap();
    programs.first.create_with_id("later", ada()).await.unwrap();
    let second = third.migrate().resume(&cursor).limit(10).await.unwrap();
    assert_eq!((second.done, second.upgraded, second.skipped), (10, 10, 0));
    let rest = third.migrate().resume(&second.resume.unwrap()).await.unwrap();
    assert_eq!((rest.done, rest.upgraded, rest.skipped), (25, 25, 0));
    assert!(rest.resume.is_none());
    for item in third.list().limit(100).await.unwrap() {
        assert_eq!((item.schema, item.version), (3, 2), "{}", item.id);
    }
    let error = third.migrate().limit(0).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
    let error = third.migrate().resume(&"nonsense".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
}

#[tokio::test]
async fn two_migrations_at_once_write_each_document_once() {
    let (server, programs) = start().await;
    create(&programs, 400).await;
    let other = Store::connect(server.url()).await.unwrap().repo::<v3::Person>();
    let (one, two) = tokio::join!(programs.third.migrate(), other.migrate());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.upgraded + two.upgraded, 400);
    assert_eq!(one.skipped + two.skipped, 400);
    assert_eq!((one.failed, two.failed), (0, 0));
    for n in 0..400 {
        let item = programs.third.get(id(n).as_str()).await.unwrap().unwrap();
        assert_eq!((item.version, item.schema), (2, 3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_both_shapes_lose_nothing_while_a_migration_runs() {
    const ITEMS: usize = 40;
    let (_server, programs) = start().await;
    for n in 0..ITEMS {
        programs.first.create_with_id(id(n as u64), named(&format!("Number {n}"))).await.unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (written, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut writers = Vec::new();
    for seed in 0..4 {
        let (old, new) = (programs.first.clone(), programs.third.clone());
        let (stop, written, refused) = (stop.clone(), written.clone(), refused.clone());
        writers.push(tokio::spawn(async move {
            let mut counted = [0u64; ITEMS];
            let mut n = seed;
            while !stop.load(Ordering::SeqCst) {
                n = (n + 7) % ITEMS;
                let target = id(n as u64);
                let ended = if seed % 2 == 0 {
                    old.modify(&*target, |person| person.number += 1).await.map(drop)
                } else {
                    new.modify(&*target, |person| person.number += 1).await.map(drop)
                };
                match ended {
                    Ok(()) => {
                        counted[n] += 1;
                        written.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) if matches!(error.kind(), ErrorKind::NewerSchema { .. }) => {
                        refused.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            counted
        }));
    }
    let reach = async |what: &str, number: &AtomicU64, least: u64| {
        wait::until(what, SOON, async || number.load(Ordering::SeqCst) >= least).await;
    };
    reach("all write", &written, 20).await;
    let report = programs.third.migrate().await.unwrap();
    assert_eq!((report.done, report.failed), (ITEMS as u64, 0));
    let so_far = written.load(Ordering::SeqCst);
    reach("the newer ones write on", &written, so_far + 20).await;
    reach("the older ones are refused", &refused, 20).await;
    stop.store(true, Ordering::SeqCst);
    let mut expected = [1u64; ITEMS];
    for writer in writers {
        for (sum, counted) in expected.iter_mut().zip(writer.await.unwrap()) {
            *sum += counted;
        }
    }
    for (n, number) in expected.into_iter().enumerate() {
        let item = programs.third.get(&*id(n as u64)).await.unwrap().unwrap();
        assert_eq!((item.schema, item.data.number), (3, number), "{}", item.id);
        assert_eq!(item.data.family, n.to_string());
    }
}

#[tokio::test]
async fn a_migration_that_loses_its_server_reports_it_and_can_be_repeated() {
    let (server, programs) = start().await;
    create(&programs, 600).await;
    let proxy = metastore_tests::Proxy::start(server.port()).await;
    let store = Store::options().command_timeout(std::time::Duration::from_millis(500));
    let store = store.outcome_timeout(std::time::Duration::from_millis(500));
    let third = store.connect(proxy.url()).await.unwrap().repo::<v3::Person>();
    let mut cursor = None;
    let cut = |p: &metastore::MigrationReport| {
        cursor = p.resume.clone();
        proxy.refuse(true);
        proxy.drop_all();
    };
    let error = third.migrate().progress(cut).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    proxy.refuse(false);
    wait::until("the store is back", SOON, async || third.count().await.is_ok()).await;
    let rest = third.migrate().resume(&cursor.unwrap()).await.unwrap();
    assert_eq!((rest.done, rest.upgraded + rest.skipped, rest.failed), (100, 100, 0));
    let all = third.migrate().await.unwrap();
    assert_eq!((all.done, all.upgraded, all.skipped), (600, 0, 600));
}
