//! The server and the sides, and the rows measured one after the other.

use anyhow::{Result, ensure};
use metastore_tests::{Reply, Server};

use crate::cli::Settings;
use crate::contender::Contender;
use crate::document::Article;
use crate::line::Line;
use crate::load::prepare;
use crate::measure::{Comparison, compare};
use crate::ours::Metastore;
use crate::peers::{Fred, PeerName, RedisRs};
use crate::rows::Plan;

/// A private server that keeps nothing on disk, with one connection to it for each side.
pub(crate) struct Bench {
    // Dropped first, while their server still answers.
    ours: Metastore,
    fred: Fred,
    redis_rs: RedisRs,
    server: Server,
}

impl Bench {
    pub(crate) async fn start() -> Result<Self> {
        let server = Server::start().await;
        let url = server.url();
        Ok(Self {
            ours: Metastore::connect(&url).await?,
            fred: Fred::connect(&url).await?,
            redis_rs: RedisRs::connect(&url).await?,
            server,
        })
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) async fn measure_all(&self, settings: &Settings) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        for &row in &settings.rows {
            for plan in Plan::all(row, settings) {
                for &peer in &settings.peers {
                    let measured = match peer {
                        PeerName::Fred => {
                            Box::pin(self.measure(&plan, settings.runs, &self.fred)).await?
                        }
                        PeerName::RedisRs => {
                            Box::pin(self.measure(&plan, settings.runs, &self.redis_rs)).await?
                        }
                    };
                    let line = Line::new(plan.name(), plan.unit(), peer, &measured);
                    eprintln!("{line}");
                    lines.push(line);
                }
            }
        }
        Ok(lines)
    }

    async fn measure<C: Contender>(
        &self,
        plan: &Plan,
        runs: usize,
        peer: &C,
    ) -> Result<Comparison> {
        compare(
            plan.unit(),
            runs,
            async || Box::pin(plan.run(self, &self.ours)).await,
            async || plan.run(self, peer).await,
        )
        .await
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

    /// Refuses a run that has left another number of keys behind than its work would.
    pub(crate) async fn check_keys(&self, expected: u64) -> Result<()> {
        let found = self.server.dbsize().await;
        ensure!(u64::try_from(found) == Ok(expected), "{found} keys, expected {expected}");
        Ok(())
    }
}
