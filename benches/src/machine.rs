//! The machine that the figures were measured on.

use std::fmt;
use std::fs::read_to_string;

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    os: String,
    kernel: String,
    /// How many processes wanted to run during the minute before; it should be far below `cores`.
    load: Option<f64>,
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, os, kernel, load } = self;
        write!(f, "{cpu}, {cores} cores, {os}, kernel {kernel}")?;
        load.map_or(Ok(()), |load| write!(f, ", load before {load:.2}"))
    }
}

impl Machine {
    /// Reads the files of Linux; on other systems most values are unknown.
    pub(crate) fn look() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let load = first_word("/proc/loadavg").and_then(|load| load.parse().ok());
        #[allow(clippy::cast_precision_loss, reason = "there are few cores")]
        if load.is_some_and(|load: f64| load > cores as f64 / 2.0) {
            eprintln!("warning: other programs keep this machine busy, so trust no figure");
        }
        Self {
            cpu: after("/proc/cpuinfo", "model name", ':').unwrap_or_else(unknown),
            cores,
            os: after("/etc/os-release", "PRETTY_NAME", '=')
                .unwrap_or_else(|| std::env::consts::OS.to_owned()),
            kernel: first_word("/proc/sys/kernel/osrelease").unwrap_or_else(unknown),
            load,
        }
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn first_word(path: &str) -> Option<String> {
    read_to_string(path).ok()?.split_whitespace().next().map(str::to_owned)
}

/// The value on the first line of the form `name: value`, without quotation marks.
fn after(path: &str, name: &str, separator: char) -> Option<String> {
    let text = read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| {
        let (found, value) = line.split_once(separator)?;
        (found.trim() == name).then_some(value)
    })?;
    Some(value.trim().trim_matches('"').to_owned())
}
