//! The descriptions of the metrics of a worker.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use metastore::Item;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use super::{Page, enqueue, worker};
use crate::fixture::start;

/// Keeps the names of metrics.
#[derive(Clone, Default)]
struct Names {
    described: Arc<Mutex<Vec<String>>>,
    recorded: Arc<Mutex<BTreeSet<String>>>,
}

impl Names {
    fn describe(&self, name: &KeyName, unit: Option<Unit>, description: &SharedString) {
        assert!(unit.is_some(), "{} has no unit", name.as_str());
        assert!(!description.is_empty(), "{} has no description", name.as_str());
        self.described.lock().unwrap().push(name.as_str().to_owned());
    }

    fn record(&self, key: &Key) {
        self.recorded.lock().unwrap().insert(key.name().to_owned());
    }
}

impl Recorder for Names {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.record(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.record(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.record(key);
        Histogram::noop()
    }
}

#[tokio::test]
async fn no_metric_of_a_worker_lacks_its_description() {
    let names = Names::default();
    let _recording = metrics::set_default_local_recorder(&names);
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::DIGEST, &["succeeds", "fails", "deleted"]).await;
    let inside = pages.clone();
    worker(&pages)
        .handle(Page::DIGEST, move |item: Item<Page>, _job| {
            let pages = inside.clone();
            async move {
                if item.id.as_str() == "deleted" {
                    pages.delete(&item.id).await.map_err(|error| error.to_string())?;
                }
                if item.id.as_str() == "fails" { Err("away".to_owned()) } else { Ok(String::new()) }
            }
        })
        .max_retries(0)
        .build()
        .run_until_idle()
        .await
        .unwrap();
    let described = names.described.lock().unwrap().clone();
    let unique: BTreeSet<String> = described.iter().cloned().collect();
    assert_eq!(unique.len(), described.len(), "described twice: {described:?}");
    let recorded = names.recorded.lock().unwrap().clone();
    for name in ["finished_total", "dead_total", "cancelled_total", "run_seconds", "queued"] {
        assert!(recorded.contains(&format!("metastore_jobs_{name}")), "{name}: {recorded:?}");
    }
    let undescribed: Vec<_> = recorded.difference(&unique).collect();
    assert_eq!(undescribed, [""; 0]);
}
