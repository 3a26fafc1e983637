//! The worker in this process: handlers, retries, timeouts, panics, fairness, stopping.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metastore::queue::Queue;
use metastore::{ErrorKind, Item, JobState};
use metastore_tests::wait;
use metastore_worker::{Fatal, JobContext, Worker, WorkerBuilder};
use tokio::sync::Notify;

use crate::fixture::{MyRepo, SOON, Session, Summary, Text, session, start, text};

fn builder(repo: &MyRepo) -> WorkerBuilder<Text> {
    Worker::builder(&repo.texts)
        .retry_delay(Duration::from_millis(20))
        .poll_interval(Duration::from_millis(200))
}

async fn summarise(item: Item<Text>) -> Result<Summary, std::io::Error> {
    Ok(Summary { sentences: vec![item.data.content.clone()] })
}

#[tokio::test]
async fn several_collections_and_transformations_share_one_worker() {
    let (server, repo) = start().await;
    let worker = builder(&repo)
        .handle(Text::SUMMARIZE, |item, _job| summarise(item))
        .handle(Text::COUNT, |item: Item<Text>, _job| async move {
            Ok::<_, String>(item.data.content.len() as u64)
        })
        .collection(&repo.sessions)
        .handle(Session::CHECK, |item: Item<Session>, _job| async move {
            Ok::<_, String>(item.data.user == "ada")
        })
        .concurrency(4)
        .build()
        .start()
        .unwrap();
    let item = repo.texts.create(text("hello")).await.unwrap();
    let of_item = repo.texts.item(&item.id);
    let one = of_item.summarize().enqueue().await.unwrap();
    let two = of_item.count().enqueue().await.unwrap();
    let login = repo.sessions.create(session("ada")).await.unwrap();
    let three = repo.sessions.item(&login.id).check().enqueue().await.unwrap();
    assert_eq!(one.wait(SOON).await.unwrap().sentences, ["hello"]);
    assert_eq!(two.wait(SOON).await.unwrap(), 5);
    assert!(three.wait(SOON).await.unwrap());
    let report = worker.stop().await;
    assert_eq!((report.finished, report.failed, report.lost), (3, 0, 0));
    assert_eq!(server.keys_of_jobs().await, [""; 0]);
}

#[tokio::test]
async fn a_job_is_pushed_to_an_idle_worker_and_its_end_to_waiting_callers() {
    let (_server, repo) = start().await;
    let worker = Worker::builder(&repo.texts)
        .handle(Text::SUMMARIZE, |item, _job| summarise(item))
        // No poll happens within this test.
        .poll_interval(Duration::from_secs(3600))
        .build()
        .start()
        .unwrap();
    for n in 0..20 {
        let item = repo.texts.create(text(&n.to_string())).await.unwrap();
        let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
        assert_eq!(job.wait(SOON).await.unwrap().sentences, [n.to_string()]);
    }
    assert_eq!(worker.stop().await.finished, 20);
}

#[tokio::test]
async fn failures_panics_and_timeouts_are_retried_and_then_reported() {
    let (_server, repo) = start().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let worker = builder(&repo)
        .handle(Text::COUNT, move |item: Item<Text>, job| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move {
                match item.data.content.as_str() {
                    "fails" => Err("a reason of its own"),
                    "panics" => panic!("a panic of its own"),
                    "hangs" => std::future::pending().await,
                    _ if job.attempt == 1 => Err("only once"),
                    _ => Ok(u64::from(job.attempt)),
                }
            }
        })
        .max_retries(1)
        .job_timeout(Duration::from_millis(50))
        .concurrency(4)
        .build()
        .start()
        .unwrap();
    let mut jobs = Vec::new();
    for content in ["fails", "panics", "hangs", "recovers"] {
        let item = repo.texts.create(text(content)).await.unwrap();
        jobs.push(repo.texts.item(&item.id).count().enqueue().await.unwrap());
    }
    for (job, expected) in
        jobs.iter().zip(["a reason of its own", "a panic of its own", "timed out"])
    {
        let error = job.wait(SOON).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::JobFailed { attempts: 2, .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(jobs[3].wait(SOON).await.unwrap(), 2);
    assert_eq!(runs.load(Ordering::SeqCst), 8);
    let report = worker.stop().await;
    assert_eq!((report.finished, report.failed), (1, 7));
}

#[tokio::test]
async fn no_more_jobs_run_at_once_than_there_are_slots() {
    let (_server, repo) = start().await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running, highest) = (now.clone(), most.clone());
    let mut jobs = Vec::new();
    for n in 0..30 {
        let item = repo.texts.create(text(&n.to_string())).await.unwrap();
        jobs.push(repo.texts.item(&item.id).count().enqueue().await.unwrap());
    }
    let worker = builder(&repo)
        .handle(Text::COUNT, move |_item, _job| {
            let (running, highest) = (running.clone(), highest.clone());
            async move {
                highest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(5)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, String>(0)
            }
        })
        .concurrency(3)
        .build()
        .start()
        .unwrap();
    for job in jobs {
        job.wait(SOON).await.unwrap();
    }
    worker.stop().await;
    assert_eq!((now.load(Ordering::SeqCst), most.load(Ordering::SeqCst)), (0, 3));
}

#[tokio::test]
async fn stopping_waits_for_running_jobs_and_releases_the_others() {
    let (server, repo) = start().await;
    let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (announce, permission) = (started.clone(), go_on.clone());
    let worker = builder(&repo)
        .handle(Text::COUNT, move |item: Item<Text>, _job| {
            let (announce, permission) = (announce.clone(), permission.clone());
            async move {
                announce.notify_one();
                match item.data.content.as_str() {
                    "ends" => permission.notified().await,
                    _ => std::future::pending().await,
                }
                Ok::<_, String>(7)
            }
        })
        .concurrency(2)
        .drain_timeout(Duration::from_millis(300))
        .build()
        .start()
        .unwrap();
    let ends = repo.texts.create(text("ends")).await.unwrap();
    let never = repo.texts.create(text("never ends")).await.unwrap();
    let ending = repo.texts.item(&ends.id).count().enqueue().await.unwrap();
    started.notified().await;
    let endless = repo.texts.item(&never.id).count().enqueue().await.unwrap();
    started.notified().await;
    let (report, ()) = tokio::join!(worker.stop(), async { go_on.notify_one() });
    assert_eq!((report.finished, report.released), (1, 1));
    assert_eq!(ending.wait(SOON).await.unwrap(), 7);
    let status = endless.status().await.unwrap();
    assert_eq!((status.state, status.attempts, status.crashes), (JobState::Queued, 0, 0));
    let leased = server.cli(&["ZCARD", "queue:myapp:textsplitter:texts:count:leased"]).await;
    assert_eq!(leased.as_int(), 0);
}

#[tokio::test]
async fn losing_the_lease_cancels_the_handler() {
    let (_server, repo) = start().await;
    let (started, cancelled) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let (announce, seen) = (started.clone(), cancelled.clone());
    let worker = builder(&repo)
        .handle(Text::COUNT, move |_item, job| {
            announce.notify_one();
            let seen = seen.clone();
            tokio::spawn(async move {
                job.cancelled.cancelled().await;
                seen.store(true, Ordering::SeqCst);
            });
            std::future::pending::<Result<u64, String>>()
        })
        .lease(Duration::from_millis(150))
        .build()
        .start()
        .unwrap();
    let item = repo.texts.create(text("one")).await.unwrap();
    repo.texts.item(&item.id).count().enqueue().await.unwrap();
    started.notified().await;
    repo.texts.delete(&item.id).await.unwrap();
    wait::until("the handler to be cancelled", SOON, async || cancelled.load(Ordering::SeqCst))
        .await;
    assert_eq!(worker.stop().await.cancelled, 1);
}

#[tokio::test]
async fn a_long_job_keeps_its_lease() {
    let (_server, repo) = start().await;
    let lease = Duration::from_millis(500);
    let build = || {
        builder(&repo)
            .handle(Text::COUNT, |_item, job| async move {
                tokio::time::sleep(Duration::from_millis(1_400)).await;
                Ok::<_, String>(job.fence)
            })
            .lease(lease)
            .build()
            .start()
            .unwrap()
    };
    let (one, two) = (build(), build());
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).count().enqueue().await.unwrap();
    job.wait(SOON).await.unwrap();
    assert_eq!(job.status().await.unwrap().crashes, 0);
    // Nobody else has taken it, although it ran for several leases.
    assert_eq!(one.stop().await.finished + two.stop().await.finished, 1);
}

#[tokio::test]
async fn an_item_that_does_not_decode_and_a_result_that_is_too_large_end_dead() {
    let (server, repo) = start().await;
    let worker = builder(&repo)
        .handle(Text::SUMMARIZE, |_item, _job| async {
            Ok::<_, String>(Summary { sentences: vec!["x".repeat(17 * 1024 * 1024)] })
        })
        .build()
        .start()
        .unwrap();
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    let error = job.wait(SOON).await.unwrap_err().to_string();
    assert!(error.contains("over the limit of 16777216"), "{error}");

    let broken = "{\"version\":1,\"id\":\"b\",\"commit\":\"c\",\"schema\":1,\"created\":1,\
                  \"data\":{\"name\":\"n\",\"content\":7,\"language\":null}}";
    server.cli(&["SET", "myapp:textsplitter:texts:b:latest", broken]).await;
    let job = repo.texts.item("b").summarize().enqueue().await.unwrap();
    let error = job.wait(SOON).await.unwrap_err().to_string();
    assert!(error.contains("data.content"), "{error}");
    assert_eq!(worker.stop().await.failed, 2);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_is_done() {
    let (_server, repo) = start().await;
    let handled = || builder(&repo).handle(Text::SUMMARIZE, |item, _job| summarise(item));
    for (built, expected) in [
        (builder(&repo).build(), "no handler"),
        (handled().handle(Text::SUMMARIZE, |item, _job| summarise(item)).build(), "two handlers"),
        (handled().concurrency(0).build(), "concurrency"),
        (handled().poll_interval(Duration::ZERO).build(), "poll_interval"),
        (handled().lease(Duration::ZERO).build(), "lease"),
        (handled().job_timeout(Duration::ZERO).build(), "job_timeout"),
        (handled().max_crashes(0).build(), "max_crashes"),
    ] {
        let error = built.run_until(std::future::pending()).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_fatal_error_is_not_repeated_however_it_is_boxed() {
    let (_server, repo) = start().await;
    let worker = builder(&repo)
        .handle(Text::COUNT, |item: Item<Text>, _job| async move {
            let fatal = Fatal::new("nothing helps");
            Err::<u64, anyhow::Error>(match item.data.content.as_str() {
                "plain" => fatal.into(),
                "context" => anyhow::Error::from(fatal).context("counting"),
                _ => std::io::Error::other(fatal).into(),
            })
        })
        .build()
        .start()
        .unwrap();
    for (content, message) in [
        ("plain", "nothing helps"),
        ("context", "counting: nothing helps"),
        ("within an io::Error", "nothing helps"),
    ] {
        let item = repo.texts.create(text(content)).await.unwrap();
        let job = repo.texts.item(&item.id).count().enqueue().await.unwrap();
        let error = job.wait(SOON).await.unwrap_err();
        match error.kind() {
            ErrorKind::JobFailed { attempts: 1, message: told } => assert_eq!(told, message),
            _ => panic!("{content}: {error}"),
        }
    }
    assert_eq!(worker.stop().await.failed, 3);
}

/// The number in the handler's context, in the status and in the error is the same.
#[tokio::test]
async fn attempts_counts_failed_runs_everywhere() {
    let (_server, repo) = start().await;
    let told: Arc<Mutex<Vec<u32>>> = Arc::default();
    let note = told.clone();
    let worker = builder(&repo)
        .max_retries(2)
        .fast_forward(true)
        .handle(Text::COUNT, move |_item, job: JobContext| {
            note.lock().unwrap().push(job.attempt);
            async { Err::<u64, _>("no luck") }
        })
        .build()
        .start()
        .unwrap();
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).count().enqueue().await.unwrap();
    let error = job.wait(SOON).await.unwrap_err();
    worker.stop().await;
    assert_eq!(*told.lock().unwrap(), [1, 2, 3]);
    assert!(matches!(error.kind(), ErrorKind::JobFailed { attempts: 3, .. }), "{error}");
    assert_eq!(job.status().await.unwrap().attempts, 3);
    let queue = Queue::new(&repo.texts, Text::COUNT);
    assert_eq!(queue.dead_job(&item.id).await.unwrap().unwrap().attempts, 3);
    // A retried job starts with no attempts.
    queue.retry(&item.id).await.unwrap().unwrap();
    assert_eq!(job.status().await.unwrap().attempts, 0);
}

#[tokio::test]
async fn a_handler_reports_progress_and_is_cancelled_by_its_caller() {
    let (_server, repo) = start().await;
    let worker = builder(&repo)
        .handle(Text::COUNT, |_item, job| async move {
            for _ in 0..1_000 {
                job.progress(f64::INFINITY, "nearly there");
            }
            std::future::pending::<Result<u64, String>>().await
        })
        .lease(Duration::from_millis(150))
        .build()
        .start()
        .unwrap();
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).count().enqueue().await.unwrap();
    wait::until("the progress", SOON, async || {
        let progress = job.status().await.unwrap().progress;
        progress.is_some_and(|progress| progress.fraction == 1.0)
    })
    .await;
    assert!(repo.texts.item(&item.id).count().cancel().await.unwrap());
    let error = job.wait(SOON).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::JobCancelled), "{error}");
    // The handler never returns, so the worker can stop only because it was cancelled.
    assert_eq!(worker.stop().await.cancelled, 1);
}

#[tokio::test]
async fn a_worker_stops_in_time_although_its_server_is_gone() {
    let (server, repo) = start().await;
    let started = Arc::new(Notify::new());
    let announce = started.clone();
    let worker = builder(&repo)
        .handle(Text::COUNT, move |_item, _job| {
            announce.notify_one();
            std::future::pending::<Result<u64, String>>()
        })
        .drain_timeout(Duration::from_millis(100))
        .build()
        .start()
        .unwrap();
    let item = repo.texts.create(text("one")).await.unwrap();
    repo.texts.item(&item.id).count().enqueue().await.unwrap();
    started.notified().await;
    server.stop();
    let report = tokio::time::timeout(SOON, worker.stop()).await.expect("it stops in time");
    assert_eq!(report.lost, 1);
}
