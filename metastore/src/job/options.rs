//! The options of a requested job.

use std::time::Duration;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::store::MAX_TRACE_LEN;

/// The longest delay and timeout. A longer one is more likely a wrong unit than a wish.
const MAX_DURATION: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The priority of a job among the waiting jobs of its transformation.
///
/// Of every 16 jobs that are taken, about 11 prefer the high priority, 4 the normal one and 1 the
/// low one, so that no job starves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Priority {
    /// Taken before the others.
    High,
    /// The default.
    #[default]
    Normal,
    /// Taken after the others.
    Low,
}

impl Priority {
    /// The letter that scripts know it by.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::High => 'h',
            Self::Normal => 'n',
            Self::Low => 'l',
        }
    }
}

/// Options of a requested job.
///
/// ```
/// use metastore::{EnqueueOptions, Priority};
/// use std::time::Duration;
///
/// let options = EnqueueOptions::new().delay(Duration::from_secs(60)).priority(Priority::Low);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EnqueueOptions {
    pub(crate) delay: Duration,
    pub(crate) priority: Priority,
    pub(crate) timeout: Option<Duration>,
    pub(crate) trace: Option<String>,
}

impl EnqueueOptions {
    /// No delay, normal priority, and the timeout of the transformation or the worker.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The least time until the job runs, at most 10 years. It runs on the version that the item
    /// has by then. Default: no delay.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The priority among the waiting jobs of the transformation. Default: normal. Requesting a
    /// waiting job again with a higher priority raises its priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The time limit of one run of this job, from 1 ms to 10 years. Default: the limit of the
    /// transformation, or else of the worker.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The trace context of the caller, for example W3C's `traceparent`; at most 512 bytes. The
    /// worker's span and the handler's context contain it. Default: the value that the store's
    /// [`trace_source`](crate::StoreOptions::trace_source) returns.
    #[must_use]
    pub fn trace(mut self, context: impl Into<String>) -> Self {
        self.trace = Some(context.into());
        self
    }

    pub(crate) fn check(&self, operation: &'static str) -> Result<()> {
        let invalid = |message: &str| {
            Err(Error::new(operation, ErrorKind::InvalidArgument(message.to_owned())))
        };
        if self.delay > MAX_DURATION {
            return invalid("the delay must be at most 10 years");
        }
        let is_valid = |timeout| (Duration::from_millis(1)..=MAX_DURATION).contains(&timeout);
        if !self.timeout.is_none_or(is_valid) {
            return invalid("the timeout must be from 1 ms to 10 years");
        }
        if self.trace.as_ref().is_some_and(|trace| trace.len() > MAX_TRACE_LEN) {
            return invalid("the trace context must have at most 512 bytes");
        }
        Ok(())
    }
}
