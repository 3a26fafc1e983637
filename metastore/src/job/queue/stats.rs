//! Looking at a queue: how many jobs there are, and how long they wait.

use std::time::Duration;

use serde::Serialize;

use super::{Queue, QueueSet};
use crate::document::Document;
use crate::error::Result;
use crate::redis::command::{Reply, unexpected};

/// How many jobs a queue has, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueueStats {
    /// They wait for a worker. Jobs that were cancelled, or whose item was deleted since, count until a
    /// worker passes them.
    pub waiting: u64,
    /// They wait for their time.
    pub delayed: u64,
    /// A worker holds them.
    pub running: u64,
    /// They failed for good.
    pub dead: u64,
    /// How long the first in line could have been taken and was not.
    pub oldest: Option<Duration>,
    /// Whether the queue is paused.
    pub paused: bool,
    /// Whether a worker would find something to do: a job to take, or one to bring back.
    pub ready: bool,
    /// How long until a delayed job or the end of a lease is due.
    pub due_in: Option<Duration>,
}

impl<T: Document> Queue<T> {
    /// How many jobs there are, by state, and how long the first has waited.
    ///
    /// One round trip, whose cost does not grow with the number of jobs.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`.
    pub async fn stats(&self) -> Result<QueueStats> {
        let mut set = QueueSet::new(self.repo.store());
        set.add(self);
        Ok(set.stats().await?.pop().unwrap_or_default())
    }
}

pub(super) fn parse(queue: Reply) -> Result<QueueStats> {
    let strange = || unexpected("stats", &"a queue of another shape");
    let parts = queue.into_array().ok_or_else(strange)?;
    let number = |at: usize| match parts.get(at) {
        Some(Reply::Int(number)) => Ok(*number),
        _ => Err(strange()),
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
