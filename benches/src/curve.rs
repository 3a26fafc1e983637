//! Throughput and latency by the number of tasks, for the chart.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::bench::Bench;
use crate::contender::Contender;
use crate::load::Load;
use crate::measure::Spread;
use crate::progress::Progress;
use crate::rows::{Creating, create, get, update};
use crate::settings::Settings;
use crate::side::Side;

/// One operation of one side.
#[derive(Serialize)]
pub(crate) struct Curve {
    pub(crate) operation: Operation,
    pub(crate) side: Side,
    pub(crate) points: Vec<Point>,
}

/// The result for one number of tasks: medians of several rounds.
#[derive(Serialize)]
pub(crate) struct Point {
    pub(crate) tasks: usize,
    pub(crate) per_second: f64,
    pub(crate) median_micros: f64,
    pub(crate) p99_micros: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Get,
    Create,
    Update,
}

pub(crate) const OPERATIONS: [Operation; 3] =
    [Operation::Get, Operation::Create, Operation::Update];
pub(crate) const SIDES: [Side; 3] = [Side::Metastore, Side::Fred, Side::RedisRs];

/// Measures all operations. In each round the sides take turns.
pub(crate) async fn measure(bench: &Bench, settings: &Settings) -> Result<Vec<Curve>> {
    let steps = OPERATIONS.len() * settings.concurrencies.len();
    let progress = Progress::new(steps);
    let mut curves = Vec::new();
    for operation in OPERATIONS {
        let mut of_sides = SIDES.map(|side| Curve { operation, side, points: Vec::new() });
        for &tasks in &settings.concurrencies {
            progress.next(format!("chart: {operation:?}, {tasks} tasks"));
            let mut rounds = SIDES.map(|_| Vec::new());
            // The first round warms up.
            for round in 0..=settings.rounds {
                for (side, loads) in SIDES.into_iter().zip(&mut rounds) {
                    let load = Box::pin(operation.run(bench, side, tasks, settings.time)).await?;
                    if round > 0 {
                        loads.push(load);
                    }
                }
            }
            for (curve, loads) in of_sides.iter_mut().zip(&rounds) {
                curve.points.push(Point::of(tasks, loads));
            }
        }
        curves.extend(of_sides);
    }
    Ok(curves)
}

impl Point {
    fn of(tasks: usize, loads: &[Load]) -> Self {
        let median = |figure: fn(&Load) -> f64| {
            Spread::of(&loads.iter().map(figure).collect::<Vec<_>>()).median
        };
        Self {
            tasks,
            per_second: median(|load| load.per_second()),
            median_micros: median(|load| micros(load.median)),
            p99_micros: median(|load| micros(load.p99)),
        }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

impl Operation {
    async fn run(self, bench: &Bench, side: Side, tasks: usize, time: Duration) -> Result<Load> {
        match side {
            Side::Metastore => Box::pin(self.on(bench, &bench.ours, tasks, time)).await,
            Side::Fred => Box::pin(self.on(bench, &bench.fred, tasks, time)).await,
            Side::RedisRs => Box::pin(self.on(bench, &bench.redis_rs, tasks, time)).await,
            _ => bail!("{side} takes no part in the chart"),
        }
    }

    async fn on<C: Contender>(
        self,
        bench: &Bench,
        side: &C,
        tasks: usize,
        time: Duration,
    ) -> Result<Load> {
        match self {
            Self::Get => get::run(bench, side, tasks, time).await,
            Self::Create => create::run(bench, side, Creating::Plain, tasks, time).await,
            Self::Update => update::run(bench, side, tasks, time).await,
        }
    }
}
