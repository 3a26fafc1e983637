//! metastore, used as documented.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use metastore::queue::Queue;
use metastore::{Collection, EnqueueOptions, Item, Repo, Store};
use metastore_worker::Worker;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::contender::{CONCURRENCY, Contender};
use crate::document::Article;
use crate::load::prepare;

/// A worker that has not finished by then never will.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Metastore {
    articles: Repo<Article>,
    audited: Repo<Article>,
}

impl Metastore {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let audited = Store::options().audit(true).connect(url).await?.repo();
        Ok(Self { articles: Store::connect(url).await?.repo(), audited })
    }
}

impl Contender for Metastore {
    type Item = Item<Article>;

    fn id(item: &Item<Article>) -> &str {
        item.id.as_str()
    }

    fn version(item: &Item<Article>) -> u64 {
        item.version
    }

    async fn get(&self, id: &str) -> Result<Item<Article>> {
        self.articles.get(id).await?.context("there is no such item")
    }

    async fn create(&self, article: Article) -> Result<Item<Article>> {
        Ok(self.articles.create(article).await?)
    }

    async fn create_audited(&self, article: Article) -> Result<Item<Article>> {
        Ok(self.audited.create(article).await?)
    }

    async fn create_many(&self, articles: Vec<Article>) -> Result<usize> {
        let created = self.articles.create_many(articles).await;
        Ok(created.into_iter().collect::<metastore::Result<Vec<_>>>()?.len())
    }

    async fn update(&self, item: &Item<Article>, content: String) -> Result<Item<Article>> {
        Ok(self.articles.update(item, Article::patch().content(content)).await?)
    }

    async fn update_by_id(&self, id: &str, content: String) -> Result<Item<Article>> {
        Ok(self.articles.update(id, Article::patch().content(content)).await?)
    }

    async fn enqueue(&self, id: &str) -> Result<()> {
        self.articles.item(id).digest().enqueue().await?;
        Ok(())
    }

    async fn process(&self, jobs: usize) -> Result<Duration> {
        let (finished, elapsed) = self.process_some(jobs).await?;
        ensure!(finished == jobs as u64, "{finished} of {jobs} jobs are done");
        Ok(elapsed)
    }
}

impl Metastore {
    pub(crate) fn of(articles: Repo<Article>) -> Self {
        Self { audited: articles.clone(), articles }
    }

    pub(crate) fn articles(&self) -> &Repo<Article> {
        &self.articles
    }

    /// Requests a job on each of these items, many in one round trip. Not timed.
    pub(crate) async fn enqueue_all(&self, ids: &[String]) -> Result<()> {
        for ids in ids.chunks(10_000) {
            let options = EnqueueOptions::new();
            for job in self.articles.enqueue_many(Article::DIGEST, ids, options).await? {
                job?;
            }
        }
        Ok(())
    }

    /// How many jobs wait.
    pub(crate) async fn waiting(&self) -> Result<u64> {
        Ok(Queue::new(&self.articles, Article::DIGEST).stats().await?.waiting)
    }

    /// Fails unless each of these items has a result and the queue is empty.
    pub(crate) async fn check_processed(&self, ids: &[String]) -> Result<()> {
        let results = prepare(ids.iter().map(|id| {
            let (articles, id) = (self.articles.clone(), id.clone());
            async move { Ok(articles.item(&id).digest().result().await?) }
        }));
        let (jobs, results) = (ids.len(), results.await?.into_iter().flatten().count());
        ensure!(results == jobs, "{results} results of {jobs} jobs");
        let queue = Queue::new(&self.articles, Article::DIGEST).stats().await?;
        let left = queue.waiting + queue.delayed + queue.running + queue.dead;
        ensure!(left == 0, "jobs are left: {queue:?}");
        Ok(())
    }

    /// Processes at least this many of the waiting jobs, [`CONCURRENCY`] at once. Returns how many,
    /// and the time from the start until the last result is stored.
    pub(crate) async fn process_some(&self, jobs: usize) -> Result<(u64, Duration)> {
        let (handled, all) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let last = all.clone();
        let worker = Worker::builder(&self.articles)
            .handle(Article::DIGEST, move |_item: Item<Article>, _job| {
                if handled.fetch_add(1, Ordering::Relaxed) + 1 == jobs {
                    last.notify_one();
                }
                async { Ok::<_, Infallible>(0) }
            })
            .concurrency(CONCURRENCY)
            .build();
        let start = Instant::now();
        let worker = worker.start()?;
        let ended = timeout(PATIENCE, all.notified()).await;
        // Stopping waits until the last results are stored, so it is part of the time.
        let report = worker.stop().await;
        let elapsed = start.elapsed();
        ended.with_context(|| format!("not done within {PATIENCE:?}: {report:?}"))?;
        ensure!(report.finished >= jobs as u64, "the worker reports {report:?}");
        Ok((report.finished, elapsed))
    }
}
