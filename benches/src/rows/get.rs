//! Reading: each task goes through the documents in turn.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::contender::Contender;
use crate::load::{Load, Task, drive};

/// More than the tasks, so that no two of them read the same document for long.
const DOCUMENTS: usize = 1_000;

struct Get<C> {
    side: C,
    ids: Arc<[String]>,
    next: usize,
}

impl<C: Contender> Task for Get<C> {
    async fn step(&mut self) -> Result<()> {
        let id = &self.ids[self.next % self.ids.len()];
        self.next += 1;
        let item = self.side.get(id).await?;
        ensure!(C::id(&item) == id, "asked for {id}, got {}", C::id(&item));
        Ok(())
    }
}

pub(crate) async fn run<C: Contender>(
    bench: &Bench,
    side: &C,
    tasks: usize,
    time: Duration,
) -> Result<Load> {
    let ids: Arc<[String]> = bench.fill(DOCUMENTS).await?.into();
    let tasks = (0..tasks).map(|task| Get {
        side: side.clone(),
        ids: ids.clone(),
        // Far apart, so that the tasks do not read the same documents at the same time.
        next: task * 389,
    });
    drive(tasks, time).await
}
