//! Confirming runs: the server learns that a handler runs, so that a crash is blamed on nothing
//! that never began.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use metastore::Item;
use metastore::queue::Queue;
use metastore_tests::{Server, wait};
use metastore_worker::Worker;

use super::{Page, enqueue, options, worker};
use crate::fixture::{SOON, start};

/// Whether the runs of all leased jobs of `digest` are confirmed; `None` if none is leased.
async fn are_confirmed(server: &Server) -> Option<bool> {
    let key = "queue:myapp:crawl:pages:digest:leased";
    let reply = server.cli(&["ZRANGE", key, "0", "-1", "WITHSCORES"]).await;
    let scores: Vec<String> =
        reply.as_array().iter().skip(1).step_by(2).map(|score| score.as_str().to_owned()).collect();
    (!scores.is_empty()).then(|| scores.iter().all(|score| score.ends_with(".5")))
}

#[tokio::test]
async fn a_run_that_lasts_is_confirmed_while_its_handler_continues() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::DIGEST, &["a", "b", "c"]).await;
    let worker = Worker::builder(&pages)
        .handle(Page::DIGEST, |_item: Item<Page>, _job| {
            std::future::pending::<Result<String, String>>()
        })
        .concurrency(3)
        // A renewal of this lease is due much later.
        .lease(Duration::from_secs(3600))
        .drain_timeout(Duration::ZERO)
        .build()
        .start()
        .unwrap();
    wait::until("the confirmation", SOON, async || are_confirmed(&server).await == Some(true))
        .await;
    worker.stop().await;
}

#[tokio::test]
async fn a_run_after_a_lost_one_begins_only_when_the_server_knows_of_it() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    let queue = Queue::new(&pages, Page::DIGEST);
    // A worker takes the job and is not heard of again.
    let lost = queue.take(&options(1).lease(Duration::from_millis(100))).await.unwrap();
    assert_eq!(lost.jobs.len(), 1);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (note, server) = (seen.clone(), Arc::new(server));
    let probe = server.clone();
    let worker = worker(&pages)
        .handle(Page::DIGEST, move |_item: Item<Page>, job| {
            let (note, probe) = (note.clone(), probe.clone());
            async move {
                let is_confirmed = are_confirmed(&probe).await;
                note.lock().unwrap().push((is_confirmed, job.attempt, job.crashes));
                Ok::<_, String>(String::new())
            }
        })
        .lease(Duration::from_millis(600))
        .build()
        .start()
        .unwrap();
    wait::until("the run", SOON, async || worker.report().finished == 1).await;
    // Nobody has begun the first one, so nothing is counted.
    assert_eq!(*seen.lock().unwrap(), [(Some(true), 1, 0)]);
    worker.stop().await;
}
