//! Ending jobs and taking the next ones in one round trip.

use std::time::Duration;

use super::end::{End, Ended};
use super::{Haul, Queue, TakeOptions, add_claim};
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::redis::command::{Reply, Verdict};
use crate::redis::script::ScriptCall;

const OPERATION: &str = "finish";

/// The most results that one script stores, so that it does not hold up the server.
const MAX_RESULTS: usize = 128;

/// The bytes of results after which another script call begins.
const MAX_BYTES: usize = 1024 * 1024;

/// What [`Queue::exchange`] gives.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchange<T> {
    /// What became of each end, in their order.
    pub ends: Vec<Result<Ended>>,
    /// What was taken, if it was asked for.
    pub haul: Option<Result<Haul<T>>>,
}

/// One script call on its way, and the ends that it records.
struct Sent {
    call: ScriptCall,
    ends: Vec<usize>,
    bytes: usize,
    /// Whether the verdicts stand in an array, one for each end.
    is_batch: bool,
}

impl<T: Document> Queue<T> {
    /// Records how jobs ended, and takes the next ones: one round trip for all.
    ///
    /// The fence of each job is checked on its own, so one that was lost does not touch the others. An
    /// end whose reply is lost is recorded once; jobs whose reply is lost come back when their lease ends.
    pub async fn exchange(&self, ends: &[End], take: Option<&TakeOptions>) -> Exchange<T> {
        let mut results: Vec<Result<Ended>> = ends.iter().map(|_| Ok(Ended::Refused)).collect();
        let patience = self.patience();
        let (mut calls, sent): (Vec<_>, Vec<_>) = self
            .calls(ends)
            .into_iter()
            .map(|Sent { call, ends, is_batch, .. }| ((call, patience), (ends, is_batch)))
            .unzip();
        // Sent once: a repetition would take further jobs, not find out about the first ones.
        calls.extend(take.map(|options| (self.take_call(options), Duration::ZERO)));
        if calls.is_empty() {
            return Exchange { ends: results, haul: None };
        }
        let writer = self.repo.store().writer();
        let mut replies = writer.commit_all(OPERATION, &calls).await.into_iter();
        for (ends, is_batch) in sent {
            let verdicts = replies.next().unwrap_or_else(|| Err(no_verdict()));
            match verdicts.and_then(|reply| verdicts_of(reply, is_batch, ends.len())) {
                Ok(verdicts) => {
                    for (end, verdict) in ends.into_iter().zip(verdicts) {
                        results[end] = verdict;
                    }
                }
                Err(error) => {
                    for end in ends {
                        results[end] = Err(Error::new(OPERATION, error.kind().clone()));
                    }
                }
            }
        }
        let haul = take.map(|_| {
            let reply = replies.next().unwrap_or_else(|| Err(no_verdict()));
            reply
                .map_err(|error| error.during("take").at(self.keys.waiting.clone()))
                .and_then(|reply| self.haul(reply))
        });
        Exchange { ends: results, haul }
    }

    fn calls(&self, ends: &[End]) -> Vec<Sent> {
        let mut sent: Vec<Sent> = Vec::new();
        let mut finish: Option<Sent> = None;
        let mut release: Option<Sent> = None;
        for (index, end) in ends.iter().enumerate() {
            match end {
                End::Result { claim, json } => {
                    let mut batch = match finish.take() {
                        Some(batch)
                            if batch.ends.len() < MAX_RESULTS
                                && batch.bytes + json.len() <= MAX_BYTES =>
                        {
                            batch
                        }
                        full => {
                            sent.extend(full);
                            Sent::batch(self.finish_call())
                        }
                    };
                    batch.bytes += json.len();
                    batch.ends.push(index);
                    batch.call = self.add_result(batch.call, claim, json.clone());
                    finish = Some(batch);
                }
                End::Failure { claim, message, runs, retry_in } => sent.push(Sent {
                    call: self.fail_call(claim, message, *runs, *retry_in),
                    ends: vec![index],
                    bytes: 0,
                    is_batch: false,
                }),
                End::Release { claim } => {
                    let mut batch =
                        release.take().unwrap_or_else(|| Sent::batch(self.release_call()));
                    batch.ends.push(index);
                    batch.call = add_claim(batch.call, claim);
                    release = Some(batch);
                }
            }
        }
        sent.extend(finish);
        sent.extend(release);
        sent
    }
}

impl Sent {
    fn batch(call: ScriptCall) -> Self {
        Self { call, ends: Vec::new(), bytes: 0, is_batch: true }
    }
}

fn verdicts_of(reply: Reply, is_batch: bool, count: usize) -> Result<Vec<Result<Ended>>> {
    let mut verdict = Verdict::from_reply(reply, OPERATION)?;
    let codes = if is_batch { verdict.array(OPERATION)? } else { vec![Reply::Int(verdict.code)] };
    if codes.len() != count {
        return Err(no_verdict());
    }
    Ok(codes
        .into_iter()
        .map(|code| match code {
            Reply::Int(1) => Ok(Ended::Recorded),
            Reply::Int(0) => Ok(Ended::Refused),
            Reply::Int(-1) => Ok(Ended::Gone),
            _ => {
                let message = "a key of the item".to_owned();
                Err(Error::new(OPERATION, ErrorKind::WrongType(message)))
            }
        })
        .collect())
}

fn no_verdict() -> Error {
    Error::new(OPERATION, ErrorKind::Server("no verdict".to_owned()))
}
