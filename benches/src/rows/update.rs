//! Updating with the item in hand: each task writes version after version of an item of its own.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::contender::Contender;
use crate::document::Article;
use crate::load::{Load, Task, drive, prepare};

struct Update<C: Contender> {
    side: C,
    item: C::Item,
}

impl<C: Contender> Task for Update<C> {
    async fn step(&mut self) -> Result<()> {
        let version = C::version(&self.item);
        self.item = self.side.update(&self.item, Article::content(version)).await?;
        let written = C::version(&self.item);
        ensure!(written == version + 1, "wrote version {written} after {version}");
        Ok(())
    }
}

pub(crate) async fn run<C: Contender>(
    bench: &Bench,
    side: &C,
    tasks: usize,
    time: Duration,
) -> Result<Load> {
    let ids = bench.fill(tasks).await?;
    let tasks = prepare(ids.into_iter().map(|id| {
        let side = side.clone();
        async move { Ok(Update { item: side.get(&id).await?, side }) }
    }))
    .await?;
    let items = tasks.len() as u64;
    let load = drive(tasks, time).await?;
    // The items, the index, and one superseded version for each update.
    bench.check_keys(items + 1 + load.operations).await?;
    Ok(load)
}
