//! The server memory of an item: a small document at version 1, with its index entry. The
//! hand-written code has a key of the same length and the document without a header as its value.

use anyhow::{Result, bail, ensure};

use crate::bench::Bench;
use crate::contender::Contender;
use crate::document::Article;
use crate::load::prepare;
use crate::settings::Settings;
use crate::side::Side;

#[allow(clippy::cast_precision_loss, reason = "no server has 2^52 bytes")]
pub(crate) async fn run(bench: &Bench, side: Side, settings: &Settings) -> Result<f64> {
    let items = settings.few as u64;
    // The first ones enlarge buffers and load scripts.
    store(bench, side, 256).await?;
    bench.empty().await?;
    let before = bench.used_memory().await?;
    store(bench, side, items).await?;
    let after = bench.used_memory().await?;
    bench.check_keys(items + 1).await?;
    ensure!(after > before, "{after} bytes after {before}");
    Ok((after - before) as f64 / items as f64)
}

async fn store(bench: &Bench, side: Side, items: u64) -> Result<()> {
    let articles = (0..items).map(Article::sample);
    match side {
        Side::Metastore => {
            let ours = &bench.ours;
            prepare(articles.map(|article| {
                let ours = ours.clone();
                async move { ours.create(article).await.map(drop) }
            }))
            .await?;
        }
        Side::RedisRs => {
            let peer = &bench.redis_rs;
            prepare(articles.map(|article| {
                let peer = peer.clone();
                async move { peer.store_plain(article).await }
            }))
            .await?;
        }
        _ => bail!("takes no part in this row"),
    }
    Ok(())
}
