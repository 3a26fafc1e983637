//! Transformations that are requested by a write or another job, in the same atomic step.

use metastore::queue::Queue;
use metastore::{Collection, JobState, Store};
use metastore_tests::{Cut, wait};
use metastore_worker::Worker;

use super::{Feed, Page, enqueue, options, take_one, worker};
use crate::fixture::{SOON, start, start_proxied, start_with};

fn feed(url: &str) -> Feed {
    Feed { url: url.to_owned() }
}

#[tokio::test]
async fn a_finished_job_requests_those_that_come_after_it_in_the_same_step() {
    let (_server, proxy, repo) = start_proxied(Store::options()).await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::EXTRACT);
    enqueue(&pages, Page::EXTRACT, &["a", "b"]).await;
    let claim = take_one(&queue).await;
    assert!(pages.item("a").words().status().await.unwrap().is_none());
    let before = proxy.round_trips();
    assert!(queue.finish(&claim, &"text").await.unwrap());
    // The script may have to be sent with its text first.
    assert!(proxy.round_trips() - before <= 2);
    for status in [
        pages.item("a").words().status().await.unwrap().map(|status| status.state),
        pages.item("a").links().status().await.unwrap().map(|status| status.state),
    ] {
        assert_eq!(status, Some(JobState::Queued));
    }
    assert_eq!(Queue::new(&pages, Page::WORDS).stats().await.unwrap().waiting, 1);
    assert!(pages.item("b").words().status().await.unwrap().is_none());
}

#[tokio::test]
async fn a_lost_reply_requests_what_comes_after_only_once() {
    let (_server, proxy, repo) = start_proxied(Store::options()).await;
    let pages = repo.texts.store().repo::<Page>();
    let queue = Queue::new(&pages, Page::EXTRACT);
    let words = Queue::new(&pages, Page::WORDS);
    for cut in [Cut::ReplyAt(0), Cut::RequestAt(40), Cut::ReplyAt(0)] {
        pages.delete("a").await.unwrap();
        enqueue(&pages, Page::EXTRACT, &["a"]).await;
        let claim = take_one(&queue).await;
        proxy.cut_when(b"extract:jobs", cut);
        assert!(queue.finish(&claim, &"text").await.unwrap(), "{cut:?}");
        let claim = words.take(&options(10)).await.unwrap().jobs.pop().unwrap().claim;
        assert!(words.finish(&claim, &3).await.unwrap());
        assert!(words.take(&options(10)).await.unwrap().jobs.is_empty(), "{cut:?}");
    }
}

#[tokio::test]
async fn a_chain_runs_from_one_worker_to_its_end_and_wakes_the_next() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    let first = worker(&pages)
        .handle(Page::EXTRACT, |item: metastore::Item<Page>, _job| async move {
            Ok::<_, String>(item.data.text.clone())
        })
        .poll_interval(std::time::Duration::from_secs(3600))
        .build()
        .start()
        .unwrap();
    let second = worker(&pages)
        .handle(Page::WORDS, |_item, _job| async { Ok::<_, String>(7) })
        .poll_interval(std::time::Duration::from_secs(3600))
        .build()
        .start()
        .unwrap();
    enqueue(&pages, Page::EXTRACT, &["a"]).await;
    wait::until("the second result", SOON, async || {
        pages.item("a").words().result().await.unwrap() == Some(7)
    })
    .await;
    assert_eq!((first.stop().await.finished, second.stop().await.finished), (1, 1));
}

#[tokio::test]
async fn writes_request_what_depends_on_them_in_the_same_step() {
    let (server, proxy, repo) = start_proxied(Store::options().audit(true)).await;
    let feeds = repo.texts.store().repo::<Feed>();
    let (greet, refresh, count) = (
        Queue::new(&feeds, Feed::GREET),
        Queue::new(&feeds, Feed::REFRESH),
        Queue::new(&feeds, Feed::COUNT),
    );
    let waiting = async || {
        let mut numbers = Vec::new();
        for queue in [&greet, &refresh, &count] {
            numbers.push(queue.stats().await.unwrap().waiting);
        }
        numbers
    };
    let item = feeds.create(feed("one")).await.unwrap();
    assert_eq!(waiting().await, [1, 0, 1]);
    let before = proxy.round_trips();
    feeds.create(feed("two")).await.unwrap();
    assert_eq!(proxy.round_trips() - before, 1);
    feeds.create_with_id("three", feed("three")).await.unwrap();
    assert_eq!(waiting().await, [3, 0, 3]);
    assert!(feeds.create_with_id("three", feed("again")).await.is_err());
    assert_eq!(waiting().await, [3, 0, 3]);

    // `count` still waits, for the version that is current when it runs.
    let item = feeds.update(&item, Feed::patch().url("one!")).await.unwrap();
    assert_eq!(waiting().await, [3, 1, 3]);
    // Nothing changed, so nothing is requested.
    let same = feeds.update(&item, Feed::patch().url("one!")).await.unwrap();
    assert!(same.unchanged);
    assert_eq!(waiting().await, [3, 1, 3]);
    // A run on an older version is followed by one on the new version.
    let claims: Vec<_> =
        refresh.take(&options(1)).await.unwrap().jobs.into_iter().map(|job| job.claim).collect();
    feeds.modify(&item.id, |feed| feed.url.push('?')).await.unwrap();
    assert_eq!(waiting().await[1], 0);
    assert!(refresh.finish(&claims[0], &1).await.unwrap());
    assert_eq!(waiting().await[1], 1);
    let trail = format!("stream:audit:myapp:crawl:feeds:{}", item.id);
    let trail = format!("{:?}", server.cli(&["XRANGE", trail.as_str(), "-", "+"]).await);
    assert!(trail.contains("refresh") && trail.contains("greet"), "{trail}");
}

#[tokio::test]
async fn a_write_whose_reply_is_lost_requests_once() {
    let (_server, proxy, repo) = start_proxied(Store::options()).await;
    let feeds = repo.texts.store().repo::<Feed>();
    let greet = Queue::new(&feeds, Feed::GREET);
    feeds.create(feed("so that the script is known")).await.unwrap();
    for cut in [Cut::RequestAt(0), Cut::RequestAt(40), Cut::ReplyAt(0), Cut::ReplyAt(1)] {
        let before = greet.stats().await.unwrap().waiting;
        proxy.cut_when(b"greet:jobs", cut);
        feeds.create(feed("one")).await.unwrap();
        assert_eq!(greet.stats().await.unwrap().waiting, before + 1, "{cut:?}");
    }
}

#[tokio::test]
async fn a_worker_is_pushed_what_a_write_requests() {
    let (_server, repo) = start().await;
    let feeds = repo.texts.store().repo::<Feed>();
    let worker = Worker::builder(&feeds)
        .handle(Feed::GREET, |item: metastore::Item<Feed>, _job| async move {
            Ok::<_, String>(format!("hello {}", item.data.url))
        })
        .poll_interval(std::time::Duration::from_secs(3600))
        .build()
        .start()
        .unwrap();
    let item = feeds.create(feed("one")).await.unwrap();
    assert_eq!(feeds.item(&item.id).greet().wait(SOON).await.unwrap(), "hello one");
    worker.stop().await;
}

#[tokio::test]
async fn many_that_are_written_at_once_request_a_job_each_in_the_same_step() {
    let (server, proxy, repo) = start_proxied(Store::options().audit(true)).await;
    let feeds = repo.texts.store().repo::<Feed>();
    let (greet, refresh) = (Queue::new(&feeds, Feed::GREET), Queue::new(&feeds, Feed::REFRESH));
    // Loads the scripts.
    let known = feeds.create(feed("known")).await.unwrap();
    feeds.update(&known, Feed::patch().url("known!")).await.unwrap();
    feeds.delete(&known.id).await.unwrap();
    greet.take(&options(1)).await.unwrap();
    refresh.take(&options(1)).await.unwrap();

    let before = proxy.round_trips();
    let created = feeds.create_many((0..60).map(|n| feed(&n.to_string()))).await;
    assert_eq!(proxy.round_trips() - before, 1);
    let ids: Vec<_> = created.into_iter().map(|item| item.unwrap().id.clone()).collect();
    assert_eq!(greet.stats().await.unwrap().waiting, 60);
    let patches = ids.iter().map(|id| (id, Feed::patch().url("changed")));
    for item in feeds.update_many(patches).await {
        assert_eq!(item.unwrap().version, 2);
    }
    assert_eq!(refresh.stats().await.unwrap().waiting, 60);
    let mut taken: Vec<_> = greet
        .take(&options(100))
        .await
        .unwrap()
        .jobs
        .into_iter()
        .map(|job| job.claim.item)
        .collect();
    taken.sort();
    let mut expected = ids.clone();
    expected.sort();
    assert_eq!(taken, expected);
    // Audited with the write, once each: create, two requests; update, one more.
    let trail = format!("stream:audit:myapp:crawl:feeds:{}", ids[0]);
    assert_eq!(server.cli(&["XLEN", trail.as_str()]).await.as_int(), 5);
}

#[tokio::test]
async fn many_that_are_created_request_once_each_although_the_reply_is_lost() {
    let (_server, proxy, repo) = start_proxied(Store::options()).await;
    let feeds = repo.texts.store().repo::<Feed>();
    let greet = Queue::new(&feeds, Feed::GREET);
    feeds.create(feed("so that the script is known")).await.unwrap();
    for cut in [Cut::RequestAt(0), Cut::RequestAt(2_000), Cut::ReplyAt(0)] {
        let before = greet.stats().await.unwrap().waiting;
        proxy.cut_when(b"greet:jobs", cut);
        for item in feeds.create_many((0..20).map(|n| feed(&n.to_string()))).await {
            item.unwrap();
        }
        assert_eq!(greet.stats().await.unwrap().waiting, before + 20, "{cut:?}");
        assert_eq!(feeds.count().await.unwrap(), before + 20, "{cut:?}");
    }
}

fn trace_of_the_writer() -> Option<String> {
    Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned())
}

#[tokio::test]
async fn the_trace_of_a_writer_reaches_the_requested_jobs_and_their_chain() {
    let (_server, repo) = start_with(Store::options().trace_source(trace_of_the_writer)).await;
    let store = repo.texts.store();
    let feeds = store.repo::<Feed>();
    let item = feeds.create(feed("one")).await.unwrap();
    feeds.update(&item, Feed::patch().url("two")).await.unwrap();
    for status in [
        feeds.item(&item.id).greet().status().await.unwrap().map(|status| status.trace),
        feeds.item(&item.id).refresh().status().await.unwrap().map(|status| status.trace),
    ] {
        assert_eq!(status, Some(trace_of_the_writer()));
    }
    let pages = store.repo::<Page>();
    enqueue(&pages, Page::EXTRACT, &["a"]).await;
    let queue = Queue::new(&pages, Page::EXTRACT);
    let claim = take_one(&queue).await;
    assert!(queue.finish(&claim, &"text").await.unwrap());
    let status = pages.item("a").words().status().await.unwrap().unwrap();
    assert_eq!((status.state, status.trace), (JobState::Queued, trace_of_the_writer()));
}
