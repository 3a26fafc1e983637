//! Bulk creation: one caller passes thousands of documents, which are created in atomic steps of a
//! hundred.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::task::spawn_blocking;

use crate::bench::Bench;
use crate::contender::Contender;
use crate::document::Article;
use crate::load::{Load, Task, drive};
use crate::peers::{keys, raw};

/// How many documents one call creates.
const CALL: u64 = 2_000;

/// How many documents are written through a bare socket, all encoded in advance.
const RAW: u64 = 100_000;

struct CreateMany<C> {
    side: C,
    number: u64,
}

impl<C: Contender> Task for CreateMany<C> {
    async fn step(&mut self) -> Result<()> {
        let articles = (self.number..self.number + CALL).map(Article::sample).collect();
        self.number += CALL;
        let created = self.side.create_many(articles).await?;
        ensure!(created as u64 == CALL, "created {created} of {CALL}");
        Ok(())
    }
}

/// Through a bare socket.
pub(crate) async fn run_raw(bench: &Bench) -> Result<f64> {
    bench.empty().await?;
    let port = bench.server().port();
    let elapsed = spawn_blocking(move || raw::create_many(port, RAW)).await??;
    bench.check_keys(RAW + 1).await?;
    Ok(Load::total(RAW, elapsed).per_second())
}

pub(crate) async fn run<C: Contender>(bench: &Bench, side: &C, time: Duration) -> Result<Load> {
    bench.empty().await?;
    let load = drive([CreateMany { side: side.clone(), number: 0 }], time).await?;
    let documents = load.operations * CALL;
    bench.check_keys(documents + 1).await?;
    let indexed = bench.server().cli(&["ZCARD", keys::INDEX]).await.as_int();
    ensure!(u64::try_from(indexed) == Ok(documents), "{indexed} entries in the index");
    Ok(Load { operations: documents, ..load })
}
