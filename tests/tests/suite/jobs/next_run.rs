//! Handlers that request the next run of their own job.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metastore::Item;
use metastore_tests::wait;

use super::{Page, enqueue, worker};
use crate::fixture::{SOON, start};

#[tokio::test]
async fn a_request_of_a_handler_for_its_own_next_run_is_not_answered_by_the_present_run() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let runs = Arc::new(AtomicUsize::new(0));
    let (counted, inside) = (runs.clone(), pages.clone());
    let worker = worker(&pages)
        .handle(Page::DIGEST, move |item: Item<Page>, _job| {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            let pages = inside.clone();
            async move {
                if run < 2 {
                    let request = pages.item(&item.id).digest();
                    let delay = Duration::from_millis(50 * run as u64);
                    request.enqueue_in(delay).await.map_err(|error| error.to_string())?;
                }
                Ok::<_, String>(run.to_string())
            }
        })
        .build()
        .start()
        .unwrap();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    wait::until("the third run", SOON, async || worker.report().finished == 3).await;
    worker.stop().await;
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    assert_eq!(pages.item("a").digest().result().await.unwrap().as_deref(), Some("2"));
}
