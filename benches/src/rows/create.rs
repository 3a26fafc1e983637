//! Creating: every side validates, encodes and writes document and index entry in one transaction.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::contender::Contender;
use crate::document::Article;
use crate::load::{Load, Task, drive};
use crate::peers::keys;

/// Whether an audit entry is written as well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Creating {
    Plain,
    Audited,
}

struct Create<C> {
    side: C,
    creating: Creating,
    number: u64,
}

impl<C: Contender> Task for Create<C> {
    async fn step(&mut self) -> Result<()> {
        self.number += 1;
        let article = Article::sample(self.number);
        let item = match self.creating {
            Creating::Plain => self.side.create(article).await?,
            Creating::Audited => self.side.create_audited(article).await?,
        };
        ensure!(C::version(&item) == 1, "created at version {}", C::version(&item));
        Ok(())
    }
}

pub(crate) async fn run<C: Contender>(
    bench: &Bench,
    side: &C,
    creating: Creating,
    tasks: usize,
    time: Duration,
) -> Result<Load> {
    bench.empty().await?;
    let tasks = (0..tasks).map(|_| Create { side: side.clone(), creating, number: 0 });
    let load = drive(tasks, time).await?;
    // Each document exists, with its trail if audited, and has its index entry. metastore also has
    // the feed of all entries.
    let (trails, feed) = match creating {
        Creating::Plain => (0, 0),
        Creating::Audited => (load.operations, bench.exists(keys::FEED).await?),
    };
    bench.check_keys(load.operations + trails + feed + 1).await?;
    let indexed = bench.server().cli(&["ZCARD", keys::INDEX]).await.as_int();
    ensure!(u64::try_from(indexed) == Ok(load.operations), "{indexed} entries in the index");
    Ok(load)
}
