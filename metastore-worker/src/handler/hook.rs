//! Hooks: user functions around each run of a handler.

use std::sync::Arc;

use super::context::JobContext;
use super::outcome::{FailureKind, HandlerResult};
use crate::future::BoxFuture;

/// How a handler ended, for a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandlerOutcome {
    /// The handler returned a result.
    Done,
    /// The handler returned an error, or its result cannot be stored.
    Failed {
        /// The error and its sources.
        message: String,
        /// Whether the run is not retried: the error was marked as [`Fatal`](crate::Fatal), or the
        /// result cannot be stored.
        is_fatal: bool,
    },
    /// The handler panicked.
    Panicked {
        /// The message of the panic.
        message: String,
    },
}

impl HandlerOutcome {
    pub(super) fn of(result: &HandlerResult) -> Self {
        let Err(failure) = result else { return Self::Done };
        let message = failure.message.clone();
        match failure.kind {
            FailureKind::Panic => Self::Panicked { message },
            kind => Self::Failed { message, is_fatal: kind == FailureKind::Fatal },
        }
    }
}

/// The run of a handler. A hook awaits it once; if it drops the run instead, the job fails.
pub struct JobRun {
    pub(super) future: BoxFuture<'static, HandlerOutcome>,
}

impl JobRun {
    /// Runs the handler and returns its outcome.
    pub async fn run(self) -> HandlerOutcome {
        self.future.await
    }
}

pub(crate) type Hook =
    Arc<dyn Fn(JobContext, JobRun) -> BoxFuture<'static, HandlerOutcome> + Send + Sync>;
