//! Creating: every side validates, encodes and writes document and index entry in one transaction.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::contender::Contender;
use crate::document::Article;
use crate::load::{Load, Task, drive};
use crate::peers::keys;

struct Create<C> {
    side: C,
    number: u64,
}

impl<C: Contender> Task for Create<C> {
    async fn step(&mut self) -> Result<()> {
        self.number += 1;
        let item = self.side.create(Article::sample(self.number)).await?;
        ensure!(C::version(&item) == 1, "created at version {}", C::version(&item));
        Ok(())
    }
}

pub(crate) async fn run<C: Contender>(
    bench: &Bench,
    side: &C,
    tasks: usize,
    time: Duration,
) -> Result<Load> {
    bench.empty().await?;
    let tasks = (0..tasks).map(|_| Create { side: side.clone(), number: 0 });
    let load = drive(tasks, time).await?;
    // Each document is there, and each has its entry in the index.
    bench.check_keys(load.operations + 1).await?;
    let indexed = bench.server().cli(&["ZCARD", keys::INDEX]).await.as_int();
    ensure!(u64::try_from(indexed) == Ok(load.operations), "{indexed} entries in the index");
    Ok(load)
}
