//! The only function that writes.
//!
//! A write carries a commit id, and the script behind it gives the same answer when it is run again
//! with the same id. So when a reply is lost, the call is repeated until an answer comes: the caller
//! hears what became of its write, and it is applied once, however often it was sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::command::{Fault, Reply};
use super::conn::Connection;
use super::group::{Additions, Group};
use super::script::ScriptCall;
use crate::error::{Error, ErrorKind};

/// What an operation writes.
pub(crate) enum WriteSet {
    /// Additions that depend on nothing that is stored, written in a group.
    Unconditional {
        additions: Additions,
        /// The same write as a script: it writes what is missing and says how it stands, when the
        /// group was refused or its reply was lost.
        confirm: ScriptCall,
    },
    /// One script call, which checks first and then writes.
    Conditional(ScriptCall),
}

/// A write on its way, with what is needed to tell of it.
pub(crate) struct Commit<'a> {
    pub(crate) operation: &'static str,
    pub(crate) id: &'a str,
    pub(crate) writes: WriteSet,
    /// How long to look for the answer when the reply is lost.
    pub(crate) patience: Duration,
}

/// Sends what operations write.
pub(crate) struct Writer {
    connection: Arc<Connection>,
    group: Group,
}

impl Writer {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self { group: Group::start(connection.clone()), connection }
    }

    /// Sends what an operation writes and returns the script's verdict, or `None` where the additions
    /// of an unconditional write went through at once.
    pub(crate) async fn commit(&self, commit: Commit<'_>) -> Result<Option<Reply>, Error> {
        let Commit { operation, id, writes, patience } = commit;
        let started = Instant::now();
        match writes {
            WriteSet::Conditional(call) => {
                self.script(operation, id, &call, None, started, patience).await.map(Some)
            }
            WriteSet::Unconditional { additions, confirm } => {
                let undo = additions.undo();
                let lost = match self.group.write(additions).await {
                    Ok(()) => return Ok(None),
                    Err(Fault::Lost(message)) => Some(message),
                    Err(Fault::Refused(_)) => None,
                    Err(fault @ Fault::NotSent(_)) => return Err(fault.into_error(operation)),
                };
                let ended = self.script(operation, id, &confirm, lost, started, patience).await;
                // Nothing rolls back: of a transaction with a refused command, the rest is written.
                if ended.as_ref().is_err_and(|error| !error.is_retryable()) {
                    let _ = self.connection.pipeline(undo).await;
                }
                ended.map(Some)
            }
        }
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
