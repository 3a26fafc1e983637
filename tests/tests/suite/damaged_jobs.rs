//! Damaged job records: each becomes dead and is named, and all others continue.

use std::time::Duration;

use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection as _, JobState, Store};
use metastore_tests::Server;

use crate::fixture::{Summary, Text, start_with, text};

const QUEUE: &str = "queue:myapp:textsplitter:texts:summarize";

fn record(id: &str) -> String {
    format!("myapp:textsplitter:texts:{id}:transformation:summarize")
}

/// Invalid values for a number or an id.
const NONSENSE: [(&str, &str); 17] = [
    ("fence", "x"),
    ("fence", ""),
    ("fence", "-1"),
    ("fence", "1e300"),
    ("fence", "99999999999999999999999999"),
    ("attempts", "many"),
    ("attempts", "99999999999"),
    ("crashes", "nan"),
    ("crashes", "1.5"),
    ("since", "yesterday"),
    ("since", "18446744073709551616"),
    ("enqueued", "inf"),
    ("timeout", "0x10"),
    ("job", "two words"),
    ("job", ""),
    ("job", "a\nb"),
    ("job", "\u{fc}"),
];

async fn hash(server: &Server, id: &str, field: &str) -> Option<String> {
    let found = server.cli(&["HGET", &record(id), field]).await;
    (!found.is_nil()).then(|| found.as_str().to_owned())
}

/// Every running job has a lease, and every lease belongs to a running job.
async fn assert_leases_match(server: &Server, ids: &[String]) {
    for id in ids {
        let runs = hash(server, id, "state").await.as_deref() == Some("running");
        let leased = !server.cli(&["ZSCORE", &format!("{QUEUE}:leased"), id]).await.is_nil();
        assert_eq!(runs, leased, "{id}");
    }
}

#[tokio::test]
async fn a_damaged_waiting_job_is_set_aside_and_all_others_are_taken() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    let mut ids = Vec::new();
    for number in 0..NONSENSE.len() * 2 {
        let id = format!("i{number}");
        repo.texts.create_with_id(&id, text("x")).await.unwrap();
        repo.texts.item(&id[..]).summarize().enqueue().await.unwrap();
        ids.push(id);
    }
    // Each second one is good.
    for (number, (field, value)) in NONSENSE.iter().enumerate() {
        server.cli(&["HSET", &record(&ids[2 * number]), field, value]).await;
    }
    let taken = queue.take(&TakeOptions::new("w", 100)).await.unwrap();
    let mut good: Vec<&str> = taken.jobs.iter().map(|job| job.claim.item.as_str()).collect();
    good.sort_unstable();
    let mut expected: Vec<&str> = ids.iter().skip(1).step_by(2).map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(good, expected);
    assert_leases_match(&server, &ids).await;

    let dead = queue.dead(0, 100).await.unwrap();
    assert_eq!(dead.len(), NONSENSE.len());
    for job in &dead {
        let number: usize = job.item.as_str()[1..].parse::<usize>().unwrap() / 2;
        let (field, _) = NONSENSE[number];
        assert!(job.error.contains(&format!("`{field}` is not valid")), "{}", job.error);
        let status = repo.texts.item(&job.item).summarize().status().await.unwrap().unwrap();
        assert_eq!(status.state, JobState::Dead);
    }
    for job in taken.jobs {
        assert!(queue.finish(&job.claim, &Summary { sentences: vec![] }).await.unwrap());
    }
    // Dead jobs are not lost: each runs after a retry or a new request, or is discarded.
    for (number, job) in dead.iter().enumerate() {
        match number % 3 {
            0 => {
                let retried = queue.retry(&job.item).await.unwrap();
                assert!(retried.is_some(), "{}", job.item);
            }
            1 => {
                repo.texts.item(&job.item).summarize().enqueue().await.unwrap();
            }
            _ => assert!(queue.discard(&job.item).await.unwrap()),
        }
    }
    let again = queue.take(&TakeOptions::new("w", 100)).await.unwrap().jobs;
    for job in &again {
        assert!(queue.finish(&job.claim, &Summary { sentences: vec![] }).await.unwrap());
    }
    // A job without an id cannot be retried by it; the rest of the id is kept.
    assert_eq!(again.len() + queue.dead(0, 100).await.unwrap().len(), dead.len() - dead.len() / 3);
    assert_leases_match(&server, &ids).await;
}

#[tokio::test]
async fn a_damaged_running_job_whose_worker_is_gone_delays_no_other() {
    let (server, repo) = start_with(Store::options()).await;
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    let mut ids = Vec::new();
    for number in 0..12 {
        let id = format!("i{number}");
        repo.texts.create_with_id(&id, text("x")).await.unwrap();
        repo.texts.item(&id[..]).summarize().enqueue().await.unwrap();
        ids.push(id);
    }
    let short = TakeOptions::new("w", 100).lease(Duration::from_millis(1));
    assert_eq!(queue.take(&short).await.unwrap().jobs.len(), 12);
    let fields = ["fence", "attempts", "crashes", "source", "job"];
    for (id, field) in ids.iter().zip(fields) {
        server.cli(&["HSET", &record(id), field, "no sense"]).await;
    }
    metastore_tests::wait::until("the leases to end", crate::fixture::SOON, async || {
        let due =
            server.cli(&["ZRANGE", &format!("{QUEUE}:leased"), "0", "-1", "WITHSCORES"]).await;
        let now = repo.texts.store().now().as_millis();
        due.as_strings().chunks(2).all(|entry| entry[1].parse::<u64>().unwrap() < now)
    })
    .await;
    let taken = queue.take(&TakeOptions::new("w2", 100)).await.unwrap().jobs;
    assert_eq!(taken.len(), 12 - fields.len());
    assert_eq!(queue.dead(0, 100).await.unwrap().len(), fields.len());
    assert_leases_match(&server, &ids).await;
}

#[tokio::test]
async fn nonsense_in_a_record_or_in_the_limits_of_a_queue_never_fails_a_script() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let texts = &repo.texts;
    let queue = Queue::new(texts, Text::SUMMARIZE);
    texts.create_with_id("a", text("x")).await.unwrap();
    let fields = [
        "job",
        "state",
        "attempts",
        "crashes",
        "fence",
        "source",
        "enqueued",
        "since",
        "started",
        "finished",
        "priority",
        "timeout",
        "result_until",
        "result_of",
        "next",
        "next_priority",
        "progress",
        "error",
        "trace",
    ];
    let mut errors = Vec::new();
    for state in ["queued", "delayed", "running", "done", "dead", "cancelled", "nonsense"] {
        for field in fields {
            for value in ["x", "", "-5", "1e400", "a b", "9".repeat(60).as_str()] {
                texts.item("a").summarize().enqueue().await.ok();
                server.cli(&["HSET", &record("a"), "state", state]).await;
                server.cli(&["HSET", &record("a"), field, value]).await;
                let item = texts.item("a");
                errors.extend(item.summarize().enqueue().await.err());
                errors.extend(item.summarize().status().await.err());
                errors.extend(item.summarize().result().await.err());
                errors.extend(queue.stats().await.err());
                errors.extend(queue.dead(0, 10).await.err());
                let patch = Text::patch().content(format!("{field} {value}"));
                errors.extend(texts.update("a", patch).await.err());
                match queue.take(&TakeOptions::new("w", 10)).await {
                    Ok(taken) => {
                        for job in taken.jobs {
                            let claim = &job.claim;
                            errors.extend(
                                queue
                                    .renew(std::slice::from_ref(claim), Duration::from_secs(9))
                                    .await
                                    .err(),
                            );
                            let done = queue.finish(claim, &Summary { sentences: vec![] }).await;
                            errors.extend(done.err());
                        }
                    }
                    Err(error) => errors.push(error),
                }
                errors.extend(queue.retry("a").await.err());
                errors.extend(item.summarize().cancel().await.err());
                errors.extend(queue.discard("a").await.err());
                server.cli(&["DEL", &record("a")]).await;
            }
        }
    }
    let control = format!("{QUEUE}:control");
    for field in ["max_running", "rate_count", "rate_ms", "tokens", "tokens_at"] {
        for value in ["x", "", "-1", "nan", "inf", "1e999"] {
            let whole = ["rate_count", "5", "rate_ms", "1000", "max_running", "5"];
            server.cli(&[&["HSET", &control][..], &whole].concat()).await;
            server.cli(&["HSET", &control, field, value]).await;
            texts.item("a").summarize().enqueue().await.unwrap();
            let taken = queue.take(&TakeOptions::new("w", 10)).await.unwrap();
            assert_eq!(taken.jobs.len(), 1, "{field} {value}");
            let done = queue.finish(&taken.jobs[0].claim, &Summary { sentences: vec![] }).await;
            assert!(done.unwrap());
            server.cli(&["DEL", &control]).await;
        }
    }
    for error in &errors {
        let text = format!("{error} {error:?}").to_lowercase();
        for word in ["script", "lua", "attempt to", "unexpected reply"] {
            assert!(!text.contains(word), "{error:?}");
        }
    }
    assert!(queue.take(&TakeOptions::new("w", 10)).await.unwrap().jobs.is_empty());
    // Afterwards a job of the item runs normally.
    texts.item("a").summarize().enqueue().await.unwrap();
    let taken = queue.take(&TakeOptions::new("w", 10)).await.unwrap().jobs;
    assert_eq!(taken.len(), 1);
}
