//! Enqueues: concurrent ones of a transformation are one script call, and each still gets its own
//! answer.

use std::collections::BTreeSet;
use std::time::Duration;

use metastore::queue::{Queue, TakeOptions};
use metastore::{EnqueueOptions, Error, ErrorKind, Priority, Store};
use metastore_tests::{Cut, Server};
use tokio::task::JoinSet;

use crate::fixture::{MyRepo, Text, start, start_proxied, start_with, text};

const QUEUE: &str = "queue:myapp:textsplitter:texts:summarize";
const WAITING: &str = "queue:myapp:textsplitter:texts:summarize:waiting";
const AT: &str = "myapp:textsplitter:texts";

/// Texts with the ids `t0`, `t1`, …
async fn texts(repo: &MyRepo, number: usize) {
    for n in 0..number {
        repo.texts.create_with_id(format!("t{n}").as_str(), text("x")).await.unwrap();
    }
}

/// Requests a summary of all of them at once and returns the jobs in order.
async fn request_at_once(repo: &MyRepo, number: usize) -> Vec<Result<String, Error>> {
    let request = |n| {
        let texts = repo.texts.clone();
        tokio::spawn(async move {
            let job = texts.item(format!("t{n}").as_str()).summarize().enqueue().await?;
            Ok(job.id().to_owned())
        })
    };
    let mut jobs = Vec::new();
    for task in (0..number).map(request).collect::<Vec<_>>() {
        jobs.push(task.await.unwrap());
    }
    jobs
}

/// The job in the record of each item, and the items that wait, as the server has them.
async fn stored(server: &Server, number: usize) -> (Vec<String>, Vec<String>) {
    let mut jobs = Vec::new();
    for n in 0..number {
        jobs.push(server.live_job(QUEUE, &format!("t{n}")).await.expect("a live job"));
    }
    let waiting = server.cli(&["LRANGE", WAITING, "0", "-1"]).await;
    (jobs, waiting.as_strings().into_iter().map(str::to_owned).collect())
}

/// Each of the jobs is the one of its item, and each item waits once.
async fn check_all_wait(server: &Server, jobs: &[String], context: &str) {
    let (recorded, waiting) = stored(server, jobs.len()).await;
    assert_eq!(recorded, jobs, "{context}");
    assert_eq!(waiting.len(), jobs.len(), "{context}");
    let distinct: BTreeSet<_> = waiting.iter().collect();
    assert_eq!(distinct.len(), jobs.len(), "{context}");
}

#[tokio::test]
async fn many_make_few_round_trips_and_one_makes_one() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    texts(&repo, 501).await;
    repo.texts.item("t500").summarize().enqueue().await.unwrap();
    proxy.delay_replies(Duration::from_millis(20));
    proxy.reset_counts();
    let jobs = request_at_once(&repo, 500).await;
    let trips = proxy.round_trips();
    assert!(trips <= 30, "{trips} round trips for 500 requests at once");
    let mut jobs: Vec<String> = jobs.into_iter().map(Result::unwrap).collect();
    let (recorded, _) = stored(&server, 501).await;
    jobs.push(recorded[500].clone());
    check_all_wait(&server, &jobs, "").await;

    repo.texts.create_with_id("alone", text("x")).await.unwrap();
    proxy.reset_counts();
    repo.texts.item("alone").summarize().enqueue().await.unwrap();
    assert_eq!(proxy.round_trips(), 1);
}

#[tokio::test]
async fn requests_of_different_kinds_keep_what_they_ask_for() {
    let (server, proxy, repo) = start_proxied(Store::options().audit(true)).await;
    texts(&repo, 60).await;
    proxy.delay_replies(Duration::from_millis(20));
    let mut tasks = JoinSet::new();
    for n in 0..60usize {
        let id = format!("t{n}");
        let repo = repo.clone();
        tasks.spawn(async move {
            let user = format!("u{}", n % 3);
            let texts = repo.texts.as_user(user.as_str()).unwrap();
            match n % 5 {
                0 => {
                    let urgent = EnqueueOptions::new().priority(Priority::High);
                    texts.item(id.as_str()).summarize().enqueue_with(urgent).await.unwrap();
                }
                1 => {
                    let later = texts.item(id.as_str()).summarize();
                    later.enqueue_in(Duration::from_secs(60)).await.unwrap();
                }
                2 => {
                    texts.item(id.as_str()).count().enqueue().await.unwrap();
                }
                _ => {
                    texts.item(id.as_str()).summarize().enqueue().await.unwrap();
                }
            }
        });
    }
    tasks.join_all().await;
    let summaries = Queue::new(&repo.texts, Text::SUMMARIZE).stats().await.unwrap();
    assert_eq!((summaries.waiting, summaries.delayed), (36, 12));
    let counts = Queue::new(&repo.texts, Text::COUNT).stats().await.unwrap();
    assert_eq!((counts.waiting, counts.delayed), (12, 0));
    let high = server.cli(&["LRANGE", "queue:myapp:textsplitter:texts:summarize:high", "0", "-1"]);
    let high: BTreeSet<String> = high.await.as_strings().into_iter().map(str::to_owned).collect();
    let expected: BTreeSet<String> = (0..60).step_by(5).map(|n| format!("t{n}")).collect();
    assert_eq!(high, expected);
    // Each is audited with the user who asked.
    for n in 0..60 {
        let trail = format!("stream:audit:{AT}:t{n}");
        let entries = server.cli(&["XREVRANGE", &trail, "+", "-", "COUNT", "1"]).await;
        let fields = entries.as_array()[0].as_array()[1].as_strings().join(" ");
        assert!(fields.contains("enqueue") && fields.contains(&format!("u{}", n % 3)), "{fields}");
    }
}

#[tokio::test]
async fn all_who_ask_for_the_same_get_the_same_job() {
    let (server, repo) = start().await;
    texts(&repo, 1).await;
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let texts = repo.texts.clone();
        tasks.spawn(async move {
            texts.item("t0").summarize().enqueue().await.unwrap().id().to_owned()
        });
    }
    let jobs: BTreeSet<String> = tasks.join_all().await.into_iter().collect();
    assert_eq!(jobs.len(), 1);
    check_all_wait(&server, &Vec::from_iter(jobs), "").await;
}

#[tokio::test]
async fn one_refused_request_does_not_affect_the_others_of_its_call() {
    let (server, repo) = start().await;
    texts(&repo, 60).await;
    server.cli(&["DEL", &format!("{AT}:t1:latest")]).await;
    server.cli(&["SET", &format!("{AT}:t2:latest"), "foreign"]).await;
    server.cli(&["DEL", &format!("{AT}:t3:latest")]).await;
    server.cli(&["RPUSH", &format!("{AT}:t3:latest"), "x"]).await;
    server.cli(&["RPUSH", &format!("{AT}:t4:transformation:summarize"), "foreign"]).await;
    // Text that is no job. A new job takes its place.
    server.cli(&["HSET", &format!("{QUEUE}:jobs"), "t5", "running"]).await;
    let jobs = request_at_once(&repo, 60).await;
    for (n, job) in jobs.iter().enumerate() {
        let kind = job.as_ref().map_err(Error::kind);
        let fits = match n {
            1 => matches!(kind, Err(ErrorKind::NotFound)),
            2 => matches!(kind, Err(ErrorKind::Decode { .. })),
            3 | 4 => matches!(kind, Err(ErrorKind::WrongType(_))),
            _ => kind.is_ok(),
        };
        assert!(fits, "t{n}: {job:?}");
    }
    let (recorded, waiting) = stored(&server, 1).await;
    assert_eq!(Some(&recorded[0]), jobs[0].as_ref().ok());
    assert_eq!(waiting.len(), 56);
}

#[tokio::test]
async fn a_full_server_refuses_all_and_requests_nothing() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    texts(&repo, 50).await;
    let before = server.keys().await;
    server.cli(&["CONFIG", "SET", "maxmemory", "1mb"]).await;
    for result in request_at_once(&repo, 50).await {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutOfMemory(_)), "{error:?}");
    }
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(server.keys().await, before);
    let jobs = request_at_once(&repo, 50).await.into_iter().map(Result::unwrap);
    check_all_wait(&server, &jobs.collect::<Vec<_>>(), "").await;
}

#[tokio::test]
async fn each_of_many_callers_gets_the_right_answer_after_a_connection_cut() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    for cut in [Cut::RequestAt(3_000), Cut::ReplyAt(0), Cut::ReplyAt(20), Cut::RequestAt(10)] {
        server.cli(&["FLUSHALL"]).await;
        texts(&repo, 128).await;
        proxy.cut_when(b":jobs", cut);
        let jobs = request_at_once(&repo, 128).await.into_iter().map(Result::unwrap);
        let jobs: Vec<String> = jobs.collect();
        assert!(proxy.fired(), "{cut:?}");
        check_all_wait(&server, &jobs, &format!("{cut:?}")).await;
    }
}

#[tokio::test]
async fn a_script_that_the_server_does_not_have_is_sent_again() {
    let (server, repo) = start().await;
    texts(&repo, 40).await;
    for _ in 0..3 {
        server.cli(&["SCRIPT", "FLUSH"]).await;
        server.cli(&["DEL", WAITING, &format!("{QUEUE}:jobs")]).await;
        let jobs = request_at_once(&repo, 40).await.into_iter().map(Result::unwrap);
        check_all_wait(&server, &jobs.collect::<Vec<_>>(), "").await;
    }
}

#[tokio::test]
async fn a_caller_that_gives_up_neither_drops_nor_repeats_anybodys_request() {
    let (server, repo) = start().await;
    texts(&repo, 200).await;
    let request = |n: usize| {
        let texts = repo.texts.clone();
        let patience = Duration::from_micros(if n.is_multiple_of(2) { n as u64 } else { 1 << 40 });
        async move {
            let id = format!("t{n}");
            let item = texts.item(id.as_str());
            let job = tokio::time::timeout(patience, item.summarize().enqueue()).await;
            (id, job.ok().map(|job| job.unwrap().id().to_owned()))
        }
    };
    let told = (0..200).map(request).collect::<JoinSet<_>>().join_all().await;
    assert!(told.iter().filter(|(_, job)| job.is_some()).count() >= 100);
    // Calls in flight are handled before this one.
    repo.texts.create_with_id("last", text("x")).await.unwrap();
    repo.texts.item("last").summarize().enqueue().await.unwrap();
    let waiting = server.cli(&["LRANGE", WAITING, "0", "-1"]).await;
    let waiting = waiting.as_strings();
    let distinct: BTreeSet<&str> = waiting.iter().copied().collect();
    assert_eq!(distinct.len(), waiting.len());
    for (id, job) in told {
        let recorded = server.live_job(QUEUE, &id).await;
        assert_eq!(recorded.is_some(), distinct.contains(id.as_str()));
        assert!(job.is_none() || job == recorded, "{id}");
    }
}

#[tokio::test]
async fn a_key_of_another_type_does_not_block_the_queue() {
    let (server, repo) = start().await;
    texts(&repo, 10).await;
    for result in request_at_once(&repo, 10).await {
        result.unwrap();
    }
    server.cli(&["DEL", &format!("{AT}:t3:latest")]).await;
    server.cli(&["RPUSH", &format!("{AT}:t3:latest"), "x"]).await;
    server.cli(&["SET", &format!("{AT}:t5:latest"), "foreign"]).await;
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    let taken = queue.take(&TakeOptions::new("w", 10)).await.unwrap();
    let ids: Vec<&str> = taken.jobs.iter().map(|job| job.claim.item.as_str()).collect();
    assert_eq!(ids, ["t0", "t1", "t2", "t4", "t5", "t6", "t7", "t8", "t9"]);
    let unreadable = taken.jobs.iter().filter(|job| job.item.is_err());
    assert_eq!(unreadable.map(|job| job.claim.item.as_str()).collect::<Vec<_>>(), ["t5"]);
    // Each of them is leased, so that it returns to the queue if the worker stops.
    let held = server.cli(&["ZCARD", "queue:myapp:textsplitter:texts:summarize:leased"]).await;
    assert_eq!((held.as_int(), server.cli(&["LLEN", WAITING]).await.as_int()), (9, 0));
}

#[tokio::test]
async fn a_damaged_job_does_not_lose_the_jobs_that_are_due_with_it() {
    let (server, repo) = start().await;
    texts(&repo, 5).await;
    for n in 0..5 {
        let item = repo.texts.item(format!("t{n}").as_str());
        item.summarize().enqueue_in(Duration::from_secs(60)).await.unwrap();
    }
    server.cli(&["HSET", &format!("{QUEUE}:jobs"), "t2", "foreign"]).await;
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    let taken = queue.take(&TakeOptions::new("w", 10).fast_forward(true)).await.unwrap();
    let ids: BTreeSet<&str> = taken.jobs.iter().map(|job| job.claim.item.as_str()).collect();
    assert_eq!(ids, BTreeSet::from(["t0", "t1", "t3", "t4"]));
}
