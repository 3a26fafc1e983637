//! Handlers as users write them: shared state, batches, hooks, CPU work, and how they are tested.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use metastore::{EnqueueOptions, ErrorKind, Item, JobState};
use metastore_tests::wait;
use metastore_worker::{HandlerOutcome, JobContext, Worker};

use super::{Page, enqueue, page, worker};
use crate::fixture::{SOON, start};

struct Prefix(&'static str);

async fn digest(item: Item<Page>, job: JobContext) -> Result<String, String> {
    let prefix = job.state::<Prefix>().ok_or("no prefix")?;
    job.progress(0.5, "digesting");
    Ok(format!("{}{}", prefix.0, item.data.text))
}

#[tokio::test]
async fn plain_functions_share_a_state_by_its_type() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let build = |builder: metastore_worker::WorkerBuilder<Page>| {
        builder.handle(Page::DIGEST, digest).build()
    };
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    let report = build(worker(&pages).state(Prefix("> "))).run_until_idle().await.unwrap();
    assert_eq!(report.finished, 1);
    assert_eq!(pages.item("a").digest().result().await.unwrap().as_deref(), Some("> a"));
}

#[tokio::test]
async fn a_handler_is_called_directly_with_an_item() {
    let (job, reported) = JobContext::for_test_with_state(Prefix("# "));
    assert_eq!(digest(Item::for_test("a", page("text")), job).await.unwrap(), "# text");
    assert_eq!(reported.reports()[0].fraction, 0.5);
    let (job, _reported) = JobContext::for_test();
    assert_eq!(digest(Item::for_test("a", page("text")), job).await.unwrap_err(), "no prefix");
}

#[tokio::test]
async fn delays_and_pauses_are_skipped_by_an_explicit_option() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    pages.create_with_id("a", page("a")).await.unwrap();
    pages.item("a").digest().enqueue_in(Duration::from_secs(3600)).await.unwrap();
    let build = || {
        Worker::builder(&pages)
            .handle(Page::DIGEST, |_item: Item<Page>, job| async move {
                if job.attempt < 3 { Err("not yet".to_owned()) } else { Ok("at last".to_owned()) }
            })
            .retry_delay(Duration::from_secs(3600))
    };
    // Without it, delayed jobs stay delayed.
    let report = build().build().run_until_idle().await.unwrap();
    assert_eq!((report.finished, report.failed), (0, 0));
    let report = build().fast_forward(true).build().run_until_idle().await.unwrap();
    assert_eq!((report.finished, report.failed), (1, 2));
}

#[tokio::test]
async fn a_worker_run_until_idle_follows_chains_to_their_end() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::EXTRACT, &["a", "b", "c"]).await;
    let report = worker(&pages)
        .handle(Page::EXTRACT, |item: Item<Page>, _job| async move {
            Ok::<_, String>(item.data.text.clone())
        })
        .handle(Page::WORDS, |_item, _job| async { Ok::<_, String>(1) })
        .handle(Page::LINKS, |_item, _job| async { Ok::<_, String>(2) })
        .build()
        .run_until_idle()
        .await
        .unwrap();
    assert_eq!(report.finished, 9);
}

#[tokio::test]
async fn a_batch_handler_gets_what_waits_and_each_job_ends_on_its_own() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let ids: Vec<String> = (0..10).map(|n| format!("p{n}")).collect();
    enqueue(&pages, Page::DIGEST, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let noted = sizes.clone();
    let worker = worker(&pages)
        .handle_batch(Page::DIGEST, 4, move |items: Vec<Item<Page>>, jobs| {
            noted.lock().unwrap().push(items.len());
            assert_eq!(items.len(), jobs.len());
            async move {
                items
                    .iter()
                    .map(|item| match item.data.text.as_str() {
                        "p3" => Err("not this one".to_owned()),
                        text => Ok(text.to_uppercase()),
                    })
                    .collect()
            }
        })
        .max_retries(0)
        .build();
    let report = worker.run_until_idle().await.unwrap();
    assert_eq!((report.finished, report.failed), (9, 1));
    assert_eq!(*sizes.lock().unwrap(), [4, 4, 2]);
    let status = pages.item("p3").digest().status().await.unwrap().unwrap();
    assert_eq!((status.state, status.error.as_deref()), (JobState::Dead, Some("not this one")));
    assert_eq!(pages.item("p7").digest().result().await.unwrap().as_deref(), Some("P7"));
}

#[tokio::test]
async fn a_batch_with_a_wrong_number_of_results_or_a_panic_fails_all_its_jobs() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    for (panics, expected) in
        [(false, "returned 1 results for 3 items"), (true, "a panic of its own")]
    {
        for id in ["a", "b", "c"] {
            pages.delete(id).await.unwrap();
        }
        enqueue(&pages, Page::DIGEST, &["a", "b", "c"]).await;
        let report = worker(&pages)
            .handle_batch(Page::DIGEST, 8, move |_items: Vec<Item<Page>>, _jobs| async move {
                assert!(!panics, "a panic of its own");
                vec![Ok::<_, String>("only one".to_owned())]
            })
            .max_retries(0)
            .build()
            .run_until_idle()
            .await
            .unwrap();
        assert_eq!((report.finished, report.failed), (0, 3));
        let error = pages.item("b").digest().wait(SOON).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_hook_sees_each_job_and_how_it_ended() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    pages.create_with_id("good", page("good")).await.unwrap();
    pages.create_with_id("bad", page("bad")).await.unwrap();
    pages.create_with_id("panic", page("panic")).await.unwrap();
    let traced =
        EnqueueOptions::new().trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    for id in ["good", "bad", "panic"] {
        pages.item(id).digest().enqueue_with(traced.clone()).await.unwrap();
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let outer_first = Arc::new(AtomicBool::new(false));
    let (note, order) = (seen.clone(), outer_first.clone());
    worker(&pages)
        .handle(Page::DIGEST, |item: Item<Page>, _job| async move {
            match item.data.text.as_str() {
                "good" => Ok("fine".to_owned()),
                "bad" => Err("bad luck"),
                _ => panic!("a panic of its own"),
            }
        })
        .around(move |_job, run| {
            order.store(true, Ordering::SeqCst);
            run.run()
        })
        .around(move |job, run| {
            assert!(outer_first.load(Ordering::SeqCst));
            let note = note.clone();
            async move {
                let outcome = run.run().await;
                assert!(job.trace.as_deref().is_some_and(|trace| trace.starts_with("00-4bf9")));
                note.lock().unwrap().push((job.item.to_string(), outcome.clone()));
                outcome
            }
        })
        .max_retries(0)
        .build()
        .run_until_idle()
        .await
        .unwrap();
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(
        matches!(&seen[0], (id, HandlerOutcome::Failed { message, is_fatal: false }) if id == "bad" && message == "bad luck")
    );
    assert_eq!(seen[1], ("good".to_owned(), HandlerOutcome::Done));
    assert!(
        matches!(&seen[2], (id, HandlerOutcome::Panicked { message }) if id == "panic" && message.contains("of its own"))
    );
}

#[tokio::test]
async fn a_hook_that_panics_or_does_not_call_the_handler_fails_only_its_job() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::DIGEST, &["panics", "forgets", "runs"]).await;
    let report = worker(&pages)
        .handle(Page::DIGEST, |item: Item<Page>, _job| async move {
            Ok::<_, String>(item.data.text.clone())
        })
        .around(|job, run| async move {
            match job.item.as_str() {
                "panics" => panic!("in the hook"),
                "forgets" => HandlerOutcome::Done,
                _ => run.run().await,
            }
        })
        .max_retries(0)
        .build()
        .run_until_idle()
        .await
        .unwrap();
    assert_eq!((report.finished, report.failed), (1, 2));
    let error = pages.item("forgets").digest().wait(SOON).await.unwrap_err().to_string();
    assert!(error.contains("did not run the handler"), "{error}");
}

/// Heavy work runs on blocking threads; the runtime stays free and leases are renewed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heavy_work_runs_on_blocking_threads_without_losing_its_lease() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::DIGEST, &["a", "b"]).await;
    let report = worker(&pages)
        .handle(Page::DIGEST, |item: Item<Page>, job| async move {
            let heavy = move || {
                std::thread::sleep(Duration::from_millis(700));
                item.data.text.to_uppercase()
            };
            let text = job.spawn_blocking(heavy).await?;
            Ok::<_, tokio::task::JoinError>(format!("{text}{}", job.attempt))
        })
        .lease(Duration::from_millis(200))
        .concurrency(2)
        .build()
        .run_until_idle()
        .await
        .unwrap();
    assert_eq!((report.finished, report.lost), (2, 0));
    assert_eq!(pages.item("a").digest().result().await.unwrap().as_deref(), Some("A1"));
}

#[tokio::test]
async fn limits_and_batches_that_cannot_work_are_refused() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let handled = || {
        worker(&pages).handle(Page::DIGEST, |item: Item<Page>, _job| async move {
            Ok::<_, String>(item.data.text.clone())
        })
    };
    let batch = |size| {
        worker(&pages).handle_batch(
            Page::DIGEST,
            size,
            |items: Vec<Item<Page>>, _jobs| async move {
                items.iter().map(|item| Ok::<_, String>(item.data.text.clone())).collect()
            },
        )
    };
    for (built, expected) in [
        (handled().concurrency_of(Page::DIGEST, 0), "concurrency_of"),
        (handled().concurrency_of(Page::WORDS, 1), "no handler for"),
        (handled().poll_interval(Duration::MAX), "poll_interval"),
        (handled().lease(Duration::MAX), "lease"),
        (handled().retry_delay(Duration::MAX), "retry_delay"),
        (handled().maintenance_interval(Duration::ZERO), "maintenance_interval"),
        (handled().concurrency(usize::MAX), "concurrency"),
        (batch(0), "batch size"),
        (batch(257), "batch size"),
    ] {
        let error = built.build().start().err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn no_handler_means_that_the_job_stays_queued() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::WORDS, &["a"]).await;
    let report = worker(&pages)
        .handle(Page::DIGEST, |item: Item<Page>, _job| async move {
            Ok::<_, String>(item.data.text.clone())
        })
        .build()
        .run_until_idle()
        .await
        .unwrap();
    assert_eq!(report.finished, 0);
    let status = pages.item("a").words().status().await.unwrap().unwrap();
    assert_eq!((status.state, status.attempts), (JobState::Queued, 0));
}

/// A map whose keys are not text has no JSON.
#[derive(Debug, serde::Deserialize)]
struct NoJson;

impl serde::Serialize for NoJson {
    fn serialize<S: serde::Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("nothing to say"))
    }
}

#[derive(
    Clone, Debug, serde::Serialize, serde::Deserialize, validator::Validate, metastore::Collection,
)]
#[collection(domain = "myapp", app = "crawl", name = "odd", object_type = texts)]
#[transformation(mute -> NoJson)]
struct Odd {
    text: String,
}

#[tokio::test]
async fn a_result_that_does_not_serialise_is_not_tried_again() {
    let (_server, repo) = start().await;
    let odd = repo.texts.store().repo::<Odd>();
    let item = odd.create(Odd { text: "x".to_owned() }).await.unwrap();
    let job = odd.item(&item.id).mute().enqueue().await.unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let report = Worker::builder(&odd)
        .handle(Odd::MUTE, move |_item: Item<Odd>, _job| {
            counted.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, String>(NoJson) }
        })
        .build()
        .run_until_idle()
        .await
        .unwrap();
    assert_eq!((report.failed, runs.load(Ordering::SeqCst)), (1, 1));
    let error = job.wait(SOON).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::JobFailed { attempts: 1, .. }), "{error}");
    assert!(error.to_string().contains("nothing to say"), "{error}");
}

#[tokio::test]
async fn an_item_that_is_deleted_while_its_job_runs_leaves_nothing_behind() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    let inside = pages.clone();
    let worker = worker(&pages)
        .handle(Page::DIGEST, move |item: Item<Page>, _job| {
            let pages = inside.clone();
            async move {
                pages.delete(&item.id).await.map_err(|error| error.to_string())?;
                Ok::<_, String>("too late".to_owned())
            }
        })
        .build()
        .start()
        .unwrap();
    wait::until("the deletion", SOON, async || !pages.exists("a").await.unwrap()).await;
    let report = worker.stop().await;
    assert_eq!((report.finished, report.cancelled), (0, 1));
    assert_eq!(server.keys_of_jobs().await, [""; 0]);
    let left: Vec<_> = server
        .keys()
        .await
        .into_iter()
        .filter(|key| !key.ends_with(":commits") && !key.starts_with("queue:"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
