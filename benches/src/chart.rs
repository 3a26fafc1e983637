//! The chart: for each operation the throughput on the left and the latency on the right, by the
//! number of tasks. Both axes are logarithmic, and the logarithms are computed here: the library's
//! own logarithmic axes loop forever for some ranges.

use anyhow::{Result, anyhow};
use plotters::backend::SVGBackend;
use plotters::chart::{ChartBuilder, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea as _};
use plotters::element::{Circle, PathElement};
use plotters::series::LineSeries;
use plotters::style::{BLACK, Color as _, RGBColor, WHITE};

use crate::curve::{Curve, OPERATIONS, Operation, Point, SIDES};
use crate::side::Side;

const SIZE: (u32, u32) = (1_000, 1_080);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws as SVG.
pub(crate) fn draw(curves: &[Curve]) -> Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        let areas = root.split_evenly((OPERATIONS.len(), 2));
        for (operation, pair) in OPERATIONS.into_iter().zip(areas.chunks(2)) {
            let [left, right] = pair else { continue };
            let of: Vec<&Curve> =
                curves.iter().filter(|curve| curve.operation == operation).collect();
            panel(left, operation, "operations per second", &of, |point| point.per_second)?;
            panel(right, operation, "latency, p99, µs", &of, |point| point.p99_micros)?;
        }
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

fn panel(
    area: &Area<'_>,
    operation: Operation,
    what: &str,
    curves: &[&Curve],
    figure: fn(&Point) -> f64,
) -> Result<()> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let figures = || points().map(figure).map(f64::log10).filter(|figure| figure.is_finite());
    let right = points().map(tasks).fold(1.0, f64::max);
    let bottom = figures().fold(f64::INFINITY, f64::min).min(9.0).floor();
    let top = figures().fold(bottom, f64::max).floor() + 1.0;
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{operation:?}: {what}"), ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..right, bottom..top)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .x_desc("tasks")
        .x_label_formatter(&|tasks| format!("{:.0}", tasks.exp2()))
        .y_label_formatter(&|figure| short(10_f64.powf(*figure)))
        .x_labels(11)
        .y_labels(5)
        .max_light_lines(1)
        .light_line_style(WHITE)
        .draw()
        .map_err(failed)?;
    for curve in curves {
        let color = color(curve.side);
        let line = || curve.points.iter().map(|point| (tasks(point), figure(point).log10()));
        chart
            .draw_series(LineSeries::new(line(), color.stroke_width(2)))
            .map_err(failed)?
            .label(curve.side.to_string())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
        chart.draw_series(line().map(|at| Circle::new(at, 3, color.filled()))).map_err(failed)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()
        .map_err(failed)
}

#[allow(clippy::cast_precision_loss, reason = "there are few tasks")]
fn tasks(point: &Point) -> f64 {
    (point.tasks as f64).log2()
}

/// Colours that colour-blind readers can distinguish.
fn color(side: Side) -> RGBColor {
    match SIDES.iter().position(|of| *of == side) {
        Some(0) => RGBColor(0, 114, 178),
        Some(1) => RGBColor(230, 159, 0),
        _ => RGBColor(120, 120, 120),
    }
}

fn short(figure: f64) -> String {
    let (figure, unit) = match figure {
        1_000_000.0.. => (figure / 1_000_000.0, " M"),
        1_000.0.. => (figure / 1_000.0, " k"),
        _ => (figure, ""),
    };
    let decimals = usize::from(figure < 9.95 && (figure - figure.round()).abs() > 0.05);
    format!("{figure:.decimals$}{unit}")
}

/// The errors of the library hold a reference to its backend, so only their text is returned.
#[allow(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn failed(error: impl std::error::Error) -> anyhow::Error {
    anyhow!("cannot draw the chart: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_is_in_the_chart() {
        let curve = |side| Curve {
            operation: Operation::Get,
            side,
            points: [1, 256]
                .map(|tasks| Point {
                    tasks,
                    per_second: 10_000.0,
                    median_micros: 90.0,
                    p99_micros: 120.0,
                })
                .into(),
        };
        let svg = draw(&SIDES.map(curve)).expect("a chart can be drawn");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for side in SIDES {
            assert!(svg.contains(&side.to_string()), "{side}");
        }
    }
}
