//! A page of 50 in the middle of all items, reached by a cursor. Its cost should not depend on the
//! number of items.

use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::bench::Bench;
use crate::settings::Settings;
use crate::side::Side;

const PAGE: usize = 50;

pub(crate) async fn run(bench: &Bench, side: Side, settings: &Settings) -> Result<f64> {
    let items = match side {
        Side::Metastore => settings.many,
        Side::Fewer => settings.few,
        _ => bail!("takes no part in this row"),
    };
    let crowd = bench.crowd(items).await?;
    let start_of = || crowd.articles.list().limit(PAGE).offset(items / 2 - PAGE);
    let Some(mut cursor) = start_of().page().await?.next else { bail!("there is only one page") };
    let (mut pages, mut elapsed) = (0_u32, std::time::Duration::ZERO);
    while elapsed < settings.time {
        let start = Instant::now();
        let page = crowd.articles.list().limit(PAGE).after(&cursor).page().await?;
        elapsed += start.elapsed();
        pages += 1;
        ensure!(page.items.len() == PAGE, "{} items on a page", page.items.len());
        cursor = match page.next {
            Some(next) => next,
            // At the end: continue in the middle.
            None => match start_of().page().await?.next {
                Some(next) => next,
                None => bail!("there is only one page"),
            },
        };
    }
    Ok(elapsed.as_secs_f64() * 1e6 / f64::from(pages))
}
