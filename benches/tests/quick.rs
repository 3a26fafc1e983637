//! The harness itself, in runs so short that only its workings are tested and never its figures.

use std::process::Command;

use serde_json::Value;

#[test]
fn every_row_runs_against_every_peer() {
    let directory = tempfile::tempdir().expect("a temporary directory should be creatable");
    let path = directory.path().join("below/report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["--quick", "--runs", "1", "--seconds", "0.01", "--tasks", "8", "--jobs", "50"])
        .arg("--report")
        .arg(&path)
        .output()
        .expect("the program should start");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");

    let json = std::fs::read(&path).expect("the report should be written");
    let report: Value = serde_json::from_slice(&json).expect("the report should be JSON");
    let rows = report["rows"].as_array().expect("the report should have rows");
    // Four operations with many tasks and with one, and the jobs, against two peers each.
    assert_eq!(rows.len(), (4 * 2 + 1) * 2, "{errors}");
    for row in rows {
        for figure in ["ours", "peer", "ratio"] {
            let figure = row[figure].as_f64().expect("a figure should be a number");
            assert!(figure > 0.0 && figure.is_finite(), "{row}");
        }
        assert!(row["goal"].is_null() && row["ok"].is_null(), "{row}");
    }
    for version in ["metastore", "fred", "redis-rs", "server", "rustc"] {
        let version = report["versions"][version].as_str();
        assert!(version.is_some_and(|version| version != "unknown"), "{report}");
    }
}
