//! Jobs that are cancelled while they run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metastore::Item;
use metastore_tests::wait;
use metastore_worker::Worker;
use tokio::sync::Notify;

use super::{Page, enqueue};
use crate::fixture::{Log, SOON, start};

/// Notifies when the handler is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_cancelled_handler_is_dropped_within_a_second_and_not_reported_as_lost() {
    let log = Log::default();
    let _recording = log.record();
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begin, drops) = (begun.clone(), dropped.clone());
    let worker = Worker::builder(&pages)
        .handle(Page::DIGEST, move |_item: Item<Page>, _job| {
            let guard = Dropped(drops.clone());
            begin.notify_one();
            async move {
                let _guard = guard;
                std::future::pending::<Result<String, String>>().await
            }
        })
        // Neither a renewal nor a poll would find it in time.
        .lease(Duration::from_secs(60))
        .poll_interval(Duration::from_secs(60))
        .build()
        .start()
        .unwrap();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    begun.notified().await;
    let begin = Instant::now();
    assert!(pages.item("a").digest().cancel().await.unwrap());
    tokio::time::timeout(SOON, dropped.notified()).await.expect("the handler is dropped");
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    wait::until("the report", SOON, async || worker.report().cancelled == 1).await;
    let report = worker.stop().await;
    assert_eq!((report.cancelled, report.lost, report.released), (1, 0, 0));
    assert!(!log.text().contains(" WARN "), "{}", log.text());
}
