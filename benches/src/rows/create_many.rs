//! Creating many: one caller hands over thousands, which go in atomic steps of a hundred.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::contender::Contender;
use crate::document::Article;
use crate::load::{Load, Task, drive};
use crate::peers::keys;

/// How many documents one call creates.
const CALL: u64 = 2_000;

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

pub(crate) async fn run<C: Contender>(bench: &Bench, side: &C, time: Duration) -> Result<Load> {
    bench.empty().await?;
    let load = drive([CreateMany { side: side.clone(), number: 0 }], time).await?;
    let documents = load.operations * CALL;
    bench.check_keys(documents + 1).await?;
    let indexed = bench.server().cli(&["ZCARD", keys::INDEX]).await.as_int();
    ensure!(u64::try_from(indexed) == Ok(documents), "{indexed} entries in the index");
    Ok(Load { operations: documents, ..load })
}
