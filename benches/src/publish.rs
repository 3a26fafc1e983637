//! BENCHMARKS.md, made of a report, so that nobody types a figure.

use std::fmt::Write as _;

use crate::line::Line;
use crate::report::Report;

/// How the figures came about and what they do not say, which no report knows.
const NOTES: &str = include_str!("../notes.md");

/// The document, which shows the chart in `chart` if there is one.
pub(crate) fn document(report: &Report, chart: Option<&str>) -> String {
    let mut text =
        "# Benchmarks\n\nWritten by `make bench ARGS=\"--publish\"`; not to be edited by hand.\n\n"
            .to_owned();
    let _ = write!(
        text,
        "- Command: `{}`\n- Machine: {}\n- Versions: {}\n\n",
        report.command, report.machine, report.versions
    );
    row(&mut text, &Line::HEADER.map(str::to_owned));
    row(
        &mut text,
        &["---", "---", "--:", "---", "--:", "--:", "--:", "--:", "---"].map(str::to_owned),
    );
    for line in &report.rows {
        row(&mut text, &line.cells());
    }
    if !report.left_out.is_empty() {
        text.push_str("\nLeft out:\n\n");
        for left_out in &report.left_out {
            let _ = writeln!(
                text,
                "- {} against {}: {}",
                left_out.name, left_out.peer_name, left_out.reason
            );
        }
    }
    if let Some(chart) = chart {
        let _ = write!(text, "\n![throughput and latency by the number of tasks]({chart})\n");
    }
    let _ = write!(text, "\n{NOTES}");
    text
}

fn row(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}
