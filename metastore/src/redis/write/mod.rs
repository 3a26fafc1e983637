//! Writes: the only module that sends them.
//!
//! A write has a commit id, and its script returns the same reply when it runs again with the same
//! id. So a write whose reply is lost is sent again: see [`retry`].

pub(crate) mod compare_and_swap;
pub(crate) mod enqueue;
pub(crate) mod group_commit;
pub(crate) mod item;
pub(crate) mod retry;

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::redis::command::{Fault, Reply, Verdict};
use crate::redis::connection::Connection;
use crate::redis::script::{ScriptCall, code};
use compare_and_swap::{CompareAndSwap, SwapQueue};
use enqueue::{EnqueueQueue, EnqueueRequest};
use group_commit::{Insert, InsertQueue, insert_all};
use retry::{Attempts, Restarts, RetryPolicy};

/// The most bytes of one atomic step. A server accepts much more, but blocks all clients meanwhile.
const MAX_STEP_BYTES: usize = 16 * 1024 * 1024;

/// One write.
pub(crate) enum Write<'a> {
    /// A script call, which checks first and then writes.
    Script(ScriptCall),
    /// A new item that depends on nothing stored. Concurrent ones share a script call. If that
    /// writes nothing or its reply is lost, the item is created by a script call of its own.
    Insert(Arc<Insert>),
    /// The next version of an item that has nothing but versions. Concurrent ones share a
    /// script call. If that leaves this one out or its reply is lost, the version is
    /// written by the other call.
    CompareAndSwap { swap: Arc<CompareAndSwap>, otherwise: &'a (dyn Fn() -> ScriptCall + Sync) },
    /// A job. Concurrent ones share a script call.
    Enqueue(Arc<EnqueueRequest>),
}

impl Write<'_> {
    /// The write as a script call of its own.
    fn into_script(self) -> ScriptCall {
        match self {
            Self::Script(call) => call,
            Self::Insert(insert) => insert.script(),
            Self::CompareAndSwap { otherwise, .. } => otherwise(),
            Self::Enqueue(request) => request.script(),
        }
    }
}

/// A write with all that is needed to send it.
pub(crate) struct Commit<'a> {
    pub(crate) operation: &'static str,
    /// The commit id; empty for a write that has none.
    pub(crate) id: &'a str,
    pub(crate) write: Write<'a>,
    pub(crate) retry: RetryPolicy,
}

/// The outcome of a write.
pub(crate) enum Outcome {
    /// Written in a shared script call, which has no reply for each write.
    Written,
    /// The reply of the script.
    Verdict(Verdict),
    /// Nothing was written, and the operation is to start again with a new commit id:
    /// see [`Restarts`]. With the server's time in milliseconds, if the time of the
    /// write was the reason.
    Restart { server_time: Option<u64> },
}

impl Outcome {
    fn of(operation: &'static str, reply: Reply, after_loss: bool) -> Result<Self, Error> {
        let mut verdict = Verdict::from_reply(reply, operation)?;
        verdict.after_loss = after_loss;
        Ok(match verdict.code {
            code::CLOCK_SKEW => Self::Restart { server_time: Some(verdict.number(operation)?) },
            code::REFUSED_BEFORE => Self::Restart { server_time: None },
            _ => Self::Verdict(verdict),
        })
    }

    /// The reply of a script that never asks for a restart.
    pub(crate) fn verdict(self, operation: &'static str) -> Result<Verdict, Error> {
        match self {
            Self::Verdict(verdict) => Ok(verdict),
            Self::Written => Err(empty_reply(operation)),
            Self::Restart { .. } => Err(Restarts::exhausted(operation)),
        }
    }
}

/// The error for a script call without a reply.
pub(crate) fn empty_reply(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::Server("empty script reply".to_owned()))
}

/// Sends writes.
pub(crate) struct Writer {
    connection: Arc<Connection>,
    inserts: InsertQueue,
    swaps: SwapQueue,
    enqueues: EnqueueQueue,
}

impl Writer {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            inserts: InsertQueue::new(&connection),
            swaps: SwapQueue::new(&connection),
            enqueues: EnqueueQueue::new(&connection),
            connection,
        }
    }

    /// Sends one write and returns its outcome.
    pub(crate) async fn commit(&self, commit: Commit<'_>) -> Result<Outcome, Error> {
        let Commit { operation, id, write, retry } = commit;
        let mut attempts = Attempts::new(operation, id, retry);
        let outcome = self.send(write, &mut attempts).await;
        attempts.measure(1);
        outcome
    }

    /// Sends several writes of one operation in one atomic step, or in several if they have more
    /// than [`MAX_STEP_BYTES`]. Each has an outcome of its own. If a step as a whole fails, each of
    /// its writes is sent alone.
    pub(crate) async fn commit_many<C: AsRef<str>>(
        &self,
        operation: &'static str,
        writes: Vec<(C, ScriptCall)>,
        retry: RetryPolicy,
    ) -> Vec<Result<Outcome, Error>> {
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut step = Vec::new();
        let mut bytes = 0;
        for (id, write) in writes {
            let size = write.bytes();
            if bytes + size > MAX_STEP_BYTES && !step.is_empty() {
                outcomes.extend(self.step(operation, std::mem::take(&mut step), retry).await);
                bytes = 0;
            }
            bytes += size;
            step.push((id, write));
        }
        outcomes.extend(self.step(operation, step, retry).await);
        outcomes
    }

    /// Sends several script calls of one operation in one round trip, each with its own
    /// policy and its own reply.
    pub(crate) async fn commit_pipelined(
        &self,
        operation: &'static str,
        calls: Vec<(ScriptCall, RetryPolicy)>,
    ) -> Vec<Result<Reply, Error>> {
        let mut attempts = Attempts::new(operation, "", RetryPolicy::NEVER);
        attempts.sent();
        let (calls, policies): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        let sent = self.connection.pipeline_scripts(&calls).await;
        let mut replies = Vec::with_capacity(calls.len());
        for ((call, policy), reply) in calls.iter().zip(policies).zip(sent) {
            let reply = match reply {
                Err(Fault::Lost(cause)) if !policy.is_never() => {
                    self.script(call, &mut attempts.after_loss(policy, cause)).await
                }
                reply => reply.map_err(|fault| fault.into_error(operation)),
            };
            replies.push(reply);
        }
        attempts.measure(replies.len());
        replies
    }

    /// Sends one script call and returns its reply.
    pub(crate) async fn commit_script(
        &self,
        operation: &'static str,
        id: &str,
        call: ScriptCall,
        retry: RetryPolicy,
    ) -> Result<Verdict, Error> {
        let commit = Commit { operation, id, write: Write::Script(call), retry };
        self.commit(commit).await?.verdict(operation)
    }

    async fn send(&self, write: Write<'_>, attempts: &mut Attempts<'_>) -> Result<Outcome, Error> {
        let operation = attempts.operation;
        let shared = match &write {
            Write::Script(_) => None,
            Write::Insert(insert) => Some(self.inserts.call(insert.clone()).await),
            Write::CompareAndSwap { swap, .. } => Some(self.swaps.call(swap.clone()).await),
            Write::Enqueue(request) => match self.enqueues.call(request.clone()).await {
                Ok(reply) => {
                    attempts.sent();
                    return Outcome::of(operation, reply, false);
                }
                Err(fault) => Some(Err(fault)),
            },
        };
        if let Some(written) = shared {
            attempts.sent();
            match written {
                Ok(true) => return Ok(Outcome::Written),
                Ok(false) => {}
                Err(fault) => attempts
                    .shared_attempt_failed(fault)
                    .map_err(|fault| fault.into_error(operation))?,
            }
        }
        let reply = self.script(&write.into_script(), attempts).await?;
        Outcome::of(operation, reply, attempts.is_lost())
    }

    /// Creates items in one atomic step, or in several if they have more than [`MAX_STEP_BYTES`].
    /// Otherwise as [`Writer::commit_many`].
    pub(crate) async fn commit_inserts(
        &self,
        operation: &'static str,
        inserts: &[Insert],
        retry: RetryPolicy,
    ) -> Vec<Result<Outcome, Error>> {
        let mut outcomes = Vec::with_capacity(inserts.len());
        let mut rest = inserts;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |insert: &&Insert| {
                bytes += insert.document.len();
                bytes <= MAX_STEP_BYTES
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (step, after) = rest.split_at(count);
            outcomes.extend(self.insert_step(operation, step, retry).await);
            rest = after;
        }
        outcomes
    }

    async fn insert_step(
        &self,
        operation: &'static str,
        inserts: &[Insert],
        retry: RetryPolicy,
    ) -> Vec<Result<Outcome, Error>> {
        let mut attempts = Attempts::new(operation, "", retry);
        attempts.sent();
        let all: Vec<&Insert> = inserts.iter().collect();
        let outcomes = match insert_all(&self.connection, &all).await {
            Ok(true) => all.iter().map(|_| Ok(Outcome::Written)).collect(),
            not_written => {
                let calls = all.iter().map(|insert| (insert.commit(), insert.script())).collect();
                self.each_alone(&mut attempts, not_written.err(), calls).await
            }
        };
        attempts.measure(inserts.len());
        outcomes
    }

    async fn step<C: AsRef<str>>(
        &self,
        operation: &'static str,
        writes: Vec<(C, ScriptCall)>,
        retry: RetryPolicy,
    ) -> Vec<Result<Outcome, Error>> {
        if writes.is_empty() {
            return Vec::new();
        }
        let mut attempts = Attempts::new(operation, "", retry);
        attempts.sent();
        let (ids, calls): (Vec<C>, Vec<ScriptCall>) = writes.into_iter().unzip();
        let outcomes = match self.connection.transaction(&calls).await {
            Ok(replies) => {
                replies.into_iter().map(|reply| Outcome::of(operation, reply, false)).collect()
            }
            Err(fault) => {
                let calls = ids.iter().map(AsRef::as_ref).zip(calls).collect();
                self.each_alone(&mut attempts, Some(fault), calls).await
            }
        };
        attempts.measure(ids.len());
        outcomes
    }

    /// Sends each write of a step that failed as a whole, under its commit id. `fault` is why the
    /// step failed, if there was a fault.
    async fn each_alone(
        &self,
        attempts: &mut Attempts<'_>,
        fault: Option<Fault>,
        calls: Vec<(&str, ScriptCall)>,
    ) -> Vec<Result<Outcome, Error>> {
        let operation = attempts.operation;
        if let Some(Err(fault)) = fault.map(|fault| attempts.shared_attempt_failed(fault)) {
            return calls.iter().map(|_| Err(fault.clone().into_error(operation))).collect();
        }
        let alone = calls.iter().map(|(id, call)| {
            let mut attempts = attempts.of_one(id);
            async move {
                let reply = self.script(call, &mut attempts).await?;
                Outcome::of(operation, reply, attempts.is_lost())
            }
        });
        futures_util::future::join_all(alone).await
    }

    /// Calls a script until it replies.
    async fn script(&self, call: &ScriptCall, attempts: &mut Attempts<'_>) -> Result<Reply, Error> {
        loop {
            attempts.sent();
            match self.connection.script(call).await {
                Ok(reply) if attempts.is_lost() && is_clock_skew(&reply) => {
                    let cause = "the server no longer remembers writes of that time";
                    return Err(attempts.unknown(cause.to_owned()));
                }
                Ok(reply) => return Ok(reply),
                Err(fault) => attempts.failed(call.name(), fault).await?,
            }
        }
    }
}

fn is_clock_skew(reply: &Reply) -> bool {
    matches!(reply, Reply::Array(parts) if parts.first() == Some(&Reply::Int(code::CLOCK_SKEW)))
}
