//! The cost of workers: almost nothing when idle, one round trip in the steady state, and the same
//! for each job with any backlog.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use metastore::queue::{Completion, Queue};
use metastore::{EnqueueOptions, Item};
use metastore_tests::{Server, wait};

use super::{Feed, Page, options, page, worker};
use crate::fixture::{SOON, Session, Text, start, start_proxied};

#[tokio::test]
async fn an_idle_worker_sends_at_most_two_commands_a_second_for_all_its_queues() {
    let (server, repo) = start().await;
    let store = repo.texts.store();
    let (pages, feeds) = (store.repo::<Page>(), store.repo::<Feed>());
    let worker = metastore_worker::Worker::builder(&pages)
        .handle(Page::EXTRACT, |_item, _job| async { Ok::<_, String>(String::new()) })
        .handle(Page::WORDS, |_item, _job| async { Ok::<_, String>(0) })
        .handle(Page::LINKS, |_item, _job| async { Ok::<_, String>(0) })
        .handle(Page::DIGEST, |_item, _job| async { Ok::<_, String>(String::new()) })
        .collection(&feeds)
        .handle(Feed::GREET, |_item, _job| async { Ok::<_, String>(String::new()) })
        .handle(Feed::REFRESH, |_item, _job| async { Ok::<_, String>(0) })
        .handle(Feed::COUNT, |_item, _job| async { Ok::<_, String>(0) })
        .collection(&repo.texts)
        .handle(Text::COUNT, |_item, _job| async { Ok::<_, String>(0) })
        .collection(&repo.sessions)
        .handle(Session::CHECK, |_item, _job| async { Ok::<_, String>(true) })
        .build()
        .start()
        .unwrap();
    // Waits until it has subscribed and polled once.
    wait::until("it to be idle", SOON, async || {
        server.listeners("queue:myapp:login:sessions:check:wake").await == 1
    })
    .await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    server.reset_command_counts().await;
    let span = Duration::from_millis(4_000);
    tokio::time::sleep(span).await;
    let counts = server.command_counts().await;
    // Counted by the server, including those within scripts, without the ones for counting.
    let ours = ["info", "config|resetstat", "config", "hello", "client|setinfo"];
    let sent: u64 =
        counts.iter().filter(|(name, _)| !ours.contains(&name.as_str())).map(|(_, n)| n).sum();
    assert!((2..=8).contains(&sent), "{sent} in {span:?}: {counts:?}");
    worker.stop().await;
}

#[tokio::test]
async fn many_ends_and_the_next_jobs_are_one_round_trip() {
    let (_server, proxy, repo) = start_proxied(metastore::Store::options()).await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    let ids: Vec<String> = (0..60).map(|n| format!("p{n}")).collect();
    for id in &ids {
        pages.create_with_id(id.as_str(), page("x")).await.unwrap();
    }
    let all = ids.iter().map(String::as_str);
    pages.enqueue_many(Page::DIGEST, all, EnqueueOptions::new()).await.unwrap();
    let mut taken = queue.take(&options(20)).await.unwrap();
    for round in 0..2 {
        let json = queue.encode(&"done").unwrap();
        let success = |claim| Completion::Success { claim, json: json.clone() };
        let completions: Vec<_> = taken.jobs.drain(..).map(|job| success(job.claim)).collect();
        let before = proxy.round_trips();
        let exchange = queue.exchange(&completions, Some(&options(20))).await;
        // The first one sends the text of the script.
        assert_eq!(proxy.round_trips() - before, 2 - round);
        assert!(exchange.outcomes.iter().all(Result::is_ok));
        taken = exchange.taken.unwrap().unwrap();
        assert_eq!(taken.jobs.len(), 20);
    }
}

#[tokio::test]
async fn the_leases_of_all_running_jobs_are_renewed_by_one_call() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let running = Arc::new(AtomicUsize::new(0));
    let counted = running.clone();
    let count = move |_item: Item<Page>, _job| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<Result<String, String>>()
    };
    let worker = worker(&pages)
        .handle(Page::DIGEST, count.clone())
        .handle(Page::EXTRACT, count)
        .concurrency(80)
        .lease(Duration::from_millis(900))
        .poll_interval(Duration::from_secs(3600))
        .drain_timeout(Duration::ZERO)
        .build()
        .start()
        .unwrap();
    let ids: Vec<String> = (0..40).map(|n| format!("p{n}")).collect();
    for id in &ids {
        pages.create_with_id(id.as_str(), page("x")).await.unwrap();
    }
    let all = || ids.iter().map(String::as_str);
    pages.enqueue_many(Page::DIGEST, all(), EnqueueOptions::new()).await.unwrap();
    pages.enqueue_many(Page::EXTRACT, all(), EnqueueOptions::new()).await.unwrap();
    wait::until("all to run", SOON, async || running.load(Ordering::SeqCst) == 80).await;
    server.reset_command_counts().await;
    let begin = Instant::now();
    tokio::time::sleep(Duration::from_millis(1_900)).await;
    let counts = server.command_counts().await;
    let calls =
        counts.get("evalsha").copied().unwrap_or(0) + counts.get("eval").copied().unwrap_or(0);
    // The runs are confirmed by one call or two before that.
    let most = begin.elapsed().as_millis() / 300 + 4;
    assert!(u128::from(calls) <= most, "{calls} calls, at most {most} renewals");
    assert!(calls >= 4, "{calls} calls");
    // More than two leases have passed, and none was lost.
    let report = worker.stop().await;
    assert_eq!((report.released, report.lost), (80, 0));
}

#[tokio::test]
async fn a_job_costs_the_same_before_a_backlog_of_a_million_as_of_a_thousand() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    // Written without the library, since only the size matters: every queue is full of ids without
    // items.
    let fill = "for n = tonumber(ARGV[1]), tonumber(ARGV[2]) do \
                redis.call('RPUSH', KEYS[1], 'x' .. n) \
                redis.call('ZADD', KEYS[2], 9e12 + n, 'd' .. n) \
                redis.call('ZADD', KEYS[3], 9e12 + n, 'l' .. n) end";
    let key = |name: &str| format!("queue:myapp:crawl:pages:digest:{name}");
    let grow = async |from: u64, to: u64| {
        for first in (from..to).step_by(50_000) {
            let last = (first + 49_999).min(to - 1);
            let (waiting, delayed, leased) = (key("waiting"), key("delayed"), key("leased"));
            let (first, last) = (first.to_string(), last.to_string());
            server.cli(&["EVAL", fill, "3", &waiting, &delayed, &leased, &first, &last]).await;
        }
    };
    // The jobs that run are in front because of their priority.
    let cycle = async |count: usize| {
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let ids: Vec<String> = (0..count).map(|n| format!("p{n}")).collect();
            let high = EnqueueOptions::new().priority(metastore::Priority::High);
            let all = ids.iter().map(String::as_str);
            let begin = Instant::now();
            for job in pages.enqueue_many(Page::DIGEST, all, high).await.unwrap() {
                job.unwrap();
            }
            let mut done = 0;
            while done < count {
                let taken = queue.take(&options(20)).await.unwrap();
                let claims = taken.jobs.into_iter().map(|job| job.claim);
                let json = queue.encode(&"done").unwrap();
                let completions: Vec<_> =
                    claims.map(|claim| Completion::Success { claim, json: json.clone() }).collect();
                done += completions.len();
                for outcome in queue.exchange(&completions, None).await.outcomes {
                    outcome.unwrap();
                }
                queue.stats().await.unwrap();
            }
            best = best.min(begin.elapsed());
        }
        best
    };
    for n in 0..200 {
        pages.create_with_id(format!("p{n}").as_str(), page("x")).await.unwrap();
    }
    grow(0, 1_000).await;
    // The number of commands, including those within scripts, shows the same without a clock.
    let commands = async || {
        let counts = server.command_counts().await;
        let others = ["info", "config|resetstat", "hello", "client|setinfo"];
        counts
            .iter()
            .filter(|(name, _)| !others.contains(&name.as_str()))
            .map(|(_, n)| n)
            .sum::<u64>()
    };
    server.reset_command_counts().await;
    let few = cycle(200).await;
    let few_commands = commands().await;
    grow(1_000, 1_000_000).await;
    server.reset_command_counts().await;
    let many = cycle(200).await;
    let many_commands = commands().await;
    // The first id of each of four turns in 16 is skipped once, since it has no item.
    assert!(
        many_commands < few_commands * 11 / 10 + 100,
        "{few_commands} commands before a thousand, {many_commands} before a million"
    );
    let now = queue.stats().await.unwrap();
    assert!(now.waiting > 900_000 && now.delayed == 1_000_000 && now.running == 1_000_000);
    // A scan of a million would take a hundred times as long.
    assert!(
        many < few * 5 + Duration::from_millis(50),
        "{few:?} before a thousand, {many:?} before a million"
    );
}

#[tokio::test]
async fn a_backlog_of_ids_that_are_gone_is_passed_in_bounded_steps() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    let fill = "for n = 1, 25000 do redis.call('RPUSH', KEYS[1], 'x' .. n) end";
    server.cli(&["EVAL", fill, "1", "queue:myapp:crawl:pages:digest:waiting"]).await;
    super::enqueue(&pages, Page::DIGEST, &["a"]).await;
    let first = queue.take(&options(50)).await.unwrap();
    assert!(first.jobs.is_empty() && first.ready);
    assert!(first.waiting <= 25_001 - 100, "{}", first.waiting);
    let report = worker(&pages)
        .handle(Page::DIGEST, |item: Item<Page>, _job| async move {
            Ok::<_, String>(item.data.text.clone())
        })
        .concurrency(16)
        .build()
        .run_until_idle()
        .await
        .unwrap();
    assert_eq!(report.finished, 1);
}

#[tokio::test]
async fn one_take_returns_a_bounded_number_of_bytes() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    for n in 0..6 {
        let id = format!("p{n}");
        pages.create_with_id(id.as_str(), page(&"x".repeat(2 * 1024 * 1024))).await.unwrap();
        pages.item(&id).digest().enqueue().await.unwrap();
    }
    let taken = queue.take(&options(100)).await.unwrap();
    assert_eq!((taken.jobs.len(), taken.waiting, taken.ready), (2, 4, true));
}

/// Run it alone with `--nocapture` for figures; the limit here only distinguishes a push from a
/// poll.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_worker_begins_a_job_as_soon_as_it_is_requested() {
    let server = Server::start().await;
    let latency = metastore_tests::chaos::measure_latency(&server.url(), 500).await.unwrap();
    #[allow(clippy::print_stdout, reason = "the figures are what it is run for")]
    {
        println!("{latency}");
    }
    assert!(latency.p50 < Duration::from_millis(20), "{latency}");
}
