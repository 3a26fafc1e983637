//! metastore itself, used as its documentation says.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use metastore::{Collection, Item, Repo, Store};
use metastore_worker::Worker;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::contender::{CONCURRENCY, Contender};
use crate::document::Article;

/// A worker that has not come to its end by then never will.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Metastore {
    articles: Repo<Article>,
}

impl Metastore {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        Ok(Self { articles: Store::connect(url).await?.repo() })
    }
}

impl Contender for Metastore {
    const NAME: &'static str = "metastore";
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
        // Stopping waits until the last results are stored, so it belongs to the time.
        let report = worker.stop().await;
        let elapsed = start.elapsed();
        ended.with_context(|| format!("not done within {PATIENCE:?}: {report:?}"))?;
        ensure!(report.finished == jobs as u64, "the worker reports {report:?}");
        Ok(elapsed)
    }
}
