//! The table: which row is measured against which side.

use anyhow::Result;

use crate::bench::Bench;
use crate::line::{LeftOut, Line};
use crate::measure::compare;
use crate::progress::Progress;
use crate::row::Row;
use crate::rows::figure;
use crate::settings::Settings;
use crate::side::Side;

/// Every line of the report: the row, the peer, and the goal for the ratio if there is one.
const LINES: [(Row, Side, Option<f64>); 34] = [
    (Row::Get, Side::Fred, Some(1.4)),
    (Row::Get, Side::RedisRs, Some(1.6)),
    (Row::Create, Side::Fred, None),
    (Row::Create, Side::RedisRs, Some(1.8)),
    (Row::CreateAudited, Side::Fred, None),
    (Row::CreateAudited, Side::RedisRs, Some(1.2)),
    (Row::CreateMany, Side::Fred, None),
    (Row::CreateMany, Side::RedisRs, Some(0.9)),
    (Row::CreateMany, Side::Raw, None),
    (Row::Update, Side::Fred, None),
    (Row::Update, Side::RedisRs, Some(1.2)),
    (Row::UpdateById, Side::Fred, None),
    (Row::UpdateById, Side::RedisRs, Some(1.2)),
    (Row::SingleGet, Side::Fred, Some(1.1)),
    (Row::SingleCreate, Side::Fred, Some(1.1)),
    (Row::SingleUpdate, Side::Fred, Some(1.1)),
    (Row::SingleUpdateById, Side::Fred, Some(1.1)),
    (Row::Enqueue, Side::Bullmq, Some(3.0)),
    (Row::Process, Side::Bullmq, Some(3.5)),
    (Row::Process, Side::Apalis, Some(5.5)),
    (Row::Process, Side::BullmqNode, Some(3.5)),
    (Row::Process, Side::Fred, None),
    (Row::Process, Side::RedisRs, Some(0.85)),
    (Row::Process, Side::Raw, None),
    (Row::Start, Side::Bullmq, Some(0.9)),
    (Row::Start, Side::Raw, None),
    (Row::IdleWorkers, Side::Fewer, None),
    (Row::IdleWorkersCalls, Side::Fewer, Some(1.5)),
    (Row::Backlog, Side::Fewer, Some(1.15)),
    (Row::Page, Side::Fewer, Some(1.3)),
    (Row::Memory, Side::RedisRs, Some(1.25)),
    (Row::WaitingMemory, Side::Bullmq, Some(0.7)),
    (Row::FinishedMemory, Side::Bullmq, Some(0.7)),
    (Row::Check, Side::Structs, Some(2.0)),
];

/// Measures the selected rows, and reports why it cannot measure one.
pub(crate) async fn measure_all(
    bench: &Bench,
    settings: &Settings,
) -> Result<(Vec<Line>, Vec<LeftOut>)> {
    let chosen: Vec<_> = LINES
        .into_iter()
        .filter(|(row, peer, _)| settings.rows.contains(row) && settings.peers.contains(peer))
        .collect();
    let progress = Progress::new(chosen.len());
    let (mut lines, mut left_out) = (Vec::new(), Vec::new());
    for (row, peer, goal) in chosen {
        let name = settings.name_of(row);
        progress.next(format!("{name} against {peer}"));
        if let Err(reason) = bench.make_ready(peer).await {
            let reason = format!("{reason:#}");
            progress.say(format!("{name} against {peer} is left out: {reason}"));
            left_out.push(LeftOut { name, peer_name: peer, reason });
            continue;
        }
        let measured = compare(
            settings.pairs_of(row),
            |pair| progress.pair(pair, settings.pairs_of(row)),
            async || figure(row, Side::Metastore, peer, bench, settings).await,
            async || figure(row, peer, peer, bench, settings).await,
        )
        .await?;
        let line = Line::new(name, row.unit(), peer, goal, &measured);
        progress.say(line.to_string());
        lines.push(line);
    }
    Ok((lines, left_out))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_row_has_a_line() {
        for row in Row::value_variants() {
            assert!(LINES.iter().any(|(of, ..)| of == row), "{row:?}");
        }
    }
}
