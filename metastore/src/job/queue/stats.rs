//! `QueueStats`: the numbers of jobs in a queue.

use std::time::Duration;

use serde::Serialize;

use crate::error::Result;
use crate::redis::command::{Reply, unexpected};

/// The number of jobs in a queue by state, and what is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueueStats {
    /// Jobs that wait for a worker. A job whose item has expired counts until a worker skips it.
    pub waiting: u64,
    /// Jobs that wait until their delay is over.
    pub delayed: u64,
    /// Jobs that a worker holds.
    pub running: u64,
    /// Jobs that failed and are not retried any more.
    pub dead: u64,
    /// How long the oldest waiting job has been ready to run.
    pub oldest: Option<Duration>,
    /// Whether the queue is paused.
    pub paused: bool,
    /// Whether a worker has something to do now: a job to take, a delayed job that is due, or an
    /// expired lease.
    pub ready: bool,
    /// The time until the next delayed job is due or the next lease expires.
    pub due_in: Option<Duration>,
}

/// Parses the reply of `stats.lua` for one queue.
pub(super) fn parse(queue: Reply) -> Result<QueueStats> {
    let malformed = || unexpected("stats", &"a malformed queue");
    let parts = queue.into_array().ok_or_else(malformed)?;
    let number = |at: usize| match parts.get(at) {
        Some(Reply::Int(number)) => Ok(*number),
        _ => Err(malformed()),
    };
    let count = |at: usize| number(at).map(|number| u64::try_from(number).unwrap_or(0));
    let time =
        |at: usize| number(at).map(|number| u64::try_from(number).ok().map(Duration::from_millis));
    Ok(QueueStats {
        waiting: count(0)?,
        delayed: count(1)?,
        running: count(2)?,
        dead: count(3)?,
        ready: number(4)? == 1,
        due_in: time(5)?,
        oldest: time(6)?,
        paused: number(7)? == 1,
    })
}
