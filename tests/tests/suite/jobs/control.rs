//! Pauses, priorities, rates and limits.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metastore::queue::{Queue, RateLimit};
use metastore::{EnqueueOptions, Item, Priority};
use metastore_tests::wait;

use super::{Feed, Page, enqueue, ids, options, page, take_one, worker};
use crate::fixture::{SOON, start};

#[tokio::test]
async fn a_paused_queue_hands_out_nothing_until_it_is_resumed_and_then_wakes_the_worker() {
    let (server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    queue.pause().await.unwrap();
    let worker = worker(&pages)
        .handle(Page::DIGEST, |item: Item<Page>, _job| async move {
            Ok::<_, String>(item.data.text.clone())
        })
        // No poll happens within this test.
        .poll_interval(Duration::from_secs(3600))
        .build()
        .start()
        .unwrap();
    enqueue(&pages, Page::DIGEST, &["a"]).await;
    let taken = queue.take(&options(1)).await.unwrap();
    assert!(taken.jobs.is_empty() && !taken.ready);
    let stats = queue.stats().await.unwrap();
    assert!(stats.paused && !stats.ready && stats.waiting == 1);
    assert_eq!(worker.report().finished, 0);
    queue.resume().await.unwrap();
    pages.item("a").digest().wait(SOON).await.unwrap();
    assert!(!queue.stats().await.unwrap().paused);
    worker.stop().await;
    assert_eq!(server.keys_of_jobs().await, [""; 0]);
}

#[tokio::test]
async fn high_jobs_go_first_and_low_ones_do_not_starve() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        for n in 0..100 {
            let id = format!("{}{n}", format!("{priority:?}").to_lowercase());
            pages.create_with_id(id.as_str(), page("x")).await.unwrap();
            let options = EnqueueOptions::new().priority(priority);
            pages.item(&id).digest().enqueue_with(options).await.unwrap();
        }
    }
    let taken = queue.take(&options(96)).await.unwrap();
    let count = |prefix| ids(&taken).iter().filter(|id| id.starts_with(prefix)).count();
    // Of 16 turns 11, 4 and 1.
    assert_eq!((count("high"), count("normal"), count("low")), (66, 24, 6));
    // One by one it is the same: low jobs are taken while high ones still wait.
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let claim = take_one(&queue).await;
        seen.insert(claim.item.as_str().trim_end_matches(char::is_numeric).to_owned());
        if seen.len() == 3 {
            return;
        }
    }
    panic!("only {seen:?} in 100 takes");
}

#[tokio::test]
async fn a_more_urgent_request_moves_a_waiting_job_up() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    enqueue(&pages, Page::DIGEST, &["a", "b", "c"]).await;
    let urgent = EnqueueOptions::new().priority(Priority::High);
    let job = pages.item("c").digest().enqueue_with(urgent.clone()).await.unwrap();
    assert_eq!(pages.item("c").digest().enqueue_with(urgent).await.unwrap().id(), job.id());
    let mut taken = Vec::new();
    while let Some(job) = queue.take(&options(1)).await.unwrap().jobs.pop() {
        taken.push(job.claim.item.to_string());
    }
    taken.sort();
    // Each once, although `c` is in two lists.
    assert_eq!(taken, ["a", "b", "c"]);
    assert_eq!(queue.stats().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn a_rate_holds_over_all_workers_and_is_used_up_to_its_limit() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    queue.limit_rate(Some(RateLimit::new(5, Duration::from_millis(500)))).await.unwrap();
    let ids: Vec<String> = (0..15).map(|n| format!("p{n}")).collect();
    enqueue(&pages, Page::DIGEST, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let begin = std::time::Instant::now();
    let build = || {
        worker(&pages)
            .handle(Page::DIGEST, |item: Item<Page>, _job| async move {
                Ok::<_, String>(item.data.text.clone())
            })
            .poll_interval(Duration::from_secs(5))
            .concurrency(8)
            .build()
            .start()
            .unwrap()
    };
    let (one, two) = (build(), build());
    for id in &ids {
        pages.item(id).digest().wait(SOON).await.unwrap();
    }
    // Five at once, and the other ten at ten in a second; the wait for a token does not depend on
    // polling.
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(950), "{took:?}");
    assert!(took < Duration::from_millis(4_000), "{took:?}");
    assert_eq!(one.stop().await.finished + two.stop().await.finished, 15);
    queue.limit_rate(None).await.unwrap();
    assert!(queue.limit_rate(Some(RateLimit::new(0, Duration::from_secs(1)))).await.is_err());
    assert!(queue.limit_rate(Some(RateLimit::new(1, Duration::ZERO))).await.is_err());
}

#[tokio::test]
async fn a_limit_of_running_jobs_holds_over_all_workers() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::DIGEST);
    queue.limit_running(Some(2)).await.unwrap();
    assert!(queue.limit_running(Some(0)).await.is_err());
    let ids: Vec<String> = (0..12).map(|n| format!("p{n}")).collect();
    enqueue(&pages, Page::DIGEST, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let build = || {
        let (now, most) = (now.clone(), most.clone());
        worker(&pages)
            .handle(Page::DIGEST, move |_item: Item<Page>, _job| {
                let (now, most) = (now.clone(), most.clone());
                async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok::<_, String>(String::new())
                }
            })
            .concurrency(8)
            // A worker that waits for the limit receives a message when a slot is free, and does
            // not poll.
            .poll_interval(Duration::from_secs(3600))
            .build()
            .start()
            .unwrap()
    };
    let (one, two) = (build(), build());
    for id in &ids {
        pages.item(id).digest().wait(SOON).await.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert_eq!(one.stop().await.finished + two.stop().await.finished, 12);
}

#[tokio::test]
async fn concurrency_changes_while_a_worker_runs() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let (now, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
    let (counted, permits) = (now.clone(), release.clone());
    let worker = worker(&pages)
        .handle(Page::DIGEST, move |_item: Item<Page>, _job| {
            let (now, permits) = (counted.clone(), permits.clone());
            async move {
                now.fetch_add(1, Ordering::SeqCst);
                permits.acquire().await.unwrap().forget();
                now.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, String>(String::new())
            }
        })
        .concurrency(1)
        .build()
        .start()
        .unwrap();
    let ids: Vec<String> = (0..10).map(|n| format!("p{n}")).collect();
    enqueue(&pages, Page::DIGEST, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let running = |wanted: usize| {
        let now = now.clone();
        async move {
            wait::until("the running jobs", SOON, async || now.load(Ordering::SeqCst) == wanted)
                .await;
        }
    };
    running(1).await;
    worker.set_concurrency(4).unwrap();
    running(4).await;
    worker.set_concurrency_of(&pages, Page::DIGEST, Some(2)).unwrap();
    release.add_permits(3);
    running(2).await;
    worker.set_concurrency_of(&pages, Page::DIGEST, None).unwrap();
    running(4).await;
    assert!(worker.set_concurrency(0).is_err());
    assert!(worker.set_concurrency_of(&pages, Page::EXTRACT, Some(1)).is_err());
    release.add_permits(100);
    for id in &ids {
        pages.item(id).digest().wait(SOON).await.unwrap();
    }
    assert_eq!(worker.stop().await.finished, 10);
}

#[tokio::test]
async fn a_flood_of_one_transformation_delays_no_other_one_nor_another_collection() {
    let (_server, repo) = start().await;
    let store = repo.texts.store();
    let (pages, feeds) = (store.repo::<Page>(), store.repo::<Feed>());
    let ids: Vec<String> = (0..400).map(|n| format!("p{n}")).collect();
    for page in pages.create_many(ids.iter().map(|id| page(id))).await {
        pages.item(&page.unwrap().id).digest().enqueue().await.unwrap();
    }
    enqueue(&pages, Page::EXTRACT, &["a", "b", "c"]).await;
    let feed = feeds.create(Feed { url: "one".to_owned() }).await.unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let order = order.clone();
        move || {
            order.lock().unwrap().push(name);
            async {
                tokio::time::sleep(Duration::from_millis(2)).await;
                Ok::<_, String>(String::new())
            }
        }
    };
    let (digest, extract, greet) = (note("digest"), note("extract"), note("greet"));
    let report = worker(&pages)
        .handle(Page::DIGEST, move |_item: Item<Page>, _job| digest())
        .handle(Page::EXTRACT, move |_item: Item<Page>, _job| extract())
        .collection(&feeds)
        .handle(Feed::GREET, move |_item: Item<Feed>, _job| greet())
        .concurrency(4)
        .build()
        .run_until_idle()
        .await
        .unwrap();
    assert_eq!(report.finished, 404);
    assert!(feeds.item(&feed.id).greet().result().await.unwrap().is_some());
    let order = order.lock().unwrap();
    let last = |name| order.iter().rposition(|seen| *seen == name).unwrap();
    // In equal shares they are among the first dozen.
    assert!(last("extract") < 24 && last("greet") < 24, "{:?}", &order[..40]);
}

#[tokio::test]
async fn a_transformation_has_no_more_slots_than_it_was_built_with() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let ids: Vec<String> = (0..20).map(|n| format!("p{n}")).collect();
    enqueue(&pages, Page::DIGEST, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for id in &ids {
        pages.item(id).extract().enqueue().await.unwrap();
    }
    let counted = |most: &Arc<AtomicUsize>| {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), most.clone());
        move |_item: Item<Page>, _job| {
            let (now, most) = (now.clone(), most.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, String>(String::new())
            }
        }
    };
    let (digests, extracts) = (Arc::default(), Arc::default());
    let report = worker(&pages)
        .handle(Page::DIGEST, counted(&digests))
        .handle(Page::EXTRACT, counted(&extracts))
        .concurrency_of(Page::DIGEST, 2)
        .concurrency(8)
        .build()
        .run_until_idle()
        .await
        .unwrap();
    assert_eq!(report.finished, 40);
    assert_eq!(digests.load(Ordering::SeqCst), 2);
    assert!(extracts.load(Ordering::SeqCst) > 2);
}
