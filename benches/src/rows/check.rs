//! The cost of the derive at compile time: `cargo check` of a crate that contains only collections,
//! compared with the same structs with the derives of serde and validator only. Dependencies are
//! checked beforehand and do not count.

use std::time::Instant;

use anyhow::{Result, bail};
use tokio::fs;

use crate::bench::Bench;
use crate::generated::Generated;
use crate::settings::Settings;
use crate::side::Side;

pub(crate) async fn run(bench: &Bench, side: Side, settings: &Settings) -> Result<f64> {
    let write = || Generated::write(bench.directory(), settings.structs);
    let generated = bench.generated.get_or_try_init(write).await?;
    let name = match side {
        Side::Metastore => "collections",
        Side::Structs => "structs",
        _ => bail!("takes no part in this row"),
    };
    // cargo checks again what is newer than its last check.
    let source = generated.directory.join(name).join("src/lib.rs");
    let text = fs::read(&source).await?;
    fs::write(&source, text).await?;
    let start = Instant::now();
    generated.check(name).await?;
    Ok(start.elapsed().as_secs_f64())
}
