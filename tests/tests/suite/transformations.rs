//! Jobs: requested once, run again after a change, waited for without hanging.

use std::time::Duration;

use metastore::queue::{Queue, TakeOptions, TakenJob};
use metastore::{Collection, ErrorKind, JobState, Progress, Repo};

use crate::fixture::{SOON, Session, Summary, Text, session, start, text};

fn options() -> TakeOptions {
    TakeOptions::new("tester", 10).max_crashes(2)
}

fn summary(text: &str) -> Summary {
    Summary { sentences: vec![text.to_owned()] }
}

async fn take_one(queue: &Queue<Text>) -> TakenJob<Text> {
    let mut jobs = queue.take(&options()).await.unwrap().jobs;
    assert_eq!(jobs.len(), 1);
    jobs.pop().unwrap()
}

fn queue(texts: &Repo<Text>) -> Queue<Text> {
    Queue::new(texts, Text::SUMMARIZE)
}

#[tokio::test]
async fn a_job_goes_from_queued_to_running_to_done() {
    let (server, repo) = start().await;
    let item = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    let of_item = repo.texts.item(&item.id);
    assert!(of_item.summarize().status().await.unwrap().is_none());
    assert!(of_item.summarize().result().await.unwrap().is_none());

    let job = of_item.summarize().enqueue().await.unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.state, status.job.as_str()), (JobState::Queued, job.id()));
    assert!(status.enqueued_at.is_some() && status.result_job.is_none());

    let queue = queue(&repo.texts);
    let taken = take_one(&queue).await;
    assert_eq!(taken.claim.job, job.id());
    assert_eq!(taken.item.as_ref().unwrap().data, text("one"));
    let status = job.status().await.unwrap();
    assert_eq!((status.state, status.source_version), (JobState::Running, Some(1)));

    assert!(queue.finish(&taken.claim, &summary("done")).await.unwrap());
    assert_eq!(job.wait(SOON).await.unwrap(), summary("done"));
    let status = of_item.summarize().status().await.unwrap().unwrap();
    assert_eq!((status.state, status.result_version), (JobState::Done, Some(1)));
    assert!(!status.is_stale());
    assert_eq!(of_item.summarize().result().await.unwrap(), Some(summary("done")));
    // Nothing is left but the item and the result.
    let keys = server.keys().await;
    let keys: Vec<_> =
        keys.iter().filter(|key| !key.ends_with(":control") && !key.ends_with(":idle")).collect();
    assert_eq!(
        keys,
        [
            "idx:myapp:textsplitter:texts",
            "idx:myapp:textsplitter:texts:by:language",
            "idx:myapp:textsplitter:texts:entries",
            "idx:myapp:textsplitter:texts:transformation:summarize",
            "myapp:textsplitter:texts:abc123:latest",
            "myapp:textsplitter:texts:abc123:transformation:summarize",
        ]
    );
    repo.texts.update(&item, Text::patch().content("two")).await.unwrap();
    assert!(job.status().await.unwrap().is_stale());
}

#[tokio::test]
async fn there_is_one_live_job_and_one_more_run_after_a_change() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let of_item = repo.texts.item(&item.id);
    let queue = queue(&repo.texts);
    let first = of_item.summarize().enqueue().await.unwrap();
    let same = of_item.summarize().enqueue().await.unwrap();
    assert_eq!(first.id(), same.id());

    let taken = take_one(&queue).await;
    // It runs on the current version, so it is sufficient.
    assert_eq!(of_item.summarize().enqueue().await.unwrap().id(), first.id());
    repo.texts.update(&item, Text::patch().content("two")).await.unwrap();
    let second = of_item.summarize().enqueue().await.unwrap();
    assert_ne!(second.id(), first.id());
    assert_eq!(of_item.summarize().enqueue().await.unwrap().id(), second.id());
    assert!(queue.take(&options()).await.unwrap().jobs.is_empty());

    assert!(queue.finish(&taken.claim, &summary("of one")).await.unwrap());
    assert_eq!(first.wait(SOON).await.unwrap(), summary("of one"));
    let taken = take_one(&queue).await;
    assert_eq!(taken.claim.job, second.id());
    assert_eq!(taken.item.as_ref().unwrap().data.content, "two");
    assert!(queue.finish(&taken.claim, &summary("of two")).await.unwrap());
    assert_eq!(second.wait(SOON).await.unwrap(), summary("of two"));
    // The first job's result has been followed by a later one.
    assert_eq!(first.wait(SOON).await.unwrap(), summary("of two"));
    assert!(queue.take(&options()).await.unwrap().jobs.is_empty());
}

#[tokio::test]
async fn a_stale_worker_is_refused_by_its_fence() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    let queue = queue(&repo.texts);
    let zombie = take_one(&queue).await.claim;
    assert_eq!(queue.release(std::slice::from_ref(&zombie)).await.unwrap(), 1);
    let heir = take_one(&queue).await.claim;
    assert!(heir.fence > zombie.fence);

    assert!(!queue.finish(&zombie, &summary("late")).await.unwrap());
    assert!(!queue.fail(&zombie, "late", None).await.unwrap());
    // A release that is repeated late changes nothing.
    assert_eq!(queue.release(std::slice::from_ref(&zombie)).await.unwrap(), 1);
    let both = [zombie.clone(), heir.clone()];
    assert_eq!(queue.renew(&both, SOON).await.unwrap(), [false, true]);

    assert!(queue.finish(&heir, &summary("right")).await.unwrap());
    assert!(!queue.finish(&zombie, &summary("later still")).await.unwrap());
    assert_eq!(job.wait(SOON).await.unwrap(), summary("right"));
}

#[tokio::test]
async fn a_stale_worker_of_a_deleted_item_is_refused_by_the_next_item() {
    let (_server, repo) = start().await;
    let queue = queue(&repo.texts);
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    repo.texts.item("abc123").summarize().enqueue().await.unwrap();
    let zombie = take_one(&queue).await.claim;
    repo.texts.delete("abc123").await.unwrap();
    assert!(!queue.finish(&zombie, &summary("late")).await.unwrap());
    repo.texts.create_with_id("abc123", text("another")).await.unwrap();
    repo.texts.item("abc123").summarize().enqueue().await.unwrap();
    let heir = take_one(&queue).await.claim;
    assert!(zombie.fence < heir.fence);
    assert!(!queue.finish(&zombie, &summary("late")).await.unwrap());
    assert!(queue.finish(&heir, &summary("right")).await.unwrap());
}

#[tokio::test]
async fn a_failure_is_repeated_later_and_dead_at_last() {
    let (server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    let queue = queue(&repo.texts);
    let claim = take_one(&queue).await.claim;
    assert!(queue.fail(&claim, "no luck", Some(Duration::from_millis(1))).await.unwrap());
    let status = job.status().await.unwrap();
    assert_eq!((status.attempts, status.error.as_deref()), (1, Some("no luck")));
    metastore_tests::wait::until("the retry", SOON, async || {
        let mut jobs = queue.take(&options()).await.unwrap().jobs;
        match jobs.pop() {
            None => false,
            Some(taken) => {
                assert_eq!(taken.attempts, 1);
                queue.fail(&taken.claim, "again no luck", None).await.unwrap()
            }
        }
    })
    .await;
    let error = job.wait(SOON).await.unwrap_err();
    match error.kind() {
        ErrorKind::JobFailed { attempts: 2, message } => assert_eq!(message, "again no luck"),
        _ => panic!("{error}"),
    }
    let dead = server.cli(&["ZCARD", "queue:myapp:textsplitter:texts:summarize:dead"]).await;
    assert_eq!(dead.as_int(), 1);
    // A new request starts with zero attempts.
    let again = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    let taken = take_one(&queue).await;
    assert_eq!((taken.claim.job.as_str(), taken.attempts), (again.id(), 0));
    assert!(queue.finish(&taken.claim, &summary("at last")).await.unwrap());
    assert_eq!(again.wait(SOON).await.unwrap(), summary("at last"));
}

#[tokio::test]
async fn a_lost_lease_is_taken_over_and_counts_as_a_crash_not_as_a_failure() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    let queue = queue(&repo.texts);
    let short = options().lease(Duration::from_millis(30));
    // The worker confirms each run before it is gone. The first one may not have been alone.
    let mut taken = queue.take(&short).await.unwrap().jobs;
    for crashes in 0..2 {
        let claims: Vec<_> = taken.drain(..).map(|taken| taken.claim).collect();
        assert_eq!(queue.renew(&claims, Duration::from_millis(30)).await.unwrap(), [true]);
        metastore_tests::wait::until("the lease to end", SOON, async || {
            let batch = queue.take(&short).await.unwrap();
            assert!(batch.jobs.is_empty());
            batch.suspects == 1
        })
        .await;
        taken = queue.take(&short.clone().alone(true)).await.unwrap().jobs;
        assert_eq!((taken[0].attempts, taken[0].crashes), (0, crashes));
    }
    let claims = [taken.remove(0).claim];
    assert_eq!(queue.renew(&claims, Duration::from_millis(30)).await.unwrap(), [true]);
    metastore_tests::wait::until("the second crash", SOON, async || {
        assert!(queue.take(&short).await.unwrap().jobs.is_empty());
        job.status().await.unwrap().state == JobState::Dead
    })
    .await;
    let error = job.wait(SOON).await.unwrap_err();
    assert!(error.to_string().contains("stopped or froze"), "{error}");
}

#[tokio::test]
async fn waiting_ends_when_the_item_is_deleted_and_when_the_time_is_up() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    let error = job.wait(Duration::from_millis(30)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(_)), "{error}");
    assert!(error.is_retryable());
    let (waited, deleted) =
        tokio::join!(job.wait(SOON), async { repo.texts.delete(&item.id).await });
    assert!(deleted.unwrap());
    let error = waited.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::JobGone), "{error}");
    assert!(error.is_not_found());
}

#[tokio::test]
async fn a_job_of_an_item_that_is_gone_is_dropped_by_the_next_take() {
    let (server, repo) = start().await;
    for id in ["a", "b", "c"] {
        repo.texts.create_with_id(id, text(id)).await.unwrap();
        repo.texts.item(id).summarize().enqueue().await.unwrap();
    }
    repo.texts.delete("a").await.unwrap();
    server.cli(&["DEL", "myapp:textsplitter:texts:b:latest"]).await;
    let queue = queue(&repo.texts);
    let taken = take_one(&queue).await;
    assert_eq!(taken.claim.item.as_str(), "c");
    assert!(queue.finish(&taken.claim, &summary("c")).await.unwrap());
    let keys = server.keys().await;
    assert_eq!(server.keys_of_jobs().await, [""; 0]);
    assert!(!keys.iter().any(|key| key.contains(":b:transformation")), "{keys:?}");

    let error = repo.texts.item("a").summarize().enqueue().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let error = repo.texts.item("a").summarize().wait(SOON).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn a_result_lives_as_long_as_its_item() {
    let (server, repo) = start().await;
    let item = repo.sessions.create(session("ada")).await.unwrap();
    repo.sessions.item(&item.id).check().enqueue().await.unwrap();
    let queue = Queue::new(&repo.sessions, Session::CHECK);
    let taken = queue.take(&options()).await.unwrap().jobs.pop().unwrap();
    assert!(queue.finish(&taken.claim, &true).await.unwrap());
    let record = format!("myapp:login:sessions:{}:transformation:check", item.id);
    let left = server.cli(&["PTTL", record.as_str()]).await.as_int();
    assert!((1..=1_500).contains(&left), "{left}");
}

#[tokio::test]
async fn a_delayed_job_waits_for_its_time_and_can_be_started_earlier() {
    let (_server, repo) = start().await;
    let queue = queue(&repo.texts);
    for id in ["soon", "late"] {
        repo.texts.create_with_id(id, text(id)).await.unwrap();
    }
    let late =
        repo.texts.item("late").summarize().enqueue_in(Duration::from_secs(3600)).await.unwrap();
    repo.texts.item("soon").summarize().enqueue_in(Duration::from_millis(30)).await.unwrap();
    assert_eq!(late.status().await.unwrap().state, JobState::Delayed);
    assert_eq!(queue.stats().await.unwrap().delayed, 2);
    metastore_tests::wait::until("the job whose time has come", SOON, async || {
        let jobs = queue.take(&options()).await.unwrap().jobs;
        jobs.first().is_some_and(|taken| taken.claim.item.as_str() == "soon")
    })
    .await;
    let now = repo.texts.item("late").summarize().enqueue().await.unwrap();
    assert_eq!(now.id(), late.id());
    assert_eq!(take_one(&queue).await.claim.job, late.id());
}

#[tokio::test]
async fn a_pause_after_a_failure_is_not_cut_short_by_another_request() {
    let (_server, repo) = start().await;
    let queue = queue(&repo.texts);
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    let claim = take_one(&queue).await.claim;
    assert!(queue.fail(&claim, "no luck", Some(Duration::from_secs(60))).await.unwrap());
    assert_eq!(repo.texts.item(&item.id).summarize().enqueue().await.unwrap().id(), job.id());
    assert!(queue.take(&options()).await.unwrap().jobs.is_empty());
}

#[tokio::test]
async fn a_job_is_cancelled_before_and_while_it_runs() {
    let (_server, repo) = start().await;
    let queue = queue(&repo.texts);
    let item = repo.texts.create(text("one")).await.unwrap();
    let of_item = repo.texts.item(&item.id);
    assert!(!of_item.summarize().cancel().await.unwrap());
    let cancelled = |error: metastore::Error| {
        assert!(matches!(error.kind(), ErrorKind::JobCancelled), "{error}");
    };

    for delay in [Duration::ZERO, Duration::from_secs(60)] {
        let job = of_item.summarize().enqueue_in(delay).await.unwrap();
        let (waited, gone) = tokio::join!(job.wait(SOON), of_item.summarize().cancel());
        assert!(gone.unwrap());
        cancelled(waited.unwrap_err());
        assert!(!of_item.summarize().cancel().await.unwrap());
        assert!(queue.take(&options()).await.unwrap().jobs.is_empty());
    }

    let job = of_item.summarize().enqueue().await.unwrap();
    let claim = take_one(&queue).await.claim;
    assert!(of_item.summarize().cancel().await.unwrap());
    assert_eq!(queue.renew(std::slice::from_ref(&claim), SOON).await.unwrap(), [false]);
    assert!(!queue.finish(&claim, &summary("late")).await.unwrap());
    cancelled(job.wait(SOON).await.unwrap_err());
    let stats = queue.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.delayed, stats.running, stats.dead), (0, 0, 0, 0));

    let again = of_item.summarize().enqueue().await.unwrap();
    let claim = take_one(&queue).await.claim;
    assert!(queue.finish(&claim, &summary("after all")).await.unwrap());
    assert_eq!(again.wait(SOON).await.unwrap(), summary("after all"));
}

#[tokio::test]
async fn dead_jobs_are_listed_run_again_and_discarded() {
    let (server, repo) = start().await;
    let queue = queue(&repo.texts);
    for id in ["a", "b", "c"] {
        repo.texts.create_with_id(id, text(id)).await.unwrap();
        repo.texts.item(id).summarize().enqueue().await.unwrap();
        let claim = take_one(&queue).await.claim;
        assert!(queue.fail(&claim, &format!("no luck with {id}"), None).await.unwrap());
    }
    let dead = queue.dead(0, 10).await.unwrap();
    let mut listed: Vec<_> =
        dead.iter().map(|job| (job.item.as_str(), job.error.as_str(), job.attempts)).collect();
    listed.sort_unstable();
    let expected =
        [("a", "no luck with a", 1), ("b", "no luck with b", 1), ("c", "no luck with c", 1)];
    assert_eq!(listed, expected);
    assert_eq!(queue.dead(1, 1).await.unwrap().len(), 1);
    assert!(queue.dead(0, 0).await.is_err());

    assert!(repo.texts.item("a").summarize().discard().await.unwrap());
    assert!(!repo.texts.item("a").summarize().discard().await.unwrap());
    assert!(repo.texts.item("a").summarize().status().await.unwrap().is_none());
    repo.texts.item("b").summarize().enqueue().await.unwrap();
    let claim = take_one(&queue).await.claim;
    assert!(queue.finish(&claim, &summary("b")).await.unwrap());
    assert!(!repo.texts.item("b").summarize().discard().await.unwrap());
    repo.texts.delete("c").await.unwrap();
    assert!(queue.dead(0, 10).await.unwrap().is_empty());
    assert_eq!(server.keys_of_jobs().await, [""; 0]);
}

#[tokio::test]
async fn progress_is_stored_for_the_holder_only_and_ends_with_the_run() {
    let (_server, repo) = start().await;
    let queue = queue(&repo.texts);
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    let zombie = take_one(&queue).await.claim;
    queue.release(std::slice::from_ref(&zombie)).await.unwrap();
    let holder = take_one(&queue).await.claim;
    let note = |fraction| Progress::new(fraction, "half way".to_owned(), repo.texts.store().now());
    assert!(queue.progress(&holder, &note(0.5)).await.unwrap());
    assert!(!queue.progress(&zombie, &note(0.9)).await.unwrap());
    let progress = job.status().await.unwrap().progress.unwrap();
    assert_eq!((progress.fraction, progress.message.as_str()), (0.5, "half way"));
    assert!(queue.finish(&holder, &summary("done")).await.unwrap());
    assert!(!queue.progress(&holder, &note(0.9)).await.unwrap());
    assert!(job.status().await.unwrap().progress.is_none());
}
