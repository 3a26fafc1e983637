//! The only function that writes.
//!
//! A write carries a commit id, and the script behind it gives the same answer when it is run again
//! with the same id. So when a reply is lost, the call is repeated until an answer comes: the caller
//! hears what became of its write, and it is applied once, however often it was sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::command::{Fault, Reply};
use super::conn::Connection;
use super::group::{self, Additions, Group};
use super::request::{Request, Requests};
use super::script::ScriptCall;
use super::swap::{Swap, Swaps};
use crate::error::{Error, ErrorKind};

/// A write as a script, made only when it is needed.
pub(crate) type Confirm<'a> = Box<dyn Fn() -> ScriptCall + Send + Sync + 'a>;

/// What an operation writes.
pub(crate) enum WriteSet<'a> {
    /// Additions that depend on nothing that is stored, written in a group.
    Unconditional {
        additions: Arc<Additions>,
        /// The same write as a script: it writes what is missing and says how it stands, when the
        /// group was refused or its reply was lost.
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
            Self::Unconditional { additions, .. } => additions.bytes(),
            Self::Conditional(call) => call.bytes(),
            Self::Swap { swap, .. } => swap.document.len(),
            Self::Request(_) => 0,
        }
    }

    fn additions(&self) -> Option<&Arc<Additions>> {
        match self {
            Self::Unconditional { additions, .. } => Some(additions),
            Self::Conditional(_) | Self::Swap { .. } | Self::Request(_) => None,
        }
    }

    fn script(&self) -> ScriptCall {
        match self {
            Self::Unconditional { confirm, .. } | Self::Swap { confirm, .. } => confirm(),
            Self::Conditional(call) => call.clone(),
            Self::Request(request) => request.call(),
        }
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
        fault @ Fault::NotSent(_) => Err(fault),
    }
}

/// Sends what operations write.
pub(crate) struct Writer {
    connection: Arc<Connection>,
    group: Group,
    swaps: Swaps,
    requests: Requests,
}

impl Writer {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        let (group, swaps) = (Group::new(&connection), Swaps::new(&connection));
        let requests = Requests::new(&connection);
        Self { connection, group, swaps, requests }
    }

    /// Sends what an operation writes and returns the script's verdict, or `None` where the additions
    /// of an unconditional write, or a plain update, went through at once.
    pub(crate) async fn commit(&self, commit: Commit<'_>) -> Result<Option<Reply>, Error> {
        let Commit { operation, id, writes, patience } = commit;
        let started = Instant::now();
        let fault = match &writes {
            WriteSet::Conditional(call) => {
                return self.script(operation, id, call, None, started, patience).await.map(Some);
            }
            WriteSet::Unconditional { additions, .. } => {
                match self.group.write(additions.clone()).await {
                    Ok(()) => return Ok(None),
                    Err(fault) => Some(fault),
                }
            }
            WriteSet::Swap { swap, .. } => match self.swaps.write(swap.clone()).await {
                Ok(true) => return Ok(None),
                Ok(false) => None,
                Err(fault) => Some(fault),
            },
            WriteSet::Request(request) => match self.requests.write(request.clone()).await {
                Ok(reply) => return Ok(Some(reply)),
                Err(fault) => Some(fault),
            },
        };
        let lost = match fault.map(open_outcome).transpose() {
            Ok(lost) => lost.flatten(),
            Err(fault) => return Err(fault.into_error(operation)),
        };
        self.alone(operation, id, &writes, lost, started, patience).await.map(Some)
    }

    /// Sends what an operation writes for many items in one atomic step, or in several if they measure more
    /// than [`STEP_BYTES`]; each has an answer of its own.
    /// Where the step as a whole has none, each write is made again alone.
    pub(crate) async fn commit_many<C: AsRef<str>>(
        &self,
        operation: &'static str,
        commits: Vec<(C, WriteSet<'_>)>,
        patience: Duration,
    ) -> Vec<Result<Option<Reply>, Error>> {
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
    ) -> Vec<Result<Option<Reply>, Error>> {
        let started = Instant::now();
        if commits.is_empty() {
            return Vec::new();
        }
        let additions = commits.iter().map(|(_, writes)| writes.additions().cloned());
        let sent = match additions.collect::<Option<Vec<_>>>() {
            Some(additions) => {
                let written = group::transaction(&self.connection, &additions).await;
                written.map(|()| vec![None; commits.len()])
            }
            None => {
                let calls: Vec<_> = commits.iter().map(|(_, writes)| writes.script()).collect();
                let replies = self.connection.scripts(&calls.iter().collect::<Vec<_>>()).await;
                replies.map(|replies| replies.into_iter().map(Some).collect())
            }
        };
        let (answers, lost) = match sent {
            Ok(answers) => (answers, None),
            Err(fault) => match open_outcome(fault) {
                Ok(lost) => (Vec::new(), lost),
                Err(fault) => {
                    let failed = |_| Err(fault.clone().into_error(operation));
                    return commits.iter().map(failed).collect();
                }
            },
        };
        if answers.len() == commits.len() {
            return answers.into_iter().map(Ok).collect();
        }
        let alone = commits.into_iter().map(|(id, writes)| {
            let lost = lost.clone();
            async move {
                self.alone(operation, id.as_ref(), &writes, lost, started, patience).await.map(Some)
            }
        });
        futures_util::future::join_all(alone).await
    }

    /// Makes a write again by itself. If it is refused, what a transaction has written of it is taken
    /// back: nothing rolls back, so of one with a refused command the rest is there.
    async fn alone(
        &self,
        operation: &'static str,
        id: &str,
        writes: &WriteSet<'_>,
        lost: Option<String>,
        started: Instant,
        patience: Duration,
    ) -> Result<Reply, Error> {
        let ended = self.script(operation, id, &writes.script(), lost, started, patience).await;
        if let Some(additions) = writes.additions()
            && ended.as_ref().is_err_and(|error| !error.is_retryable())
        {
            let _ = self.connection.pipeline(additions.undo()).await;
        }
        ended
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
                    self.script(operation, "", call, Some(message), started, *patience).await
                }
                Err(fault) => Err(fault.into_error(operation)),
            });
        }
        ended
    }

    /// Calls a script until it answers. `lost` says what happened to an earlier attempt, if its
    /// outcome is open.
    async fn script(
        &self,
        operation: &'static str,
        id: &str,
        call: &ScriptCall,
        mut lost: Option<String>,
        started: Instant,
        patience: Duration,
    ) -> Result<Reply, Error> {
        let mut pause = Duration::from_millis(5);
        loop {
            let fault = match self.connection.script(call).await {
                Ok(reply) => return Ok(reply),
                Err(fault) => fault,
            };
            match fault {
                Fault::Lost(message) => lost = Some(message),
                // While the outcome is open, a server that loads or changes its role answers later.
                Fault::NotSent(_)
                | Fault::Refused(
                    ErrorKind::Loading | ErrorKind::ReadOnly(_) | ErrorKind::Unavailable(_),
                ) if lost.is_some() => {}
                fault => return Err(fault.into_error(operation)),
            }
            if started.elapsed() >= patience {
                let kind = ErrorKind::OutcomeUnknown { commit: id.to_owned(), waited: patience };
                let error = Error::new(operation, kind);
                return Err(match lost {
                    Some(message) => error.caused_by(message),
                    None => error,
                });
            }
            tracing::debug!(script = call.name(), commit = id, "reply lost, asking again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }
}
