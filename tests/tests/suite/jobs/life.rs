//! Bulk requests, options of a job, manual retries, results that expire.

use std::time::Duration;

use metastore::queue::{Completion, CompletionOutcome, Queue};
use metastore::{Collection, EnqueueOptions, ErrorKind, Item, JobState, Priority};
use metastore_tests::wait;
use metastore_worker::Worker;

use super::{Page, enqueue, options, page, take_one, worker};
use crate::fixture::{SOON, start, start_proxied};

#[tokio::test]
async fn many_are_requested_at_once_each_with_an_answer_of_its_own() {
    let (server, proxy, repo) = start_proxied(metastore::Store::options().audit(true)).await;
    let pages = repo.texts.store().repo::<Page>();
    let mut ids: Vec<String> = (0..300).map(|n| format!("p{n}")).collect();
    for id in &ids {
        pages.create_with_id(id.as_str(), page("x")).await.unwrap();
    }
    ids[7] = "missing".to_owned();
    let all = || ids.iter().map(String::as_str);
    let jobs = pages.enqueue_many(Page::DIGEST, all(), EnqueueOptions::new()).await.unwrap();
    assert_eq!(jobs.len(), 300);
    for (at, job) in jobs.iter().enumerate() {
        match job {
            Ok(job) => assert_eq!(job.item_id().as_str(), ids[at]),
            Err(error) => assert!(at == 7 && error.is_not_found(), "{error}"),
        }
    }
    let before = proxy.round_trips();
    let again = pages.enqueue_many(Page::DIGEST, all(), EnqueueOptions::new()).await.unwrap();
    assert_eq!(proxy.round_trips() - before, 2);
    for (first, second) in jobs.iter().zip(&again) {
        assert_eq!(
            first.as_ref().map(|job| job.id()).ok(),
            second.as_ref().map(|job| job.id()).ok()
        );
    }
    assert_eq!(Queue::new(&pages, Page::DIGEST).stats().await.unwrap().waiting, 299);
    let audited = server.cli(&["XLEN", "stream:audit:myapp:crawl:pages:p1"]).await.as_int();
    assert_eq!(audited, 2, "created and requested once");
    let wrong = pages.enqueue_many(Page::DIGEST, ["ok", "a:b"], EnqueueOptions::new()).await;
    assert!(matches!(wrong.unwrap_err().kind(), ErrorKind::InvalidId(_)));
}

#[tokio::test]
async fn absurd_options_are_refused_before_anything_is_requested() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    pages.create_with_id("a", page("x")).await.unwrap();
    for options in [
        EnqueueOptions::new().delay(Duration::MAX),
        EnqueueOptions::new().timeout(Duration::ZERO),
        EnqueueOptions::new().timeout(Duration::MAX),
        EnqueueOptions::new().trace("x".repeat(513)),
    ] {
        let error = pages.item("a").digest().enqueue_with(options).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
    }
    assert!(pages.item("a").digest().status().await.unwrap().is_none());
}

#[tokio::test]
async fn the_fence_of_each_job_of_a_batch_is_checked_on_its_own() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    enqueue(&pages, Page::DIGEST, &["ours", "lost", "gone", "broken", "next"]).await;
    let taken = queue.take(&options(4)).await.unwrap();
    let claims: Vec<_> = taken.jobs.into_iter().map(|taken| taken.claim).collect();
    assert_eq!(claims.len(), 4);
    queue.release(&claims[1..2]).await.unwrap();
    pages.delete("gone").await.unwrap();
    server.cli(&["RPUSH", "myapp:crawl:pages:broken:transformation:digest", "x"]).await;
    let json = queue.encode(&"done").unwrap();
    let success = |claim: &metastore::queue::Claim| Completion::Success {
        claim: claim.clone(),
        json: json.clone(),
    };
    let completions: Vec<Completion> = claims.iter().map(success).collect();
    let exchange = queue.exchange(&completions, Some(&options(10))).await;
    let outcomes: Vec<_> =
        exchange.outcomes.iter().map(|outcome| outcome.as_ref().ok().copied()).collect();
    let (recorded, refused) = (CompletionOutcome::Recorded, CompletionOutcome::Refused);
    let expected = [Some(recorded), Some(refused), Some(CompletionOutcome::Gone), None];
    assert_eq!(outcomes, expected);
    let taken = exchange.taken.unwrap().unwrap();
    assert_eq!(super::ids(&taken), ["lost", "next"]);
    assert_eq!(pages.item("ours").digest().result().await.unwrap().as_deref(), Some("done"));
    assert_eq!(pages.item("lost").digest().result().await.unwrap(), None);
}

#[tokio::test]
async fn a_job_has_a_timeout_of_its_own() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let worker = worker(&pages)
        .handle(Page::DIGEST, |_item: Item<Page>, _job| async {
            std::future::pending::<Result<String, String>>().await
        })
        .max_retries(0)
        .build()
        .start()
        .unwrap();
    pages.create_with_id("a", page("x")).await.unwrap();
    let options = EnqueueOptions::new().timeout(Duration::from_millis(30));
    let job = pages.item("a").digest().enqueue_with(options).await.unwrap();
    let error = job.wait(SOON).await.unwrap_err().to_string();
    assert!(error.contains("timed out after 30ms"), "{error}");
    worker.stop().await;
}

#[tokio::test]
async fn the_timeout_of_a_transformation_overrides_the_workers() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let worker = worker(&pages)
        .handle(Page::LINKS, |_item: Item<Page>, _job| async {
            std::future::pending::<Result<u64, String>>().await
        })
        .max_retries(0)
        .job_timeout(Duration::from_secs(3600))
        .build()
        .start()
        .unwrap();
    pages.create_with_id("a", page("x")).await.unwrap();
    let job = pages.item("a").links().enqueue().await.unwrap();
    let error = job.wait(SOON).await.unwrap_err().to_string();
    assert!(error.contains("timed out after 300ms"), "{error}");
    worker.stop().await;
}

#[tokio::test]
async fn a_dead_job_is_inspected_and_retried_under_its_own_id() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    let claim = take_one(&queue).await;
    assert_eq!(queue.retry("a").await.unwrap(), None, "it runs");
    assert!(queue.fail(&claim, "no luck", None).await.unwrap());
    let dead = queue.dead_job("a").await.unwrap().unwrap();
    assert_eq!((dead.error.as_str(), dead.attempts, dead.source_version), ("no luck", 1, 1));
    assert!(queue.dead_job("b").await.unwrap().is_none());
    let job = pages.item("a").digest().retry().await.unwrap().unwrap();
    assert_eq!(job.id(), claim.job);
    let status = job.status().await.unwrap();
    assert_eq!((status.state, status.attempts), (JobState::Queued, 0));
    let again = take_one(&queue).await;
    assert!(queue.finish(&again, &"at last").await.unwrap());
    assert_eq!(job.wait(SOON).await.unwrap(), "at last");
    assert!(pages.item("a").digest().retry().await.unwrap().is_none(), "it is done");
    assert_eq!(queue.stats().await.unwrap().dead, 0);
}

#[tokio::test]
async fn a_retry_skips_the_pause_after_a_failure() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    let claim = take_one(&queue).await;
    queue.fail(&claim, "no luck", Some(Duration::from_secs(3600))).await.unwrap();
    assert!(queue.take(&options(1)).await.unwrap().jobs.is_empty());
    assert!(pages.item("a").digest().retry().await.unwrap().is_some());
    assert_eq!(queue.take(&options(1)).await.unwrap().jobs[0].attempts, 1);
}

#[tokio::test]
async fn the_retry_delay_of_a_transformation_overrides_the_workers() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let worker = Worker::builder(&pages)
        .handle(Page::EXTRACT, |_item: Item<Page>, job| async move {
            if job.attempt == 1 { Err("once".to_owned()) } else { Ok("text".to_owned()) }
        })
        .retry_delay(Duration::from_secs(3600))
        .build()
        .start()
        .unwrap();
    pages.create_with_id("a", page("x")).await.unwrap();
    let job = pages.item("a").extract().enqueue().await.unwrap();
    assert_eq!(job.wait(SOON).await.unwrap(), "text");
    worker.stop().await;
}

#[tokio::test]
async fn a_result_expires_at_the_time_to_live_of_the_transformation() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    let item = pages.create_with_id("a", page("x")).await.unwrap();
    pages.item("a").digest().enqueue().await.unwrap();
    let claim = take_one(&queue).await;
    // Another run is requested, so the record outlives the result.
    pages.update(&item, Page::patch().text("y")).await.unwrap();
    pages.item("a").digest().enqueue().await.unwrap();
    assert!(queue.finish(&claim, &"short-lived").await.unwrap());
    assert!(pages.item("a").digest().result().await.unwrap().is_some());
    wait::until("the result to expire", SOON, async || {
        pages.item("a").digest().result().await.unwrap().is_none()
    })
    .await;
    let status = pages.item("a").digest().status().await.unwrap().unwrap();
    assert_eq!((status.state, status.result_job), (JobState::Queued, None));
    let claim = take_one(&queue).await;
    assert!(queue.finish(&claim, &"again").await.unwrap());
    let record = "myapp:crawl:pages:a:transformation:digest";
    assert!((1..=400).contains(&server.cli(&["PTTL", record]).await.as_int()));
    wait::until("the record to expire", SOON, async || {
        pages.item("a").digest().status().await.unwrap().is_none()
    })
    .await;
}

#[tokio::test]
async fn what_follows_keeps_its_options_and_comes_even_after_a_job_that_died() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    let item = pages.create_with_id("a", page("x")).await.unwrap();
    pages.item("a").digest().enqueue().await.unwrap();
    let claim = take_one(&queue).await;
    pages.update(&item, Page::patch().text("y")).await.unwrap();
    let wanted = EnqueueOptions::new()
        .priority(Priority::High)
        .timeout(Duration::from_secs(7))
        .trace("00-abc");
    let next = pages.item("a").digest().enqueue_with(wanted).await.unwrap();
    assert_ne!(next.id(), claim.job);
    assert!(queue.fail(&claim, "no luck", None).await.unwrap());
    let taken = queue.take(&options(1)).await.unwrap().jobs.pop().unwrap();
    assert_eq!(taken.claim.job, next.id());
    assert_eq!(taken.timeout, Some(Duration::from_secs(7)));
    assert_eq!(taken.trace.as_deref(), Some("00-abc"));
    assert_eq!(queue.stats().await.unwrap().dead, 0);
}

#[tokio::test]
async fn stopping_at_any_moment_leaves_no_job_leased_and_counts_no_attempt() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::EXTRACT);
    let (mut finished, mut given_back) = (0, 0);
    for round in 0..60_u64 {
        let worker = worker(&pages)
            .handle(Page::EXTRACT, |_item: Item<Page>, _job| async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok::<_, String>("done".to_owned())
            })
            .concurrency(2)
            .drain_timeout(Duration::ZERO)
            .build()
            .start()
            .unwrap();
        let ids: Vec<String> = (0..3).map(|n| format!("p{round}-{n}")).collect();
        enqueue(&pages, Page::EXTRACT, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        // From before the first is taken until after the last has ended.
        tokio::time::sleep(Duration::from_micros(round * 100)).await;
        let begin = std::time::Instant::now();
        let report = worker.stop().await;
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?} in round {round}", begin.elapsed());
        assert_eq!((report.failed, report.lost), (0, 0));
        given_back += report.released;
        assert_eq!(queue.stats().await.unwrap().running, 0, "round {round}");
        for id in &ids {
            let status = pages.item(id).extract().status().await.unwrap().unwrap();
            assert_eq!((status.attempts, status.crashes), (0, 0), "{status:?}");
            match status.state {
                JobState::Done => finished += 1,
                JobState::Queued => {}
                other => panic!("{other} in round {round}"),
            }
        }
        // The next round starts with an empty queue.
        for id in &ids {
            pages.delete(id.as_str()).await.unwrap();
        }
        queue.take(&options(10)).await.unwrap();
    }
    assert!(finished > 0 && given_back > 0, "{finished} finished, {given_back} given back");
    assert!(!server.keys().await.iter().any(|key| key.contains(":extract:leased")));
}
