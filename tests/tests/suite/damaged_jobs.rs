//! Damaged jobs: each becomes dead and is named, and all others continue.

use std::time::Duration;

use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection as _, JobState, Store};
use metastore_tests::Server;

use crate::fixture::{SOON, Summary, Text, start_with, text};

const QUEUE: &str = "queue:myapp:textsplitter:texts:summarize";

/// Edits the text of a live job.
type Edit = fn(&str) -> String;

/// The edits that leave no job, by the place of a word: state, job, number, time, origin, then
/// those of a run.
const DAMAGE: [(&str, Edit); 11] = [
    ("nothing", |_| String::new()),
    ("a state that does not exist", |text| text.replacen('q', "y", 1).replacen('r', "y", 1)),
    ("a priority that does not exist", |text| text.replacen("n ", "z ", 1)),
    ("a blank in the id", |text| with_word(text, 1, "two words")),
    ("no id", |text| with_word(text, 1, "")),
    ("an id of other characters", |text| with_word(text, 1, "\u{fc}\n")),
    ("a number of letters", |text| with_word(text, 2, "x")),
    ("a negative number", |text| with_word(text, 2, "-1")),
    ("a number of sixty digits", |text| with_word(text, 2, &"9".repeat(60))),
    ("a time of letters", |text| with_word(text, 3, "yesterday")),
    ("half of it", |text| text[..20].to_owned()),
];

fn with_word(text: &str, place: usize, word: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    words[place] = word;
    words.join(" ")
}

async fn edit(server: &Server, id: &str, edit: impl Fn(&str) -> String) {
    let jobs = format!("{QUEUE}:jobs");
    let text = server.cli(&["HGET", &jobs, id]).await;
    let text = if text.is_nil() { String::new() } else { text.as_str().to_owned() };
    server.cli(&["HSET", &jobs, id, &edit(&text)]).await;
}

/// Every running job has a lease, and every lease belongs to a running job.
async fn assert_leases_match(server: &Server) {
    let jobs = server.cli(&["HGETALL", &format!("{QUEUE}:jobs")]).await;
    let is_running = |job: &&[&str]| job[1].starts_with("2r");
    let mut running: Vec<&str> =
        jobs.as_strings().chunks(2).filter(is_running).map(|job| job[0]).collect();
    let leases = server.cli(&["ZRANGE", &format!("{QUEUE}:leased"), "0", "-1"]).await;
    let mut leased: Vec<&str> =
        leases.as_strings().into_iter().map(|lease| lease.split(' ').next().unwrap()).collect();
    running.sort_unstable();
    leased.sort_unstable();
    assert_eq!(running, leased);
}

#[tokio::test]
async fn a_damaged_waiting_job_is_set_aside_and_all_others_are_taken() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    let mut ids = Vec::new();
    for number in 0..DAMAGE.len() * 2 {
        let id = format!("i{number}");
        repo.texts.create_with_id(&id, text("x")).await.unwrap();
        repo.texts.item(&id[..]).summarize().enqueue().await.unwrap();
        ids.push(id);
    }
    // Each second one is good.
    for (number, (_, damage)) in DAMAGE.iter().enumerate() {
        edit(&server, &ids[2 * number], damage).await;
    }
    let taken = queue.take(&TakeOptions::new("w", 100)).await.unwrap();
    let mut good: Vec<&str> = taken.jobs.iter().map(|job| job.claim.item.as_str()).collect();
    good.sort_unstable();
    let mut expected: Vec<&str> = ids.iter().skip(1).step_by(2).map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(good, expected);
    assert_leases_match(&server).await;

    let dead = queue.dead(0, 100).await.unwrap();
    let mut named: Vec<&str> = dead.iter().map(|job| job.item.as_str()).collect();
    named.sort_unstable();
    let mut expected: Vec<&str> = ids.iter().step_by(2).map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(named, expected);
    for job in &dead {
        assert!(job.error.contains("is damaged"), "{}", job.error);
        let status = repo.texts.item(&job.item).summarize().status().await.unwrap().unwrap();
        assert_eq!(status.state, JobState::Dead);
    }
    for job in taken.jobs {
        assert!(queue.finish(&job.claim, &Summary { sentences: vec![] }).await.unwrap());
    }
    // Dead jobs are not lost: each runs after a retry or a new request, or is discarded.
    for (number, job) in dead.iter().enumerate() {
        match number % 3 {
            0 => assert!(queue.retry(&job.item).await.unwrap().is_some(), "{}", job.item),
            1 => {
                repo.texts.item(&job.item).summarize().enqueue().await.unwrap();
            }
            _ => assert!(queue.discard(&job.item).await.unwrap()),
        }
    }
    let again = queue.take(&TakeOptions::new("w", 100)).await.unwrap().jobs;
    assert_eq!(again.len(), dead.len() - dead.len() / 3);
    for job in &again {
        assert!(queue.finish(&job.claim, &Summary { sentences: vec![] }).await.unwrap());
    }
    assert!(queue.dead(0, 100).await.unwrap().is_empty());
    assert_eq!(server.keys_of_jobs().await, [""; 0]);
}

#[tokio::test]
async fn a_damaged_running_job_whose_worker_is_gone_delays_no_other() {
    let (server, repo) = start_with(Store::options()).await;
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    let mut ids = Vec::new();
    for number in 0..DAMAGE.len() + 5 {
        let id = format!("i{number}");
        repo.texts.create_with_id(&id, text("x")).await.unwrap();
        repo.texts.item(&id[..]).summarize().enqueue().await.unwrap();
        ids.push(id);
    }
    let short = TakeOptions::new("w", 100).lease(Duration::from_millis(1));
    assert_eq!(queue.take(&short).await.unwrap().jobs.len(), ids.len());
    for (id, (_, damage)) in ids.iter().zip(DAMAGE) {
        edit(&server, id, damage).await;
    }
    let mut taken = Vec::new();
    metastore_tests::wait::until("the leases to end", SOON, async || {
        taken.extend(queue.take(&TakeOptions::new("w2", 100)).await.unwrap().jobs);
        taken.len() == 5
    })
    .await;
    assert_eq!(queue.dead(0, 100).await.unwrap().len(), DAMAGE.len());
    assert_leases_match(&server).await;
}

#[tokio::test]
async fn a_job_of_a_newer_program_is_left_to_it() {
    let (server, repo) = start_with(Store::options()).await;
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    for id in ["newer", "own"] {
        repo.texts.create_with_id(id, text("x")).await.unwrap();
        repo.texts.item(id).summarize().enqueue().await.unwrap();
    }
    edit(&server, "newer", |text| text.replacen('2', "3", 1)).await;
    let before = server.cli(&["HGET", &format!("{QUEUE}:jobs"), "newer"]).await;
    for expected in [1, 0, 0] {
        let taken = queue.take(&TakeOptions::new("w", 100)).await.unwrap();
        assert_eq!((taken.jobs.len(), taken.newer), (expected, 1));
        // Nothing else can be taken now, so that a worker does not ask again and again.
        assert!(!taken.ready);
        let again = repo.texts.item("newer").summarize().enqueue().await.unwrap();
        assert!(before.as_str().contains(again.id()));
    }
    let after = server.cli(&["HGET", &format!("{QUEUE}:jobs"), "newer"]).await;
    assert_eq!(after.as_str(), before.as_str());
    assert_eq!(queue.stats().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn nonsense_in_a_job_or_in_the_settings_of_a_queue_never_fails_a_script() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let texts = &repo.texts;
    let queue = Queue::new(texts, Text::SUMMARIZE);
    texts.create_with_id("a", text("x")).await.unwrap();
    let mut errors = Vec::new();
    for state in ["q", "d", "r", "x", "y"] {
        for place in 0..11 {
            for value in ["x", "", "-5", "1e400", "a b", "9".repeat(60).as_str()] {
                texts.item("a").summarize().enqueue().await.ok();
                edit(&server, "a", |_| {
                    let text = format!(
                        "2{state}n 01BX5ZZKBKACTAV9WEVGEMMVRZ 7 1700000000000 MMVRZ 3 1 1 1700000000001 1 \
                         1700000000002n4:jobst1:x"
                    );
                    with_word(&text, place, value)
                })
                .await;
                let item = texts.item("a");
                errors.extend(item.summarize().enqueue().await.err());
                errors.extend(item.summarize().status().await.err());
                errors.extend(item.summarize().result().await.err());
                errors.extend(queue.stats().await.err());
                errors.extend(queue.dead(0, 10).await.err());
                let patch = Text::patch().content(format!("{state} {place} {value}"));
                errors.extend(texts.update("a", patch).await.err());
                match queue.take(&TakeOptions::new("w", 10)).await {
                    Ok(taken) => {
                        for job in taken.jobs {
                            let claim = &job.claim;
                            let claims = std::slice::from_ref(claim);
                            errors.extend(queue.renew(claims, Duration::from_secs(9)).await.err());
                            let done = queue.finish(claim, &Summary { sentences: vec![] }).await;
                            errors.extend(done.err());
                        }
                    }
                    Err(error) => errors.push(error),
                }
                errors.extend(queue.retry("a").await.err());
                errors.extend(item.summarize().cancel().await.err());
                errors.extend(queue.discard("a").await.err());
                for part in ["jobs", "waiting", "high", "low", "delayed", "leased"] {
                    server.cli(&["DEL", &format!("{QUEUE}:{part}")]).await;
                }
            }
        }
    }
    let control = format!("{QUEUE}:control");
    for field in [
        "max_running",
        "rate_count",
        "rate_ms",
        "tokens",
        "tokens_at",
        "seq",
        "stale",
        "timer",
        "seen",
        "isolated",
        "isolator",
    ] {
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
