//! The server and the sides that the rows measure.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use futures_util::TryStreamExt;
use metastore::{Repo, Store};
use metastore_tests::{Reply, Server};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::contender::Contender;
use crate::document::Article;
use crate::generated::Generated;
use crate::load::prepare;
use crate::ours::Metastore;
use crate::peers::{External, Fred, RedisRs};
use crate::side::Side;

/// A private server without persistence, with one connection for each side.
pub(crate) struct Bench {
    // Dropped first, while their server still runs.
    pub(crate) ours: Metastore,
    pub(crate) fred: Fred,
    pub(crate) redis_rs: RedisRs,
    externals: Mutex<HashMap<Side, External>>,
    server: Server,
    crowds: Mutex<HashMap<usize, Arc<Crowd>>>,
    pub(crate) generated: OnceCell<Generated>,
    /// The directory of builds.
    directory: PathBuf,
}

/// Very many items on a server of their own, created once and used by several runs.
pub(crate) struct Crowd {
    pub(crate) articles: Repo<Article>,
    pub(crate) ids: Vec<String>,
    /// Set when the jobs of the long backlog have been requested.
    pub(crate) backlog: OnceCell<()>,
    _server: Server,
}

impl Crowd {
    async fn gather(items: usize) -> Result<Self> {
        let server = Server::start().await;
        let articles: Repo<Article> = Store::connect(server.url()).await?.repo();
        let samples = (0..items as u64).map(Article::sample);
        let ids = articles
            .create_many(samples)
            .chunk(1_000)
            .stream()
            .map_ok(|item| item.id.as_str().to_owned())
            .try_collect()
            .await?;
        Ok(Self { articles, ids, backlog: OnceCell::new(), _server: server })
    }

    pub(crate) fn ours(&self) -> Metastore {
        Metastore::of(self.articles.clone())
    }
}

impl Bench {
    pub(crate) async fn start(directory: &Path) -> Result<Self> {
        let server = Server::start().await;
        let url = server.url();
        Ok(Self {
            ours: Metastore::connect(&url).await?,
            fred: Fred::connect(&url).await?,
            redis_rs: RedisRs::connect(&url).await?,
            externals: Mutex::default(),
            server,
            crowds: Mutex::default(),
            generated: OnceCell::new(),
            directory: directory.to_owned(),
        })
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Starts the program of a side that has one; the error says why it cannot run here.
    pub(crate) async fn make_ready(&self, side: Side) -> Result<()> {
        let mut externals = self.externals.lock().await;
        if matches!(side, Side::Bullmq | Side::BullmqNode | Side::Apalis)
            && !externals.contains_key(&side)
        {
            let program = External::start(side, &self.server.url(), &self.directory).await?;
            externals.insert(side, program);
        }
        Ok(())
    }

    /// The program of a side that has one, with the server empty.
    pub(crate) async fn external(
        &self,
        side: Side,
    ) -> Result<impl std::ops::DerefMut<Target = External>> {
        self.empty().await?;
        let externals = self.externals.lock().await;
        ensure!(externals.contains_key(&side), "{side} is not started");
        MutexGuard::try_map(externals, |externals| externals.get_mut(&side))
            .ok()
            .context("it has just been there")
    }

    /// Items on a server of their own, as many as asked for.
    pub(crate) async fn crowd(&self, items: usize) -> Result<Arc<Crowd>> {
        let mut crowds = self.crowds.lock().await;
        if let Some(crowd) = crowds.get(&items) {
            return Ok(crowd.clone());
        }
        let crowd = Arc::new(Crowd::gather(items).await?);
        crowds.insert(items, crowd.clone());
        Ok(crowd)
    }

    /// 1 if the key exists, or else 0.
    pub(crate) async fn exists(&self, key: &str) -> Result<u64> {
        Ok(u64::try_from(self.server.cli(&["EXISTS", key]).await.as_int())?)
    }

    /// The memory in use by the server without the buffers of its clients, which change all the
    /// time.
    pub(crate) async fn used_memory(&self) -> Result<u64> {
        let info = self.server.cli(&["INFO", "memory"]).await;
        let field = |name: &str| -> Result<u64> {
            let line = info.as_str().lines().find_map(|line| line.strip_prefix(name));
            Ok(line.context("the server does not tell its memory")?.trim().parse()?)
        };
        Ok(field("used_memory:")?.saturating_sub(field("mem_clients_normal:")?))
    }

    /// How many scripts and functions clients have called on the server.
    pub(crate) async fn script_calls(&self) -> u64 {
        let counts = self.server.command_counts().await;
        let is_script = |name: &str| name.starts_with("eval") || name.starts_with("fcall");
        counts.iter().filter(|(name, _)| is_script(name)).map(|(_, calls)| calls).sum()
    }

    /// Empties the server.
    pub(crate) async fn empty(&self) -> Result<()> {
        let reply = self.server.cli(&["FLUSHALL", "SYNC"]).await;
        ensure!(reply == Reply::Simple("OK".to_owned()), "FLUSHALL: {reply:?}");
        Ok(())
    }

    /// Empties the server and creates items at version 1, the same for every side.
    pub(crate) async fn fill(&self, count: usize) -> Result<Vec<String>> {
        self.empty().await?;
        let ids = prepare((0..count as u64).map(|number| {
            let ours = self.ours.clone();
            async move {
                let item = ours.create(Article::sample(number)).await?;
                Ok(Metastore::id(&item).to_owned())
            }
        }))
        .await?;
        self.check_keys(count as u64 + 1).await?;
        Ok(ids)
    }

    /// Fails a run that left another number of keys than its work should.
    pub(crate) async fn check_keys(&self, expected: u64) -> Result<()> {
        let found = self.server.dbsize().await;
        ensure!(u64::try_from(found) == Ok(expected), "{found} keys, expected {expected}");
        Ok(())
    }
}
