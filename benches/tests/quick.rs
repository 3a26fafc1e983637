//! Tests the harness by runs that are too short for meaningful figures.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn report(directory: &Path, arguments: &[&str]) -> Value {
    report_of(&mut Command::new(env!("CARGO_BIN_EXE_bench")), directory, arguments)
}

fn report_of(bench: &mut Command, directory: &Path, arguments: &[&str]) -> Value {
    let output = bench
        .args(["--quick", "--runs", "1", "--seconds", "0.01", "--tasks", "8", "--jobs", "50"])
        .args(arguments)
        .arg("--directory")
        .arg(directory)
        .output()
        .expect("the program should start");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let json = std::fs::read(directory.join("report.json")).expect("a report should be written");
    serde_json::from_slice(&json).expect("the report should be JSON")
}

#[test]
fn every_row_runs_that_needs_nothing_to_be_built() {
    let directory = tempfile::tempdir().expect("a temporary directory should be creatable");
    let below = directory.path().join("below");
    let published = directory.path().join("published");
    let published_path = published.to_str().expect("a temporary path should be text");
    let arguments = ["--peers", "fred,redis-rs,fewer", "--publish", published_path];
    let report = report(&below, &arguments);
    let rows = report["rows"].as_array().expect("the report should have rows");
    // Six operations with many tasks and the jobs against two peers each, four with one task, two
    // rows with idle workers, the backlog, the page and the memory.
    assert_eq!(rows.len(), (6 + 1) * 2 + 4 + 2 + 3, "{report}");
    for row in rows {
        for figure in ["ours", "peer", "ratio"] {
            let figure = row[figure].as_f64().expect("a figure should be a number");
            assert!(figure > 0.0 && figure.is_finite(), "{row}");
        }
        assert_eq!(row["goal"].is_number(), row["ok"].is_boolean(), "{row}");
    }
    assert_eq!(report["left_out"], Value::Array(Vec::new()));
    for version in ["metastore", "fred", "redis-rs", "server", "rustc"] {
        let version = report["versions"][version].as_str();
        assert!(version.is_some_and(|version| version != "unknown"), "{report}");
    }

    // Three operations by three sides, with one task and with several.
    let curves = report["curves"].as_array().expect("the report should have curves");
    assert_eq!(curves.len(), 3 * 3, "{report}");
    for curve in curves {
        assert_eq!(curve["points"].as_array().map(Vec::len), Some(2), "{curve}");
    }
    let read = |path: &Path| std::fs::read_to_string(path).expect("the file should be written");
    let chart = read(&published.join("BENCHMARKS.svg"));
    assert!(chart.starts_with("<svg"), "{chart}");
    assert_eq!(chart, read(&below.join("BENCHMARKS.svg")));
    let document = read(&published.join("BENCHMARKS.md"));
    for row in rows {
        let name = row["name"].as_str().expect("a row should have a name");
        assert!(document.contains(&format!("| {name} |")), "{name}: {document}");
    }
}

#[test]
fn a_peer_that_is_not_to_be_had_is_left_out_with_the_reason() {
    let directory = tempfile::tempdir().expect("a temporary directory should be creatable");
    // Found before any other `node`, and of no use.
    std::fs::create_dir(directory.path().join("node")).expect("a directory should be creatable");
    std::os::unix::fs::symlink("/bin/false", directory.path().join("node/node"))
        .expect("a link should be creatable");
    let path = std::env::var("PATH").expect("there should be a path");
    let path = format!("{}:{path}", directory.path().join("node").display());
    let mut bench = Command::new(env!("CARGO_BIN_EXE_bench"));
    let arguments = ["--only", "process", "--peers", "bullmq-node,fred"];
    let report = report_of(bench.env("PATH", path), &directory.path().join("below"), &arguments);
    assert_eq!(report["rows"].as_array().map(Vec::len), Some(1), "{report}");
    assert_eq!(report["rows"][0]["peer_name"], "fred");
    assert_eq!(report["left_out"][0]["peer_name"], "BullMQ on Node");
    assert_eq!(report["left_out"][0]["reason"], "there is no `node` on this machine");
}
