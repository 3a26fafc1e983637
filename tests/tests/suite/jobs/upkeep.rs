//! The maintenance of a worker: expired items, and jobs that nobody handles.

use std::time::Duration;

use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection, EnqueueOptions, Item, JobState, Repo};
use metastore_tests::{Server, wait};
use metastore_worker::{Worker, WorkerBuilder};
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::{Page, enqueue, worker};
use crate::fixture::{Log, SOON, start};

/// A visit, which expires.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "crawl", name = "visits", object_type = state, ttl = "3s")]
#[mutation(length -> usize)]
#[transformation(greet -> String)]
#[transformation(locate -> String)]
#[transformation(brief -> String, result_ttl = "200ms")]
struct Visit {
    #[unique]
    number: u32,
    #[index]
    #[serde(default)]
    pages: Vec<String>,
}

impl Visit {
    fn length(&self) -> usize {
        self.pages.len()
    }
}

fn visit(number: u32) -> Visit {
    Visit { number, pages: vec!["home".to_owned(), format!("p{}", number % 7)] }
}

fn greeter(visits: &Repo<Visit>) -> WorkerBuilder<Visit> {
    Worker::builder(visits)
        .handle(Visit::GREET, |_item: Item<Visit>, _job| async {
            Ok::<_, String>("hello".to_owned())
        })
        .poll_interval(Duration::from_millis(100))
        .maintenance_interval(Duration::from_millis(50))
}

fn count(log: &Log, text: &str) -> usize {
    log.text().lines().filter(|line| line.contains("WARN") && line.contains(text)).count()
}

#[tokio::test]
async fn jobs_that_no_worker_handles_stay_queued_and_are_reported_once() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::WORDS, &["a"]).await;
    let log = Log::default();
    let _guard = log.record();
    let digests = || {
        worker(&pages)
            .handle(Page::DIGEST, |item: Item<Page>, _job| async move {
                Ok::<_, String>(item.data.text.clone())
            })
            .poll_interval(Duration::from_millis(20))
            .maintenance_interval(Duration::from_millis(20))
    };
    let idle = digests().build().start().unwrap();
    let told = || count(&log, "no worker handles the jobs");
    wait::until("the warning", SOON, async || told() > 0).await;
    assert_eq!(count(&log, "myapp:crawl:pages:words"), 1, "{}", log.text());
    // It checks regularly, and warns again only about other jobs.
    pages.item("a").links().enqueue().await.unwrap();
    wait::until("the second warning", SOON, async || told() > 1).await;
    assert_eq!((count(&log, "pages:words"), count(&log, "pages:links")), (1, 1), "{}", log.text());
    let status = pages.item("a").words().status().await.unwrap().unwrap();
    assert_eq!((status.state, status.attempts), (JobState::Queued, 0));

    // A worker with the handler starts and runs the job.
    let counting = worker(&pages)
        .handle(Page::WORDS, |_item: Item<Page>, _job| async { Ok::<_, String>(7) })
        .handle(Page::LINKS, |_item: Item<Page>, _job| async { Ok::<_, String>(8) })
        .build()
        .start()
        .unwrap();
    assert_eq!(pages.item("a").words().wait(SOON).await.unwrap(), 7);
    // While it is subscribed there is no warning, even if it is busy with other jobs.
    let log = Log::default();
    let _guard = log.record();
    let third = digests().build().start().unwrap();
    let queue = Queue::new(&pages, Page::WORDS);
    counting.set_concurrency_of(&pages, Page::WORDS, Some(1)).unwrap();
    queue.pause().await.unwrap();
    enqueue(&pages, Page::WORDS, &["b"]).await;
    enqueue(&pages, Page::EXTRACT, &["c"]).await;
    wait::until("it to have looked", SOON, async || count(&log, "pages:extract") > 0).await;
    assert_eq!(count(&log, "pages:words"), 0, "{}", log.text());
    for worker in [idle, counting, third] {
        worker.stop().await;
    }
}

#[tokio::test]
async fn a_worker_that_runs_until_it_is_idle_reports_them_too() {
    let (_server, repo) = start().await;
    let pages = repo.texts.store().repo::<Page>();
    enqueue(&pages, Page::WORDS, &["a"]).await;
    let log = Log::default();
    let _guard = log.record();
    worker(&pages)
        .handle(Page::DIGEST, |_item: Item<Page>, _job| async { Ok::<_, String>(String::new()) })
        .build()
        .run_until_idle()
        .await
        .unwrap();
    assert_eq!(count(&log, "myapp:crawl:pages:words"), 1, "{}", log.text());
}

/// Nothing is left but the counters of queues and their idle workers.
async fn is_empty(server: &Server) -> bool {
    let is_of_queue = |key: &String| key.starts_with("queue:");
    server.keys_of_jobs().await.is_empty() && server.keys().await.iter().all(is_of_queue)
}

async fn are_expired(server: &Server) -> bool {
    // Only keys without a time to live are left: indexes and queues.
    server.dbsize().await < 20
        && server
            .keys()
            .await
            .iter()
            .all(|key| key.starts_with("idx:") || key.starts_with("queue:"))
}

#[tokio::test]
async fn one_sweep_of_a_worker_leaves_nothing_of_ten_thousand_expired_items() {
    let (server, repo) = start().await;
    let store = repo.texts.store();
    let visits = store.repo::<Visit>().as_user("u1").unwrap();
    let created = visits.create_many((0..320).map(visit)).await;
    let ids: Vec<_> = created.into_iter().map(|item| item.unwrap().id.clone()).collect();
    // Jobs in all states, on some of them.
    let greet = Queue::new(&visits, Visit::GREET);
    for job in visits.enqueue_many(Visit::GREET, &ids[..200], EnqueueOptions::new()).await.unwrap()
    {
        job.unwrap();
    }
    let taken = greet.take(&TakeOptions::new("gone", 90)).await.unwrap();
    for (at, taken) in taken.jobs.iter().enumerate() {
        match at % 3 {
            0 => drop(greet.fail(&taken.claim, "no luck", None).await.unwrap()),
            1 => drop(greet.finish(&taken.claim, &"hello").await.unwrap()),
            _ => {}
        }
    }
    let later = EnqueueOptions::new().delay(Duration::from_secs(3600));
    for job in visits.enqueue_many(Visit::LOCATE, &ids[200..300], later).await.unwrap() {
        job.unwrap();
    }
    for id in &ids[300..320] {
        visits.item(id).greet().enqueue().await.unwrap();
        visits.item(id).greet().cancel().await.unwrap();
        visits.item(id).length().materialize().await.unwrap();
    }
    for item in visits.create_many((320..10_000).map(visit)).await {
        item.unwrap();
    }
    wait::until("all to expire", SOON, async || are_expired(&server).await).await;
    let index = "idx:myapp:crawl:visits";
    assert_eq!(server.cli(&["ZCARD", index]).await.as_int(), 10_000);
    assert_eq!(server.cli(&["ZCARD", &format!("{index}:each:pages")]).await.as_int(), 20_000);

    // The worker has no handlers for this collection, and nobody reads it.
    let worker = worker(&store.repo::<Page>())
        .handle(Page::WORDS, |_item: Item<Page>, _job| async { Ok::<_, String>(7) })
        .collection(&visits)
        .handle(Visit::GREET, |_item: Item<Visit>, _job| async {
            Ok::<_, String>("hello".to_owned())
        })
        .maintenance_interval(Duration::from_millis(50))
        .build()
        .start()
        .unwrap();
    wait::until("nothing to be left", SOON, async || is_empty(&server).await).await;
    assert_eq!(worker.stop().await.finished, 0);
}

#[tokio::test]
async fn several_workers_evict_while_others_create() {
    let (server, repo) = start().await;
    let visits = repo.texts.store().repo::<Visit>();
    let workers = [greeter(&visits), greeter(&visits)].map(|built| built.build().start().unwrap());
    let mut ids = Vec::new();
    for number in 0..500 {
        // Numbers are used again once their items have expired.
        ids.push(visits.create(visit(number)).await.unwrap().id.clone());
        if number % 5 == 0 {
            visits.item(ids.last().unwrap()).greet().enqueue().await.unwrap();
        }
    }
    wait::until("nothing to be left", SOON, async || is_empty(&server).await).await;
    for item in visits.create_many((0..500).map(visit)).await {
        item.unwrap();
    }
    assert_eq!(visits.count().await.unwrap(), 500);
    assert!(visits.verify().await.unwrap().is_clean());
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test]
async fn what_is_derived_from_an_item_lives_on_when_an_update_renews_its_time() {
    let (server, repo) = start().await;
    let visits = repo.texts.store().repo::<Visit>();
    let item = visits.create_with_id("v", visit(1)).await.unwrap();
    let of_item = visits.item("v");
    of_item.length().materialize().await.unwrap();
    of_item.greet().enqueue().await.unwrap();
    of_item.brief().enqueue().await.unwrap();
    of_item.locate().enqueue_in(Duration::from_secs(3600)).await.unwrap();
    for queue in [Queue::new(&visits, Visit::GREET), Queue::new(&visits, Visit::BRIEF)] {
        let taken = queue.take(&TakeOptions::new("tester", 1)).await.unwrap().jobs.pop().unwrap();
        assert!(queue.finish(&taken.claim, &"hello").await.unwrap());
    }
    let key = |kind: &str| format!("myapp:crawl:visits:v:{kind}");
    let left = async |kind: &str| server.cli(&["PTTL", &key(kind)]).await.as_int();
    wait::until("some time to pass", SOON, async || left("latest").await < 2_500).await;
    visits.update(&item, Visit::patch().pages(vec!["about".to_owned()])).await.unwrap();
    let latest = left("latest").await;
    assert!(latest > 2_500);
    for kind in ["mutation:length", "transformation:greet"] {
        let left = left(kind).await;
        assert!((latest - 500..=latest).contains(&left), "{kind} lives {left} of {latest}");
    }
    // A result with a time to live of its own expires at that time.
    assert!(left("transformation:brief").await <= 200);
    assert_eq!(of_item.greet().result().await.unwrap().as_deref(), Some("hello"));
    assert!(of_item.length().cached().await.unwrap().is_some());
    // Everything expires with the item, live jobs as well.
    wait::until("all to expire", SOON, async || are_expired(&server).await).await;
    assert!(visits.item("v").locate().status().await.unwrap().is_none());
}
