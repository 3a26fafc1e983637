//! The only function that writes.
//!
//! A write carries a commit id, and the script behind it gives the same answer when it is run again
//! with the same id. So when a reply is lost, the call is repeated until an answer comes: the caller
//! hears what became of its write, and it is applied once, however often it was sent.

use std::time::{Duration, Instant};

use super::command::{Command, Fault, Reply};
use super::conn::Connection;
use super::script::ScriptCall;
use crate::error::{Error, ErrorKind};

/// What an operation writes.
pub(crate) enum WriteSet {
    /// Commands that depend on nothing, sent as one MULTI … EXEC.
    Unconditional {
        commands: Vec<Command>,
        /// The same write as a script, which finds out what became of the first attempt.
        confirm: ScriptCall,
        /// What takes the write back if one of its commands failed, since nothing rolls back.
        undo: Vec<Command>,
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

/// Sends what an operation writes and returns the script's verdict, or `None` where the commands of
/// an unconditional write went through at once.
pub(crate) async fn commit(
    connection: &Connection,
    commit: Commit<'_>,
) -> Result<Option<Reply>, Error> {
    let started = Instant::now();
    let call = match commit.writes {
        WriteSet::Unconditional { commands, confirm, undo } => {
            match transaction(connection, commands).await {
                Ok(()) => return Ok(None),
                Err(Fault::Lost(_)) => confirm,
                Err(fault) => {
                    if matches!(fault, Fault::Refused(_)) {
                        let _ = connection.pipeline(undo).await;
                    }
                    return Err(fault.into_error(commit.operation));
                }
            }
        }
        WriteSet::Conditional(call) => call,
    };
    let mut pause = Duration::from_millis(5);
    // Until something was lost, a failure to send means that nothing happened.
    let mut lost = None;
    loop {
        let fault = match connection.script(&call).await {
            Ok(reply) => return Ok(Some(reply)),
            Err(fault) => fault,
        };
        match fault {
            Fault::Lost(message) => lost = Some(message),
            // While the outcome is open, a server that loads or changes its role will answer later.
            Fault::NotSent(_)
            | Fault::Refused(
                ErrorKind::Loading | ErrorKind::ReadOnly(_) | ErrorKind::Unavailable(_),
            ) if lost.is_some() => {}
            fault => return Err(fault.into_error(commit.operation)),
        }
        if started.elapsed() >= commit.patience {
            let waited = commit.patience;
            let kind = ErrorKind::OutcomeUnknown { commit: commit.id.to_owned(), waited };
            let error = Error::new(commit.operation, kind);
            return Err(match lost {
                Some(message) => error.caused_by(message),
                None => error,
            });
        }
        tracing::debug!(script = call.name(), commit = commit.id, "reply lost, asking again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

/// One pipelined MULTI … EXEC. fred's own transactions are not used: they wait for every reply in
/// flight first, and send everything again after a loss.
async fn transaction(connection: &Connection, commands: Vec<Command>) -> Result<(), Fault> {
    let mut all = Vec::with_capacity(commands.len() + 2);
    all.push(Command::new("MULTI"));
    all.extend(commands);
    all.push(Command::new("EXEC"));
    let mut replies = connection.pipeline(all).await?;
    match replies.pop() {
        Some(Ok(Reply::Array(_))) => Ok(()),
        // EXEC says only that something was refused before; the command itself says what.
        Some(Err(Fault::Refused(ErrorKind::Server(message))))
            if message.starts_with("EXECABORT") =>
        {
            let refused = replies.into_iter().find_map(Result::err);
            Err(refused.unwrap_or(Fault::Refused(ErrorKind::Server(message))))
        }
        Some(Err(fault)) => Err(fault),
        other => Err(Fault::Lost(format!("no reply to EXEC: {other:?}"))),
    }
}
