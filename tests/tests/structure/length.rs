//! Files are short enough to be read at once.

use std::fs;

use crate::report::require_none;
use crate::workspace::{files, root};

const LONGEST: usize = 400;
const MEDIAN: usize = 150;

/// Longer files, which are tables, and why they are in one piece.
const TABLES: [(&str, &str); 0] = [];

#[test]
fn files_are_at_most_400_lines_long() {
    let mut violations = Vec::new();
    for file in files(".", &["rs", "lua"]) {
        let lines = file.text.lines().count();
        let is_table = TABLES.iter().any(|(table, _)| *table == file.path);
        if lines > LONGEST && !is_table {
            violations.push(format!("{}:{}: has {lines} lines", file.path, LONGEST + 1));
        }
        if lines <= LONGEST && is_table {
            violations.push(format!("{}:{lines}: need not be listed in `TABLES`", file.path));
        }
    }
    for (table, _) in TABLES {
        if !fs::exists(root().join(table)).expect("is readable") {
            violations.push(format!("{table}: is listed in `TABLES` and does not exist"));
        }
    }
    require_none(
        &format!("a file must have at most {LONGEST} lines"),
        &violations,
        "Split the file by subject. If it is one table, list it in `TABLES` with the reason.",
    );
}

#[test]
fn half_of_the_files_are_at_most_150_lines_long() {
    for package in
        ["metastore", "metastore-derive", "metastore-worker", "tests", "benches", "examples"]
    {
        let mut lengths: Vec<_> =
            files(package, &["rs", "lua"]).iter().map(|file| file.text.lines().count()).collect();
        lengths.sort_unstable();
        let median = lengths[lengths.len() / 2];
        let long = format!("{package}: the median file has {median} lines");
        require_none(
            &format!("the median of a package's files must be at most {MEDIAN} lines"),
            if median > MEDIAN { std::slice::from_ref(&long) } else { &[] },
            "Split the longest files by subject.",
        );
    }
}
