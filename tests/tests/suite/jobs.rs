//! Jobs beyond the simple case: settings, limits, chains, handlers of all kinds, and what a worker
//! costs.

mod blocking;
mod cancelling;
mod chains;
mod confirming;
mod control;
mod cost;
mod describing;
mod handlers;
mod inline;
mod isolation;
mod life;
mod measuring;
mod next_run;
mod observing;
mod order;
mod outages;
mod rolling;
mod upkeep;
mod waiting;
mod wake_ups;
mod whole;

use std::time::Duration;

use metastore::queue::{Claim, Queue, TakeOptions, TakenBatch};
use metastore::{Collection, Repo, Transformation};
use metastore_worker::{Worker, WorkerBuilder};
use serde::{Deserialize, Serialize};
use validator::Validate;

/// A page with a transformation for each option.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "crawl", name = "pages", object_type = texts)]
#[transformation(extract -> String, retries = 1, retry_delay = "10ms")]
#[transformation(words -> u64, after = extract)]
#[transformation(links -> u64, after = extract, timeout = "300ms")]
#[transformation(digest -> String, result_ttl = "400ms")]
#[transformation(shout -> String, mode = inline, retries = 1, retry_delay = "1ms", timeout = "5s")]
pub(crate) struct Page {
    pub(crate) text: String,
}

/// A feed whose writes request transformations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "crawl", name = "feeds", object_type = texts)]
#[transformation(greet -> String, on = create)]
#[transformation(refresh -> u64, on = update)]
#[transformation(count -> u64, on = create, update)]
pub(crate) struct Feed {
    pub(crate) url: String,
}

pub(crate) fn page(text: &str) -> Page {
    Page { text: text.to_owned() }
}

pub(crate) fn options(count: usize) -> TakeOptions {
    TakeOptions::new("tester", count)
}

/// Creates pages with these ids and requests a transformation on each.
pub(crate) async fn enqueue<R: serde::de::DeserializeOwned>(
    pages: &Repo<Page>,
    transformation: Transformation<Page, R>,
    ids: &[&str],
) {
    for id in ids {
        pages.create_with_id(*id, page(id)).await.unwrap();
        pages.item(*id).transformation(transformation).enqueue().await.unwrap();
    }
}

pub(crate) fn ids(taken: &TakenBatch<Page>) -> Vec<&str> {
    taken.jobs.iter().map(|job| job.claim.item.as_str()).collect()
}

pub(crate) async fn take_one(queue: &Queue<Page>) -> Claim {
    let mut taken = queue.take(&options(1)).await.unwrap();
    taken.jobs.pop().expect("a job waits").claim
}

pub(crate) fn worker(pages: &Repo<Page>) -> WorkerBuilder<Page> {
    Worker::builder(pages)
        .retry_delay(Duration::from_millis(10))
        .poll_interval(Duration::from_millis(200))
}
