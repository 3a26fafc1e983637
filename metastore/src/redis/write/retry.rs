//! When a write is sent again.
//!
//! There are two reasons, and both are decided here:
//!
//! - **The reply was lost.** The same script call with the same commit id is sent again until there
//!   is a reply, for at most the retry timeout. The script returns the same reply for the same
//!   commit id, so the caller learns the outcome, and the write is applied once, however often it
//!   was sent.
//! - **The write was refused for its time.** Its time was too far from the server's, or the server
//!   remembers that it refused an earlier attempt with this commit id. Nothing was written, so the
//!   operation starts again with the server's time and a new commit id, see [`Restarts`].

use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};
use crate::redis::command::Fault;

/// The pause before the first retry. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The longest pause between two retries.
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// How often an operation starts again with a new commit id.
const MAX_RESTARTS: u32 = 3;

/// For how long a write whose reply was lost is sent again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryPolicy {
    retry_timeout: Duration,
}

impl RetryPolicy {
    /// The write is sent once.
    pub(crate) const NEVER: Self = Self { retry_timeout: Duration::ZERO };

    /// The write is sent again for this time.
    pub(crate) fn for_at_most(retry_timeout: Duration) -> Self {
        Self { retry_timeout }
    }

    pub(super) fn is_never(self) -> bool {
        self.retry_timeout.is_zero()
    }
}

/// The attempts of one write, which share a commit id. It is also what is known of a commit when it
/// ends.
#[derive(Clone)]
pub(super) struct Attempts<'a> {
    pub(super) operation: &'static str,
    commit: &'a str,
    policy: RetryPolicy,
    started: Instant,
    /// How often the write was sent.
    made: u32,
    /// The cause, if the outcome of an attempt is unknown.
    lost: Option<String>,
    pause: Duration,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(operation: &'static str, commit: &'a str, policy: RetryPolicy) -> Self {
        let started = Instant::now();
        Self { operation, commit, policy, started, made: 0, lost: None, pause: FIRST_PAUSE }
    }

    /// The attempts of one write of several that were sent together.
    pub(super) fn of_one(&self, commit: &'a str) -> Self {
        Self { commit, ..self.clone() }
    }

    /// The attempts of one write of several that were sent together, after the loss of its reply.
    pub(super) fn after_loss(&self, policy: RetryPolicy, cause: String) -> Self {
        Self { policy, lost: Some(cause), ..self.clone() }
    }

    /// Counts an attempt.
    pub(super) fn sent(&mut self) {
        self.made += 1;
    }

    /// Whether the outcome of an attempt is unknown.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Takes the fault of an attempt that several writes shared. Each of them is then to be sent
    /// alone, unless the fault is returned.
    pub(super) fn shared_attempt_failed(&mut self, fault: Fault) -> Result<(), Fault> {
        match fault {
            Fault::Lost(cause) => self.lost = Some(cause),
            // All writes are refused if one of them is.
            Fault::Refused(_) => {}
            fault @ (Fault::NotSent(_) | Fault::RuntimeEnded) => return Err(fault),
        }
        Ok(())
    }

    /// Takes the fault of an attempt. Returns after a pause if the write is to be sent again, and
    /// the error otherwise.
    ///
    /// While the outcome of an earlier attempt is unknown, a refusal does not settle it: the
    /// permission to write may have been revoked since, or the server may be another one. Only a
    /// server that is out of memory has looked up the commit id before it refuses.
    pub(super) async fn failed(&mut self, script: &str, fault: Fault) -> Result<(), Error> {
        match fault {
            Fault::Lost(cause) => self.lost = Some(cause),
            fault if self.lost.is_none() => return Err(fault.into_error(self.operation)),
            // The server is loading, changes its role or cannot be reached: it will reply later.
            Fault::NotSent(_)
            | Fault::Refused(
                ErrorKind::Loading | ErrorKind::ReadOnly(_) | ErrorKind::Unavailable(_),
            ) => {}
            // No further attempt can be made.
            fault @ Fault::RuntimeEnded => {
                return Err(self.unknown(fault.into_error(self.operation).kind().to_string()));
            }
            fault @ Fault::Refused(ErrorKind::OutOfMemory(_)) => {
                return Err(fault.into_error(self.operation));
            }
            Fault::Refused(kind) => return Err(self.unknown(kind.to_string())),
        }
        if self.started.elapsed() >= self.policy.retry_timeout {
            let cause = self.lost.clone().unwrap_or_default();
            return Err(self.unknown(cause));
        }
        tracing::debug!(script, commit = self.commit, "reply lost, retrying");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        Ok(())
    }

    /// The error for a write whose outcome cannot be found out.
    pub(super) fn unknown(&self, cause: String) -> Error {
        let waited = self.started.elapsed().min(self.policy.retry_timeout);
        let kind = ErrorKind::OutcomeUnknown { commit: self.commit.to_owned(), waited };
        Error::new(self.operation, kind).caused_by(cause)
    }

    /// Measures a commit that has ended, of so many writes. Every commit passes here.
    pub(super) fn measure(&self, writes: usize) {
        tracing::debug!(
            operation = self.operation,
            commit = self.commit,
            writes,
            attempts = self.made,
            elapsed = ?self.started.elapsed(),
            "commit"
        );
    }
}

/// Counts how often an operation has started again with a new commit id.
#[derive(Default)]
pub(crate) struct Restarts {
    made: u32,
}

impl Restarts {
    /// Allows another restart, or returns the error for an operation that has started too often.
    pub(crate) fn restart(&mut self, operation: &'static str) -> Result<(), Error> {
        if self.made == MAX_RESTARTS {
            return Err(Self::exhausted(operation));
        }
        self.made += 1;
        Ok(())
    }

    /// The error for an operation that has started too often.
    pub(crate) fn exhausted(operation: &'static str) -> Error {
        let reason = "nothing was written: each attempt lost its reply, or the server's clock was changed; \
                      try again";
        Error::new(operation, ErrorKind::Unavailable(reason.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts_within(retry_timeout: Duration) -> Attempts<'static> {
        Attempts::new("test", "commit", RetryPolicy::for_at_most(retry_timeout))
    }

    #[tokio::test]
    async fn a_lost_reply_is_retried_until_the_timeout_and_is_unknown_then() {
        let lost = || Fault::Lost("cut".to_owned());
        let mut attempts = attempts_within(Duration::from_millis(12));
        let error = loop {
            if let Err(error) = attempts.failed("test", lost()).await {
                break error;
            }
        };
        assert!(matches!(error.kind(), ErrorKind::OutcomeUnknown { .. }), "{error:?}");
        let error = attempts_within(Duration::ZERO).failed("test", lost()).await;
        assert!(matches!(error.unwrap_err().kind(), ErrorKind::OutcomeUnknown { .. }));
    }

    #[tokio::test]
    async fn a_refusal_counts_only_if_no_attempt_is_lost() {
        let read_only = || Fault::Refused(ErrorKind::ReadOnly("replica".to_owned()));
        let mut attempts = attempts_within(Duration::from_secs(60));
        let error = attempts.clone().failed("test", read_only()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ReadOnly(_)), "{error:?}");
        attempts.failed("test", Fault::Lost("cut".to_owned())).await.unwrap();
        attempts.failed("test", read_only()).await.unwrap();
        let full = Fault::Refused(ErrorKind::OutOfMemory("full".to_owned()));
        let error = attempts.clone().failed("test", full).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutOfMemory(_)), "{error:?}");
        let denied = Fault::Refused(ErrorKind::Auth("denied".to_owned()));
        let error = attempts.failed("test", denied).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutcomeUnknown { .. }), "{error:?}");
    }

    #[test]
    fn an_operation_restarts_three_times() {
        let mut restarts = Restarts::default();
        for _ in 0..3 {
            restarts.restart("test").unwrap();
        }
        assert!(restarts.restart("test").unwrap_err().is_retryable());
    }
}
