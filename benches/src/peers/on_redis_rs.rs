//! Hand-written code on redis-rs: one multiplexed connection, `pipe().atomic()` and `Script`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncCommands, AsyncConnectionConfig, Client, IntoConnectionInfo, Script};

use super::bulk::by_hundreds;
use super::stored::Stored;
use super::worker::{Finished, Queue, work};
use super::{ATTEMPTS, REPLY_TIMEOUT, STEP, UPDATE, keys};
use crate::contender::Contender;
use crate::document::Article;

#[derive(Clone)]
pub(crate) struct RedisRs {
    connection: MultiplexedConnection,
    update: Arc<Script>,
    step: Arc<Script>,
}

impl RedisRs {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let tcp = TcpSettings::default().set_nodelay(true);
        let client = Client::open(url.into_connection_info()?.set_tcp_settings(tcp))?;
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(REPLY_TIMEOUT))
            // The default of 50 commands is meant for few callers at once.
            .set_pipeline_buffer_size(1_024);
        let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let (update, step) = (Arc::new(Script::new(UPDATE)), Arc::new(Script::new(STEP)));
        Ok(Self { connection, update, step })
    }
}

impl Contender for RedisRs {
    type Item = Stored;

    fn id(item: &Stored) -> &str {
        &item.id
    }

    fn version(item: &Stored) -> u64 {
        item.version
    }

    async fn get(&self, id: &str) -> Result<Stored> {
        let json: Option<Vec<u8>> = self.connection.clone().get(keys::latest(id)).await?;
        Ok(serde_json::from_slice(&json.context("there is no such item")?)?)
    }

    async fn create(&self, article: Article) -> Result<Stored> {
        let stored = Stored::first(article)?;
        redis::pipe()
            .atomic()
            .set(keys::latest(&stored.id), serde_json::to_vec(&stored)?)
            .ignore()
            .zadd(keys::INDEX, &stored.id, stored.created)
            .ignore()
            .exec_async(&mut self.connection.clone())
            .await?;
        Ok(stored)
    }

    async fn create_audited(&self, article: Article) -> Result<Stored> {
        let stored = Stored::first(article)?;
        redis::pipe()
            .atomic()
            .set(keys::latest(&stored.id), serde_json::to_vec(&stored)?)
            .ignore()
            .zadd(keys::INDEX, &stored.id, stored.created)
            .ignore()
            .xadd(keys::trail(&stored.id), "*", &stored.audit_entry())
            .ignore()
            .exec_async(&mut self.connection.clone())
            .await?;
        Ok(stored)
    }

    async fn create_many(&self, articles: Vec<Article>) -> Result<usize> {
        by_hundreds(self, articles, |peer, stored| async move {
            let pair = |item: &Stored| Ok((keys::latest(&item.id), serde_json::to_vec(item)?));
            let pairs = stored.iter().map(pair).collect::<Result<Vec<_>>>()?;
            let entries: Vec<_> = stored.iter().map(|item| (item.created, &item.id)).collect();
            redis::pipe()
                .atomic()
                .mset(&pairs)
                .ignore()
                .zadd_multiple(keys::INDEX, &entries)
                .ignore()
                .exec_async(&mut peer.connection.clone())
                .await?;
            Ok(())
        })
        .await
    }

    async fn update(&self, item: &Stored, content: String) -> Result<Stored> {
        match self.write(item, content).await? {
            Some(next) => Ok(next),
            None => bail!("conflict: {} is no longer at version {}", item.id, item.version),
        }
    }

    async fn update_by_id(&self, id: &str, content: String) -> Result<Stored> {
        for _ in 0..ATTEMPTS {
            let item = self.get(id).await?;
            if let Some(next) = self.write(&item, content.clone()).await? {
                return Ok(next);
            }
        }
        bail!("conflict: {id} was updated by others {ATTEMPTS} times")
    }

    async fn enqueue(&self, id: &str) -> Result<()> {
        let _: i64 = self.connection.clone().rpush(keys::WAITING, id).await?;
        Ok(())
    }

    async fn process(&self, _jobs: usize) -> Result<Duration> {
        work(self).await
    }
}

impl RedisRs {
    /// Stores a document without a header, and its index entry.
    pub(crate) async fn store_plain(&self, article: Article) -> Result<()> {
        let stored = Stored::first(article)?;
        redis::pipe()
            .atomic()
            .set(keys::latest(&stored.id), serde_json::to_vec(&stored.data)?)
            .ignore()
            .zadd(keys::INDEX, &stored.id, stored.created)
            .ignore()
            .exec_async(&mut self.connection.clone())
            .await?;
        Ok(())
    }

    /// Writes the next version; `None` if another write came first.
    async fn write(&self, item: &Stored, content: String) -> Result<Option<Stored>> {
        let next = item.next(content)?;
        let written: i64 = self
            .update
            .key(keys::latest(&item.id))
            .key(keys::version(&item.id, item.version))
            .arg(item.guard())
            .arg(serde_json::to_vec(&next)?)
            .invoke_async(&mut self.connection.clone())
            .await?;
        Ok((written == 1).then_some(next))
    }
}

impl Queue for RedisRs {
    async fn step(&self, finished: Option<Finished>) -> Result<Option<(String, Vec<u8>)>> {
        let (id, result) = finished.map(|job| (job.id, job.result)).unwrap_or_default();
        let taken = self
            .step
            .key(keys::WAITING)
            .key(keys::RUNNING)
            .arg(keys::PREFIX)
            .arg(id)
            .arg(result)
            .invoke_async(&mut self.connection.clone())
            .await?;
        Ok(taken)
    }
}
