//! Hand-written code on fred: one shared client, raw commands in a pipeline for the transaction,
//! since fred's own transactions are several times slower on a shared client.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fred::clients::Client;
use fred::interfaces::{
    ClientLike, KeysInterface, ListInterface, SortedSetsInterface, StreamsInterface,
};
use fred::types::config::Config;
use fred::types::{Builder, ClusterHash, CustomCommand, Value};
use fred::util::sha1_hash;

use super::bulk::by_hundreds;
use super::stored::Stored;
use super::worker::{Finished, Queue, work};
use super::{ATTEMPTS, REPLY_TIMEOUT, STEP, UPDATE, keys};
use crate::contender::Contender;
use crate::document::Article;

#[derive(Clone)]
pub(crate) struct Fred {
    client: Client,
    update: String,
    step: String,
}

impl Fred {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let client = Builder::from_config(Config::from_url(url)?)
            .with_connection_config(|config| config.tcp.nodelay = Some(true))
            .with_performance_config(|config| config.default_command_timeout = REPLY_TIMEOUT)
            .build()?;
        client.init().await?;
        let peer = Self { client, update: sha1_hash(UPDATE), step: sha1_hash(STEP) };
        for script in [UPDATE, STEP] {
            let _: Value = peer.client.custom(command("SCRIPT"), vec!["LOAD", script]).await?;
        }
        Ok(peer)
    }
}

fn command(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, ClusterHash::FirstKey, false)
}

impl Contender for Fred {
    type Item = Stored;

    fn id(item: &Stored) -> &str {
        &item.id
    }

    fn version(item: &Stored) -> u64 {
        item.version
    }

    async fn get(&self, id: &str) -> Result<Stored> {
        let json: Option<Value> = self.client.get(keys::latest(id)).await?;
        let json = json.and_then(Value::into_bytes).context("there is no such item")?;
        Ok(serde_json::from_slice(&json)?)
    }

    async fn create(&self, article: Article) -> Result<Stored> {
        let stored = Stored::first(article)?;
        self.add(std::slice::from_ref(&stored), false).await?;
        Ok(stored)
    }

    async fn create_audited(&self, article: Article) -> Result<Stored> {
        let stored = Stored::first(article)?;
        self.add(std::slice::from_ref(&stored), true).await?;
        Ok(stored)
    }

    async fn create_many(&self, articles: Vec<Article>) -> Result<usize> {
        by_hundreds(self, articles, |peer, stored| async move { peer.add(&stored, false).await })
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
        let _: i64 = self.client.rpush(keys::WAITING, id).await?;
        Ok(())
    }

    async fn process(&self, _jobs: usize) -> Result<Duration> {
        work(self).await
    }
}

impl Fred {
    /// Adds new items in one step.
    async fn add(&self, items: &[Stored], audited: bool) -> Result<()> {
        let transaction = self.client.pipeline();
        let none: Vec<Value> = Vec::new();
        // In a pipeline these only queue. Only MULTI and EXEC are raw, since fred has no others for
        // a shared client, and it writes to the socket after each raw command instead of waiting
        // for the next one.
        let _: Value = transaction.custom(command("MULTI"), none.clone()).await?;
        if let [item] = items {
            let json = serde_json::to_string(item)?;
            let _: Value = transaction.set(keys::latest(&item.id), json, None, None, false).await?;
        } else {
            let pair = |item: &Stored| Ok((keys::latest(&item.id), serde_json::to_string(item)?));
            let pairs = items.iter().map(pair).collect::<Result<HashMap<_, _>>>()?;
            transaction.mset(pairs).await?;
        }
        #[allow(clippy::cast_precision_loss, reason = "milliseconds stay below 2^52")]
        let entries: Vec<(f64, &str)> =
            items.iter().map(|item| (item.created as f64, item.id.as_str())).collect();
        let _: Value = transaction.zadd(keys::INDEX, None, None, false, false, entries).await?;
        if audited {
            for item in items {
                let (trail, entry) = (keys::trail(&item.id), item.audit_entry());
                let _: Value = transaction.xadd(trail, false, None, "*", entry.to_vec()).await?;
            }
        }
        let _: Value = transaction.custom(command("EXEC"), none).await?;
        let replies: Value = transaction.last().await?;
        ensure!(replies.is_array(), "EXEC: {replies:?}");
        Ok(())
    }

    /// Writes the next version; `None` if another write came first.
    async fn write(&self, item: &Stored, content: String) -> Result<Option<Stored>> {
        let next = item.next(content)?;
        let args: Vec<Value> = vec![
            self.update.as_str().into(),
            2.into(),
            keys::latest(&item.id).into(),
            keys::version(&item.id, item.version).into(),
            item.guard().into(),
            serde_json::to_string(&next)?.into(),
        ];
        let written: i64 = self.client.custom(command("EVALSHA"), args).await?;
        Ok((written == 1).then_some(next))
    }
}

impl Queue for Fred {
    async fn step(&self, finished: Option<Finished>) -> Result<Option<(String, Vec<u8>)>> {
        let (id, result) = finished.map(|job| (job.id, job.result)).unwrap_or_default();
        let args: Vec<Value> = vec![
            self.step.as_str().into(),
            2.into(),
            keys::WAITING.into(),
            keys::RUNNING.into(),
            keys::PREFIX.into(),
            id.into(),
            result.into(),
        ];
        Ok(self.client.custom(command("EVALSHA"), args).await?)
    }
}
