//! The metrics of a worker, as a recorder of the `metrics` facade receives them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metastore::Item;
use metastore::queue::Queue;
use metastore_tests::wait;
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use tokio::sync::Semaphore;

use super::{Page, enqueue, page, worker};
use crate::fixture::{SOON, start};

/// Keeps every number by its name and queue.
#[derive(Clone, Default)]
struct Numbers(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    counters: HashMap<String, Arc<AtomicU64>>,
    gauges: HashMap<String, Arc<AtomicU64>>,
    histograms: HashMap<String, Arc<Samples>>,
}

#[derive(Default)]
struct Samples(Mutex<Vec<f64>>);

impl HistogramFn for Samples {
    fn record(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

fn name(key: &Key) -> String {
    let labels: Vec<_> = key.labels().map(|label| (label.key(), label.value())).collect();
    assert!(matches!(labels[..], [("queue", _)]), "{labels:?}");
    let queue = labels[0].1.rsplit(':').next().unwrap();
    format!("{} of {queue}", key.name().strip_prefix("metastore_jobs_").unwrap())
}

impl Recorder for Numbers {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.0.lock().unwrap().counters.entry(name(key)).or_default().clone())
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.0.lock().unwrap().gauges.entry(name(key)).or_default().clone())
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.0.lock().unwrap().histograms.entry(name(key)).or_default().clone())
    }
}

impl Numbers {
    fn counter(&self, name: &str) -> u64 {
        let inner = self.0.lock().unwrap();
        inner.counters.get(name).map_or(0, |counter| counter.load(Ordering::SeqCst))
    }

    fn gauge(&self, name: &str) -> Option<f64> {
        let inner = self.0.lock().unwrap();
        inner.gauges.get(name).map(|gauge| f64::from_bits(gauge.load(Ordering::SeqCst)))
    }

    fn samples(&self, name: &str) -> Vec<f64> {
        let inner = self.0.lock().unwrap();
        inner.histograms.get(name).map_or(Vec::new(), |samples| samples.0.lock().unwrap().clone())
    }

    async fn until(&self, expected: &[(&str, f64)]) {
        wait::until(&format!("{expected:?}"), SOON, async || {
            expected.iter().all(|(name, value)| self.gauge(name) == Some(*value))
        })
        .await;
    }
}

#[tokio::test]
async fn every_metric_reaches_a_recorder() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    let numbers = Numbers::default();
    let _guard = metrics::set_default_local_recorder(&numbers);
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let worker = worker(&pages)
        .handle(Page::DIGEST, move |item: Item<Page>, job| {
            let gate = opened.clone();
            async move {
                gate.acquire().await.unwrap().forget();
                match (item.data.text.as_str(), job.attempt) {
                    ("dies", _) | ("fails", 1) => Err("no luck"),
                    _ => Ok("done".to_owned()),
                }
            }
        })
        .max_retries(1)
        .poll_interval(Duration::from_millis(50))
        .maintenance_interval(Duration::from_millis(300))
        .build()
        .start()
        .unwrap();

    // One runs, three wait, one is delayed.
    enqueue(&pages, Page::DIGEST, &["good"]).await;
    numbers.until(&[("running of digest", 1.0), ("queued of digest", 0.0)]).await;
    enqueue(&pages, Page::DIGEST, &["fails", "dies", "fine"]).await;
    pages.create_with_id("later", page("later")).await.unwrap();
    pages.item("later").digest().enqueue_in(Duration::from_secs(3600)).await.unwrap();
    numbers
        .until(&[
            ("running of digest", 1.0),
            ("queued of digest", 3.0),
            ("delayed of digest", 1.0),
            ("dead of digest", 0.0),
        ])
        .await;
    wait::until("the first in line to grow old", SOON, async || {
        numbers.gauge("oldest_seconds of digest").is_some_and(|age| age > 0.1)
    })
    .await;

    // A job that fails once is retried once; one that fails twice is dead.
    gate.add_permits(6);
    wait::until("six ends", SOON, async || {
        numbers.counter("finished_total of digest") == 3
            && numbers.counter("failed_total of digest") == 3
    })
    .await;
    assert_eq!(numbers.counter("retried_total of digest"), 2);
    assert_eq!(numbers.counter("dead_total of digest"), 1);

    // A lease that is lost while the job runs.
    enqueue(&pages, Page::DIGEST, &["lost"]).await;
    numbers.until(&[("running of digest", 1.0), ("queued of digest", 0.0)]).await;
    let other = "2rn 01BX5ZZKBKACTAV9WEVGEMMVRZ 1 1 x 999 0 0 0 1 1";
    server.cli(&["HSET", "queue:myapp:crawl:pages:digest:jobs", "lost", other]).await;
    server.cli(&["DEL", "queue:myapp:crawl:pages:digest:leased"]).await;
    gate.add_permits(1);
    wait::until("the loss", SOON, async || numbers.counter("lost_total of digest") == 1).await;
    server.cli(&["HDEL", "queue:myapp:crawl:pages:digest:jobs", "lost"]).await;

    // Gauges of an idle queue, with its dead job, and after that was discarded.
    pages.item("later").digest().cancel().await.unwrap();
    numbers
        .until(&[
            ("running of digest", 0.0),
            ("queued of digest", 0.0),
            ("delayed of digest", 0.0),
            ("oldest_seconds of digest", 0.0),
            ("dead of digest", 1.0),
        ])
        .await;
    assert!(queue.discard("dies").await.unwrap());
    numbers.until(&[("dead of digest", 0.0)]).await;

    // Seven runs were started, some of them after waiting; six ends were recorded.
    let (waits, runs) =
        (numbers.samples("wait_seconds of digest"), numbers.samples("run_seconds of digest"));
    assert_eq!((waits.len(), runs.len()), (7, 6), "{waits:?} {runs:?}");
    assert!(waits.iter().chain(&runs).all(|time| (0.0..20.0).contains(time)));
    assert!(waits.iter().any(|time| *time > 0.1), "{waits:?}");
    assert!(runs.iter().any(|time| *time > 0.1), "{runs:?}");

    // Jobs that run when the worker stops are counted as well.
    enqueue(&pages, Page::DIGEST, &["last"]).await;
    numbers.until(&[("running of digest", 1.0)]).await;
    gate.add_permits(1);
    worker.stop().await;
    assert_eq!(numbers.counter("finished_total of digest"), 4);
}

#[tokio::test]
async fn released_jobs_are_counted() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let numbers = Numbers::default();
    let _guard = metrics::set_default_local_recorder(&numbers);
    let worker = worker(&pages)
        .handle(Page::DIGEST, |_item: Item<Page>, _job| {
            std::future::pending::<Result<String, String>>()
        })
        .poll_interval(Duration::from_millis(50))
        .drain_timeout(Duration::ZERO)
        .build()
        .start()
        .unwrap();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    numbers.until(&[("running of digest", 1.0)]).await;
    assert_eq!(worker.stop().await.released, 1);
    assert_eq!(numbers.counter("released_total of digest"), 1);
    assert_eq!(numbers.counter("failed_total of digest"), 0);
}
