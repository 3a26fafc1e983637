//! Lines are narrow enough to be read next to each other. Code in Rust is left to `rustfmt`.

use crate::report::require_none;
use crate::workspace::{File, files};

const WIDEST: usize = 100;

/// Scripts whose code is not wrapped yet; their comments are.
const UNWRAPPED: [&str; 5] = [
    "metastore/src/redis/scripts/job/",
    "metastore/src/redis/scripts/lib/job.lua",
    "metastore/src/redis/scripts/lib/queue.lua",
    "metastore/src/redis/scripts/lib/record.lua",
    "metastore/src/redis/scripts/lib/request.lua",
];

#[test]
fn comments_and_scripts_are_at_most_100_columns_wide() {
    let mut violations = Vec::new();
    for file in files(".", &["rs", "lua", "toml", "sh", "yml"]) {
        let is_unwrapped = UNWRAPPED.iter().any(|path| file.path.starts_with(path));
        for (number, width) in wide_lines(&file, is_unwrapped) {
            violations.push(format!("{}:{number}: has {width} columns", file.path));
        }
    }
    require_none(
        &format!("a comment, and a line of a script, must have at most {WIDEST} columns"),
        &violations,
        "Wrap the line.",
    );
}

/// The numbers of the lines that are too wide, with their widths.
fn wide_lines(file: &File, is_unwrapped: bool) -> Vec<(usize, usize)> {
    let (_, extension) = file.path.rsplit_once('.').expect("has an extension");
    let marker = match extension {
        "rs" => "//",
        "lua" => "--",
        _ => "#",
    };
    let is_checked = |line: &str| match line.trim_start().strip_prefix(marker) {
        Some(comment) => {
            let text = comment.trim_start_matches(['/', '!']).trim_start();
            // A row of a table cannot be wrapped, and neither can a single word, such as a URL.
            !text.starts_with('|') && text.contains(' ')
        }
        None => extension == "lua" && !is_unwrapped,
    };
    let lines = file.text.lines().enumerate();
    lines
        .map(|(number, line)| (number + 1, line, line.chars().count()))
        .filter(|(_, line, width)| *width > WIDEST && is_checked(line))
        .map(|(number, _, width)| (number, width))
        .collect()
}

#[test]
fn tables_urls_and_code_in_rust_are_left_out() {
    let long = "word ".repeat(20);
    let wide = |path: &str, text: String| {
        let lines = wide_lines(&File { path: path.to_owned(), text }, false);
        lines.into_iter().map(|(number, _)| number).collect::<Vec<_>>()
    };
    let table = format!("/// {long}\n/// | {long} |\n//! {}\nlet a = \"{long}\";", "u".repeat(100));
    assert_eq!(wide("a.rs", table), [1]);
    assert_eq!(wide("a.lua", format!("-- {long}\nf('{long}')\nf('{}')", "é".repeat(95))), [1, 2]);
    assert_eq!(wide("a.toml", format!("# {long}\na = \"{long}\"")), [1]);
}
