//! Completing jobs and taking the next ones in one round trip.

use super::completion::{Completion, CompletionOutcome};
use super::take::{TakeOptions, TakenBatch};
use super::transformation_queue::Queue;
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::redis::command::{Reply, Verdict, unexpected};
use crate::redis::script::{ScriptCall, code};
use crate::redis::write::empty_reply;
use crate::redis::write::retry::RetryPolicy;

const OPERATION: &str = "finish";

/// The most results that one script call stores, so that it does not block the server for long.
const MAX_RESULTS: usize = 128;

/// The most bytes of results in one script call, unless a single result is larger.
const MAX_BYTES: usize = 1024 * 1024;

/// The outcome of [`Queue::exchange`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchange<T> {
    /// The outcome of each completion, in their order.
    pub outcomes: Vec<Result<CompletionOutcome>>,
    /// The jobs that were taken; `None` if none were requested.
    pub taken: Option<Result<TakenBatch<T>>>,
}

/// One script call and the completions that it records.
struct CompletionCall {
    call: ScriptCall,
    /// The positions of the completions.
    positions: Vec<usize>,
    bytes: usize,
}

impl<T: Document> Queue<T> {
    /// Records completions and takes the next jobs, in one round trip for all.
    ///
    /// The fence of each job is checked separately, so a job that this worker has lost does not
    /// affect the others. A completion whose reply is lost is sent again and recorded once. Jobs
    /// whose reply is lost return to the queue when their leases expire.
    pub async fn exchange(
        &self,
        completions: &[Completion],
        take: Option<&TakeOptions>,
    ) -> Exchange<T> {
        let mut outcomes: Vec<Result<CompletionOutcome>> =
            completions.iter().map(|_| Ok(CompletionOutcome::Refused)).collect();
        let retry = self.retry_policy();
        let (mut calls, sent): (Vec<_>, Vec<_>) = self
            .completion_calls(completions)
            .into_iter()
            .map(|CompletionCall { call, positions, .. }| ((call, retry), positions))
            .unzip();
        // Sent once: repeating `take` would take further jobs, not return the first ones.
        calls.extend(take.map(|options| (self.take_call(options), RetryPolicy::NEVER)));
        if calls.is_empty() {
            return Exchange { outcomes, taken: None };
        }
        let writer = self.repo.store().writer();
        let mut replies = writer.commit_pipelined(OPERATION, calls).await.into_iter();
        for positions in sent {
            let reply = replies.next().unwrap_or_else(|| Err(empty_reply(OPERATION)));
            match reply.and_then(|reply| parse(reply, positions.len())) {
                Ok(parsed) => {
                    for (position, outcome) in positions.into_iter().zip(parsed) {
                        outcomes[position] = outcome;
                    }
                }
                Err(error) => {
                    for position in positions {
                        outcomes[position] = Err(Error::new(OPERATION, error.kind().clone()));
                    }
                }
            }
        }
        let taken = take.map(|_| {
            let reply = replies.next().unwrap_or_else(|| Err(empty_reply(OPERATION)));
            reply
                .map_err(|error| error.during("take").at(self.keys.waiting.clone()))
                .and_then(|reply| self.taken_batch(reply))
        });
        Exchange { outcomes, taken }
    }

    /// Takes waiting jobs with their documents. First it moves delayed jobs that are due and jobs
    /// whose lease has expired back to the waiting ones.
    ///
    /// One round trip. The work of the server is proportional to the number of taken jobs, not to
    /// the number of waiting ones. If the reply is lost, the jobs return to the queue when their
    /// leases expire.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `OutOfMemory`, `WrongType`.
    pub async fn take(&self, options: &TakeOptions) -> Result<TakenBatch<T>> {
        let taken = self.exchange(&[], Some(options)).await.taken;
        taken.unwrap_or_else(|| Err(empty_reply("take")))
    }

    /// Groups completions into script calls by their limits.
    fn completion_calls(&self, completions: &[Completion]) -> Vec<CompletionCall> {
        let mut calls: Vec<CompletionCall> = Vec::new();
        for (position, completion) in completions.iter().enumerate() {
            let size = match completion {
                Completion::Success { json, .. } => json.len(),
                Completion::Failure { message, .. } => message.len(),
                Completion::Release { .. } => 0,
            };
            let mut current = match calls.pop() {
                Some(last) if last.has_room_for(size) => last,
                full => {
                    calls.extend(full);
                    let left = completions.len() - position;
                    let call = self.complete_call(left.min(MAX_RESULTS));
                    CompletionCall { call, positions: Vec::new(), bytes: 0 }
                }
            };
            current.bytes += size;
            current.positions.push(position);
            current.call = self.add_completion(current.call, completion);
            calls.push(current);
        }
        calls
    }
}

impl CompletionCall {
    fn has_room_for(&self, bytes: usize) -> bool {
        self.positions.len() < MAX_RESULTS && self.bytes + bytes <= MAX_BYTES
    }
}

/// Parses the reply of a script that records `count` completions.
fn parse(reply: Reply, count: usize) -> Result<Vec<Result<CompletionOutcome>>> {
    let mut verdict = Verdict::from_reply(reply, OPERATION)?;
    let codes = verdict.array(OPERATION)?;
    if codes.len() != count {
        return Err(empty_reply(OPERATION));
    }
    Ok(codes
        .into_iter()
        .map(|code| match code {
            Reply::Int(code::DONE) => Ok(CompletionOutcome::Recorded),
            Reply::Int(code::CONFLICT) => Ok(CompletionOutcome::Refused),
            Reply::Int(code::NOT_FOUND) => Ok(CompletionOutcome::Gone),
            Reply::Int(code::CANCELLED) => Ok(CompletionOutcome::Cancelled),
            Reply::Int(code::WRONG_TYPE) => {
                let message = "a key of the item".to_owned();
                Err(Error::new(OPERATION, ErrorKind::WrongType(message)))
            }
            other => Err(unexpected(OPERATION, &other)),
        })
        .collect())
}
