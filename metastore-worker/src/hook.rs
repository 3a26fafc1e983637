//! What is done around each job: spans, measurements, an eye on panics.

use std::sync::Arc;

use crate::context::JobContext;
use crate::lane::BoxFuture;

/// How a handler ended, as a hook sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandlerEnd {
    /// With a result.
    Done,
    /// With an error, in words; `is_final` if it is not to be repeated.
    Failed {
        /// The error with its causes.
        message: String,
        /// Whether it was marked with [`Fatal`](crate::Fatal).
        is_final: bool,
    },
    /// With a panic, and what it said.
    Panicked {
        /// The message of the panic.
        message: String,
    },
}

/// The run of a handler, for a hook to await once. If it is dropped instead, the job fails.
pub struct JobRun {
    pub(crate) run: BoxFuture<'static, HandlerEnd>,
}

impl JobRun {
    /// Runs the handler to its end.
    pub async fn run(self) -> HandlerEnd {
        self.run.await
    }
}

/// A hook, boxed.
pub(crate) type Hook =
    Arc<dyn Fn(JobContext, JobRun) -> BoxFuture<'static, HandlerEnd> + Send + Sync>;
