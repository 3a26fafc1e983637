//! Problems that users of other job systems report, each prevented here. Every test names the
//! reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use metastore::queue::{Queue, TakeOptions};
use metastore::{ErrorKind, Item, JobState, Store};
use metastore_tests::{Server, wait};
use metastore_worker::Worker;
use tokio::sync::Notify;

use crate::fixture::{MyRepo, SOON, Text, start, start_proxied, text};

fn count_worker(repo: &MyRepo) -> metastore_worker::WorkerBuilder<Text> {
    Worker::builder(&repo.texts)
        .handle(Text::COUNT, |item: Item<Text>, _job| async move { Ok::<_, String>(item.version) })
        .poll_interval(Duration::from_millis(200))
        .retry_delay(Duration::from_millis(10))
}

async fn job(repo: &MyRepo, id: &str) -> metastore::Job<Text, u64> {
    repo.texts.create_with_id(id, text("one")).await.unwrap();
    repo.texts.item(id).count().enqueue().await.unwrap()
}

async fn take_one(queue: &Queue<Text>, lease: Duration) -> metastore::queue::Claim {
    let options = TakeOptions::new("tester", 1).lease(lease);
    queue.take(&options).await.unwrap().jobs.pop().expect("a job waits").claim
}

/// bullmq#648, #2964, #4585, #2466, celery#10302, apalis PR#492.
#[tokio::test]
async fn a_worker_that_lost_its_connections_works_on_and_its_health_does_not_lie() {
    let options = Store::options().command_timeout(Duration::from_millis(300));
    let (_server, proxy, repo) = start_proxied(options).await;
    let worker = count_worker(&repo).build().start().unwrap();
    assert_eq!(job(&repo, "a").await.wait(SOON).await.unwrap(), 1);
    proxy.refuse(true);
    proxy.drop_all();
    wait::until("red", SOON, async || !worker.health().await.is_healthy()).await;
    proxy.refuse(false);
    wait::until("green", SOON, async || worker.health().await.is_healthy()).await;
    // Healthy means that jobs are pushed to it.
    assert_eq!(job(&repo, "b").await.wait(SOON).await.unwrap(), 1);
    worker.stop().await;
}

/// apalis#504, asynq#1144, rq#2079, sidekiq#5540. Processes that are killed: `worker_processes`,
/// `chaos`.
#[tokio::test]
async fn a_job_of_a_worker_that_is_gone_is_neither_stuck_nor_lost() {
    let (_server, repo) = start().await;
    let job = job(&repo, "a").await;
    take_one(&Queue::new(&repo.texts, Text::COUNT), Duration::from_millis(150)).await;
    let worker = count_worker(&repo).build().start().unwrap();
    assert_eq!(job.wait(SOON).await.unwrap(), 1);
    worker.stop().await;
}

/// bullmq#3183, #2258, celery#5935, sidekiq#4611, hexpm#1825.
#[tokio::test]
async fn a_job_longer_than_its_lease_is_not_run_twice() {
    let (_server, repo) = start().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let build = || {
        let runs = runs.clone();
        Worker::builder(&repo.texts)
            .handle(Text::COUNT, move |_item: Item<Text>, _job| {
                runs.fetch_add(1, Ordering::SeqCst);
                async {
                    tokio::time::sleep(Duration::from_millis(800)).await;
                    Ok::<_, String>(7)
                }
            })
            .lease(Duration::from_millis(200))
            .poll_interval(Duration::from_millis(50))
            .build()
            .start()
            .unwrap()
    };
    let (one, two) = (build(), build());
    assert_eq!(job(&repo, "a").await.wait(SOON).await.unwrap(), 7);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(one.stop().await.finished + two.stop().await.finished, 1);
}

/// river#1302.
#[tokio::test]
async fn bringing_back_a_lost_lease_does_not_undo_a_job_that_has_finished() {
    let (server, repo) = start().await;
    let job = job(&repo, "a").await;
    let queue = Queue::new(&repo.texts, Text::COUNT);
    let claim = take_one(&queue, SOON).await;
    assert!(queue.finish(&claim, &5).await.unwrap());
    // As if its lease had not been removed.
    let lease = format!("a {}", claim.fence);
    server.cli(&["ZADD", "queue:myapp:textsplitter:texts:count:leased", "1", &lease]).await;
    assert!(queue.take(&TakeOptions::new("other", 1)).await.unwrap().jobs.is_empty());
    assert_eq!(job.wait(SOON).await.unwrap(), 5);
    assert_eq!(queue.stats().await.unwrap().running, 0);
}

/// asynq#1015.
#[tokio::test]
async fn a_crash_does_not_count_as_a_failed_attempt() {
    let (_server, repo) = start().await;
    let job = job(&repo, "a").await;
    let queue = Queue::new(&repo.texts, Text::COUNT);
    take_one(&queue, Duration::from_millis(1)).await;
    let mut again = None;
    wait::until("the lease to end", SOON, async || {
        again = queue.take(&TakeOptions::new("other", 1)).await.unwrap().jobs.pop();
        again.is_some()
    })
    .await;
    let taken = again.unwrap();
    // It was not confirmed, so the worker may never have had it.
    assert_eq!((taken.attempts, taken.crashes, taken.confirm_first), (0, 0, true));
    assert_eq!(job.status().await.unwrap().state, JobState::Running);
}

/// A handler that ignores its cancellation holds its slot no longer than its timeout.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_that_ignores_cancellation_does_not_hold_its_slot() {
    let (_server, repo) = start().await;
    let worker = Worker::builder(&repo.texts)
        .handle(Text::COUNT, |item: Item<Text>, _job| async move {
            if item.id.as_str() == "deaf" {
                // It cannot be dropped meanwhile, but does not block other threads.
                tokio::task::block_in_place(|| std::thread::sleep(Duration::from_secs(4)));
            }
            Ok::<_, String>(1)
        })
        .job_timeout(Duration::from_millis(100))
        .max_retries(0)
        .concurrency(1)
        .build()
        .start()
        .unwrap();
    let begin = Instant::now();
    let deaf = job(&repo, "deaf").await;
    let error = deaf.wait(SOON).await.unwrap_err().to_string();
    assert!(error.contains("timed out"), "{error}");
    assert_eq!(job(&repo, "next").await.wait(SOON).await.unwrap(), 1);
    assert!(begin.elapsed() < Duration::from_secs(3), "it waited for the deaf one");
    worker.stop().await;
}

/// apalis-redis#10, bullmq#366.
#[tokio::test]
async fn finished_jobs_leave_nothing_but_their_result() {
    let (server, repo) = start().await;
    for n in 0..50 {
        job(&repo, &format!("t{n}")).await;
    }
    count_worker(&repo).concurrency(8).build().run_until_idle().await.unwrap();
    let of_jobs = async || {
        let keys = server.keys().await;
        let is_result =
            |key: &&String| key.starts_with("myapp:") && key.ends_with(":transformation:count");
        let results = keys.iter().filter(is_result).count();
        (results, server.keys_of_jobs().await.len(), keys.len())
    };
    let (results, queues, all) = of_jobs().await;
    assert_eq!((results, queues), (50, 0));
    for n in 0..50 {
        repo.texts.item(format!("t{n}")).count().enqueue().await.unwrap();
    }
    count_worker(&repo).concurrency(8).build().run_until_idle().await.unwrap();
    assert_eq!(of_jobs().await, (50, 0, all));
}

/// bullmq#1046: eviction. A server that may evict loses jobs; one that may not returns an error,
/// and nothing is half done.
#[tokio::test]
async fn a_full_server_refuses_and_loses_no_job() {
    let (server, repo) = start().await;
    let queue = Queue::new(&repo.texts, Text::COUNT);
    job(&repo, "a").await;
    job(&repo, "b").await;
    repo.texts.create_with_id("late", text("one")).await.unwrap();
    repo.texts.item("late").count().enqueue_in(Duration::from_millis(1)).await.unwrap();
    let claim = take_one(&queue, SOON).await;
    let mut before = server.keys().await;
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let full = |error: metastore::Error| {
        assert!(matches!(error.kind(), ErrorKind::OutOfMemory(_)), "{error}");
    };
    full(queue.take(&TakeOptions::new("tester", 5)).await.unwrap_err());
    full(queue.finish(&claim, &1).await.unwrap_err());
    full(queue.fail(&claim, "no luck", None).await.unwrap_err());
    full(queue.release(std::slice::from_ref(&claim)).await.unwrap_err());
    full(repo.texts.item("b").count().cancel().await.unwrap_err());
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let mut after = server.keys().await;
    before.sort();
    after.sort();
    assert_eq!(before, after);
    assert!(queue.finish(&claim, &1).await.unwrap());
    let report = count_worker(&repo).build().run_until_idle().await.unwrap();
    assert_eq!(report.finished, 2);
}

/// asynq#506, dramatiq#691, bullmq#4512: picked up by polling only, or never after a client's
/// timeout.
#[tokio::test]
async fn a_job_is_picked_up_at_once_even_after_a_long_silence() {
    let server = Server::start().await;
    let options = Store::options().command_timeout(Duration::from_millis(200));
    let repo = MyRepo::with_store(&options.connect(server.url()).await.unwrap());
    let worker =
        count_worker(&repo).poll_interval(Duration::from_secs(3600)).build().start().unwrap();
    assert_eq!(job(&repo, "a").await.wait(SOON).await.unwrap(), 1);
    // Several times longer than the command timeout.
    tokio::time::sleep(Duration::from_millis(900)).await;
    let begin = Instant::now();
    assert_eq!(job(&repo, "b").await.wait(SOON).await.unwrap(), 1);
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    worker.stop().await;
}

/// bullmq#2341. A deadline and a deletion: `transformations`; a restart: `worker_processes`.
#[tokio::test]
async fn waiting_ends_however_the_job_ends() {
    let (server, repo) = start().await;
    let queue = Queue::new(&repo.texts, Text::COUNT);
    let removed = job(&repo, "removed").await;
    let waiting = tokio::spawn(async move { removed.wait(SOON).await });
    wait::until("the subscription", SOON, async || {
        server.listeners("queue:myapp:textsplitter:texts:count:changes").await == 1
    })
    .await;
    // Removed without the library and without a message.
    server.cli(&["HDEL", "queue:myapp:textsplitter:texts:count:jobs", "removed"]).await;
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::JobGone), "{error}");

    let discarded = job(&repo, "discarded").await;
    let claim = loop {
        let claim = take_one(&queue, SOON).await;
        if claim.item.as_str() == "discarded" {
            break claim;
        }
    };
    queue.fail(&claim, "no luck", None).await.unwrap();
    let (waited, gone) = tokio::join!(discarded.wait(SOON), queue.discard("discarded"));
    assert!(gone.unwrap());
    assert!(waited.is_err());

    // The worker is gone and not replaced: the deadline applies.
    let orphaned = job(&repo, "orphaned").await;
    take_one(&queue, Duration::from_millis(10)).await;
    let begin = Instant::now();
    let error = orphaned.wait(Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(_)), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(2));
}

/// bullmq#2430.
#[tokio::test]
async fn stopping_does_not_hang_after_an_outage() {
    let options = Store::options().command_timeout(Duration::from_millis(300));
    let (_server, proxy, repo) = start_proxied(options).await;
    let started = Arc::new(Notify::new());
    let announce = started.clone();
    let worker = Worker::builder(&repo.texts)
        .handle(Text::COUNT, move |_item: Item<Text>, _job| {
            announce.notify_one();
            std::future::pending::<Result<u64, String>>()
        })
        .drain_timeout(Duration::from_millis(200))
        .build()
        .start()
        .unwrap();
    job(&repo, "a").await;
    started.notified().await;
    proxy.pause();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let begin = Instant::now();
    let (report, ()) = tokio::join!(worker.stop(), async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        proxy.resume();
    });
    assert!(begin.elapsed() < Duration::from_secs(7), "{:?}", begin.elapsed());
    assert_eq!(report.released + report.lost, 1);
}

/// sidekiq-unique-jobs#379.
#[tokio::test]
async fn being_the_only_job_of_an_item_never_keeps_new_ones_out() {
    let (server, repo) = start().await;
    let queue = Queue::new(&repo.texts, Text::COUNT);
    let mut last = job(&repo, "a").await;
    for end in ["finish", "fail", "cancel", "crash", "record gone"] {
        let claim =
            take_one(&queue, if end == "crash" { Duration::from_millis(200) } else { SOON }).await;
        match end {
            "finish" => assert!(queue.finish(&claim, &1).await.unwrap()),
            "fail" => assert!(queue.fail(&claim, "no luck", None).await.unwrap()),
            "cancel" => assert!(repo.texts.item("a").count().cancel().await.unwrap()),
            "crash" => {
                let claims = [claim];
                queue.renew(&claims, Duration::from_millis(1)).await.unwrap();
                let once = TakeOptions::new("other", 1).max_crashes(1);
                wait::until("the end of the lease", SOON, async || {
                    let alone = once.clone().lease(Duration::from_millis(1)).alone(true);
                    for taken in queue.take(&alone).await.unwrap().jobs {
                        queue.renew(&[taken.claim], Duration::from_millis(1)).await.unwrap();
                    }
                    last.status().await.unwrap().state == JobState::Dead
                })
                .await;
            }
            _ => {
                server.cli(&["HDEL", "queue:myapp:textsplitter:texts:count:jobs", "a"]).await;
            }
        }
        let next = repo.texts.item("a").count().enqueue().await.unwrap();
        assert_ne!(next.id(), last.id(), "after {end}");
        last = next;
    }
    assert_eq!(count_worker(&repo).build().run_until_idle().await.unwrap().finished, 1);
}
