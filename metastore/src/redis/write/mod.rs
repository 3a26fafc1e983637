//! The only function that writes.
//!
//! A write carries a commit id, and the script behind it gives the same answer when it is run again
//! with the same id. So when a reply is lost, the call is repeated until an answer comes: the caller
//! hears what became of its write, and it is applied once, however often it was sent.

pub(crate) mod compare_and_swap;
pub(crate) mod enqueue;
pub(crate) mod group_commit;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};
use crate::redis::command::{Fault, Reply};
use crate::redis::connection::Connection;
use crate::redis::script::ScriptCall;
use crate::redis::write::compare_and_swap::{Swap, Swaps};
use crate::redis::write::enqueue::{Request, Requests};
use crate::redis::write::group_commit::{Insert, Inserts, insert_all};

/// A write as a script, made only when it is needed.
pub(crate) type Confirm<'a> = Box<dyn Fn() -> ScriptCall + Send + Sync + 'a>;

/// What an operation writes.
pub(crate) enum WriteSet<'a> {
    /// A new item, written together with others.
    Insert {
        insert: Arc<Insert>,
        /// The same write as a script, for when something stands in the way, or the reply was lost.
        confirm: Confirm<'a>,
    },
    /// One script call, which checks first and then writes.
    Conditional(ScriptCall),
    /// A plain update, written together with others.
    Swap {
        swap: Arc<Swap>,
        /// The same write as a script, for when it is not as simple as that, or the reply was lost.
        confirm: Confirm<'a>,
    },
    /// A job requested, in one script call together with others.
    Request(Arc<Request>),
}

impl WriteSet<'_> {
    fn bytes(&self) -> usize {
        match self {
            Self::Insert { insert, .. } => insert.json.len(),
            Self::Conditional(call) => call.bytes(),
            Self::Swap { swap, .. } => swap.document.len(),
            Self::Request(_) => 0,
        }
    }

    fn insert(&self) -> Option<&Arc<Insert>> {
        match self {
            Self::Insert { insert, .. } => Some(insert),
            Self::Conditional(_) | Self::Swap { .. } | Self::Request(_) => None,
        }
    }

    fn script(&self) -> ScriptCall {
        match self {
            Self::Insert { confirm, .. } | Self::Swap { confirm, .. } => confirm(),
            Self::Conditional(call) => call.clone(),
            Self::Request(request) => request.call(),
        }
    }
}

/// What a script answers to a write whose time is too far from the server's. Nothing is written then.
pub(crate) const UNTIMELY: i64 = -8;

/// What a script answers to a write of which an earlier attempt was refused. Why is not remembered, so the
/// operation starts again under another commit id.
pub(crate) const REFUSED_BEFORE: i64 = -9;

/// What became of a write.
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    /// Whether the reply to an earlier attempt was lost.
    pub(crate) after_loss: bool,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self { reply, after_loss: false }
    }
}

/// The most bytes of one atomic step: a server takes much more, but holds up everybody meanwhile.
const STEP_BYTES: usize = 16 * 1024 * 1024;

/// A write on its way, with what is needed to tell of it.
pub(crate) struct Commit<'a> {
    pub(crate) operation: &'static str,
    pub(crate) id: &'a str,
    pub(crate) writes: WriteSet<'a>,
    /// How long to look for the answer when the reply is lost.
    pub(crate) patience: Duration,
}

/// What is open after a fault: what became of a write that was sent. A fault that leaves nothing open is
/// given back.
fn open_outcome(fault: Fault) -> Result<Option<String>, Fault> {
    match fault {
        Fault::Lost(message) => Ok(Some(message)),
        Fault::Refused(_) => Ok(None),
        fault @ (Fault::NotSent(_) | Fault::RuntimeEnded) => Err(fault),
    }
}

/// Sends what operations write.
pub(crate) struct Writer {
    connection: Arc<Connection>,
    inserts: Inserts,
    swaps: Swaps,
    requests: Requests,
}

impl Writer {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        let (inserts, swaps) = (Inserts::new(&connection), Swaps::new(&connection));
        let requests = Requests::new(&connection);
        Self { connection, inserts, swaps, requests }
    }

    /// Sends what an operation writes and returns the script's answer, or `None` where a new item or a plain
    /// update was written together with others.
    pub(crate) async fn commit(&self, commit: Commit<'_>) -> Result<Option<Answer>, Error> {
        let Commit { operation, id, writes, patience } = commit;
        let started = Instant::now();
        let together = match &writes {
            WriteSet::Conditional(call) => {
                return self.script(operation, id, call, None, started, patience).await.map(Some);
            }
            WriteSet::Insert { insert, .. } => self.inserts.write(insert.clone()).await,
            WriteSet::Swap { swap, .. } => self.swaps.write(swap.clone()).await,
            WriteSet::Request(request) => match self.requests.write(request.clone()).await {
                Ok(reply) => return Ok(Some(reply.into())),
                Err(fault) => Err(fault),
            },
        };
        let lost = match together {
            Ok(true) => return Ok(None),
            Ok(false) => None,
            Err(fault) => open_outcome(fault).map_err(|fault| fault.into_error(operation))?,
        };
        self.script(operation, id, &writes.script(), lost, started, patience).await.map(Some)
    }

    /// Sends what an operation writes for many items in one atomic step, or in several if they measure more
    /// than [`STEP_BYTES`]; each has an answer of its own.
    /// Where the step as a whole has none, each write is made again alone.
    pub(crate) async fn commit_many<C: AsRef<str>>(
        &self,
        operation: &'static str,
        commits: Vec<(C, WriteSet<'_>)>,
        patience: Duration,
    ) -> Vec<Result<Option<Answer>, Error>> {
        let mut answers = Vec::with_capacity(commits.len());
        let mut step = Vec::new();
        let mut bytes = 0;
        for commit in commits {
            let size = commit.1.bytes();
            if bytes + size > STEP_BYTES && !step.is_empty() {
                answers.extend(self.step(operation, std::mem::take(&mut step), patience).await);
                bytes = 0;
            }
            bytes += size;
            step.push(commit);
        }
        answers.extend(self.step(operation, step, patience).await);
        answers
    }

    async fn step<C: AsRef<str>>(
        &self,
        operation: &'static str,
        commits: Vec<(C, WriteSet<'_>)>,
        patience: Duration,
    ) -> Vec<Result<Option<Answer>, Error>> {
        let started = Instant::now();
        if commits.is_empty() {
            return Vec::new();
        }
        let inserts = commits.iter().map(|(_, writes)| writes.insert().cloned());
        let sent = match inserts.collect::<Option<Vec<_>>>() {
            Some(inserts) => {
                let written = insert_all(&self.connection, &inserts).await;
                let none = || commits.iter().map(|_| None).collect();
                written.map(|written| if written { none() } else { Vec::new() })
            }
            None => {
                let calls: Vec<_> = commits.iter().map(|(_, writes)| writes.script()).collect();
                let replies = self.connection.scripts(&calls.iter().collect::<Vec<_>>()).await;
                let answer = |reply: Reply| Some(Answer::from(reply));
                replies.map(|replies| replies.into_iter().map(answer).collect())
            }
        };
        let (answers, lost): (Vec<Option<Answer>>, _) = match sent.map_err(open_outcome) {
            Ok(answers) => (answers, None),
            Err(Ok(lost)) => (Vec::new(), lost),
            Err(Err(fault)) => {
                let failed = |_| Err(fault.clone().into_error(operation));
                return commits.iter().map(failed).collect();
            }
        };
        if answers.len() == commits.len() {
            return answers.into_iter().map(Ok).collect();
        }
        let alone = commits.into_iter().map(|(id, writes)| {
            let lost = lost.clone();
            async move {
                let (id, call) = (id.as_ref(), writes.script());
                self.script(operation, id, &call, lost, started, patience).await.map(Some)
            }
        });
        futures_util::future::join_all(alone).await
    }

    /// Sends several script calls in one round trip; each has its own verdict. One whose reply is lost is
    /// made again alone, as by [`Writer::commit`].
    pub(crate) async fn commit_all(
        &self,
        operation: &'static str,
        calls: &[(ScriptCall, Duration)],
    ) -> Vec<Result<Reply, Error>> {
        let started = Instant::now();
        let sent: Vec<&ScriptCall> = calls.iter().map(|(call, _)| call).collect();
        let replies = match self.connection.scripts_apart(&sent).await {
            Ok(replies) => replies,
            Err(fault) => vec![Err(fault); calls.len()],
        };
        let mut ended = Vec::with_capacity(calls.len());
        for ((call, patience), reply) in calls.iter().zip(replies) {
            ended.push(match reply {
                Ok(reply) => Ok(reply),
                Err(Fault::Lost(message)) if !patience.is_zero() => {
                    let lost = Some(message);
                    let answer = self.script(operation, "", call, lost, started, *patience).await;
                    answer.map(|answer| answer.reply)
                }
                Err(fault) => Err(fault.into_error(operation)),
            });
        }
        ended
    }

    /// Calls a script until it answers. `lost` says what happened to an earlier attempt, if its
    /// outcome is open.
    ///
    /// While it is open, a refusal says nothing of the earlier attempt: the right to write may have been
    /// taken away since, or the server be another one by now. Only a full server has looked before it
    /// refuses.
    async fn script(
        &self,
        operation: &'static str,
        id: &str,
        call: &ScriptCall,
        mut lost: Option<String>,
        started: Instant,
        patience: Duration,
    ) -> Result<Answer, Error> {
        let unknown = |cause: String| {
            let waited = started.elapsed().min(patience);
            let kind = ErrorKind::OutcomeUnknown { commit: id.to_owned(), waited };
            Error::new(operation, kind).caused_by(cause)
        };
        let mut pause = Duration::from_millis(5);
        loop {
            let fault = match self.connection.script(call).await {
                Ok(reply) if lost.is_some() && is_untimely(&reply) => {
                    return Err(unknown("the server has forgotten writes of that time".to_owned()));
                }
                Ok(reply) => return Ok(Answer { reply, after_loss: lost.is_some() }),
                Err(fault) => fault,
            };
            match fault {
                Fault::Lost(message) => lost = Some(message),
                fault if lost.is_none() => return Err(fault.into_error(operation)),
                // The server loads, changes its role, or is not reached: it answers later.
                Fault::NotSent(_)
                | Fault::Refused(
                    ErrorKind::Loading | ErrorKind::ReadOnly(_) | ErrorKind::Unavailable(_),
                ) => {}
                // Nobody can ask any more what became of it.
                fault @ Fault::RuntimeEnded => {
                    return Err(unknown(fault.into_error(operation).kind().to_string()));
                }
                fault @ Fault::Refused(ErrorKind::OutOfMemory(_)) => {
                    return Err(fault.into_error(operation));
                }
                Fault::Refused(kind) => return Err(unknown(kind.to_string())),
            }
            if started.elapsed() >= patience {
                return Err(unknown(lost.unwrap_or_default()));
            }
            tracing::debug!(script = call.name(), commit = id, "reply lost, asking again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }
}

fn is_untimely(reply: &Reply) -> bool {
    matches!(reply, Reply::Array(parts) if parts.first() == Some(&Reply::Int(UNTIMELY)))
}
