//! Updating by id: each task updates an item of its own, which has to be read first.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::contender::Contender;
use crate::document::Article;
use crate::load::{Load, Task, drive};

struct UpdateById<C> {
    side: C,
    id: String,
    version: u64,
}

impl<C: Contender> Task for UpdateById<C> {
    async fn step(&mut self) -> Result<()> {
        let content = Article::content(self.version);
        let item = self.side.update_by_id(&self.id, content).await?;
        self.version += 1;
        let written = C::version(&item);
        ensure!(written == self.version, "wrote version {written}, expected {}", self.version);
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
    let items = ids.len() as u64;
    let tasks = ids.into_iter().map(|id| UpdateById { side: side.clone(), id, version: 1 });
    let load = drive(tasks, time).await?;
    // The items, the index, and one superseded version for each update.
    bench.check_keys(items + 1 + load.operations).await?;
    Ok(load)
}
