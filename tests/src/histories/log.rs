//! The log that each process writes and the checker reads.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::time::{ClockId, clock_gettime};

use super::record::{Answer, Call, Kind, Line, Operation};

/// The machine's monotonic clock, which all its processes share, in nanoseconds.
#[must_use]
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).expect("the clock is positive");
    let nanos = u64::try_from(time.tv_nsec).expect("the clock is positive");
    seconds * 1_000_000_000 + nanos
}

/// Records calls when they start and end. Each line is written to the system at once, so that it
/// survives if the process is killed.
#[derive(Debug)]
pub(super) struct Log {
    file: Mutex<File>,
    calls: AtomicU64,
}

impl Log {
    /// Starts a log at a path.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: Mutex::new(File::create(path)?), calls: AtomicU64::new(0) })
    }

    /// Records the start of a call, and returns its number.
    pub(super) fn invoked(
        &self,
        task: u32,
        kind: Kind,
        id: Option<&str>,
        operation: &Operation,
    ) -> u64 {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let (id, operation) = (id.map(str::to_owned), operation.clone());
        // The time is read first, so that the call cannot have started before it.
        self.write(&Line::Invoked { call, at: now(), task, kind, id, operation });
        call
    }

    /// Records the outcome of a call.
    pub(super) fn returned(&self, call: u64, answer: Answer) {
        self.write(&Line::Returned { call, at: now(), answer });
    }

    fn write(&self, line: &Line) {
        let mut text = serde_json::to_vec(line).expect("a line can be written as JSON");
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text).expect("the log can be written");
    }
}

/// Reads the log of a process.
///
/// # Errors
///
/// If the file cannot be read.
///
/// # Panics
///
/// If a line other than the last does not read: a killed process may leave half a line.
pub(super) fn read(path: &Path, process: u32) -> io::Result<Vec<Call>> {
    let text = std::fs::read_to_string(path)?;
    let mut calls: Vec<Call> = Vec::new();
    let mut numbers: HashMap<u64, usize> = HashMap::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let line = match serde_json::from_str(line) {
            Ok(line) => line,
            Err(_) if lines.peek().is_none() => break,
            Err(error) => panic!("{}: {error}: {line}", path.display()),
        };
        match line {
            Line::Invoked { call, at, task, kind, id, operation } => {
                numbers.insert(call, calls.len());
                let (returned, answer) = (None, Answer::Unknown(None));
                calls.push(Call {
                    process,
                    task,
                    kind,
                    id,
                    operation,
                    invoked: at,
                    returned,
                    answer,
                });
            }
            Line::Returned { call, at, answer } => {
                let call = &mut calls[numbers[&call]];
                (call.returned, call.answer) = (Some(at), answer);
            }
        }
    }
    Ok(calls)
}
