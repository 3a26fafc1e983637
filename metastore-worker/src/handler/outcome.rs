//! How a handler ended for one job, before it is recorded as a completion.

use bytes::Bytes;

/// The encoded result of a handler, or its failure.
pub(crate) type HandlerResult = Result<Bytes, HandlerFailure>;

#[derive(Clone, Debug)]
pub(crate) struct HandlerFailure {
    pub(crate) message: String,
    pub(crate) kind: FailureKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    Retryable,
    /// A retry cannot succeed.
    Fatal,
    /// The handler panicked; retried like an error.
    Panic,
}

impl HandlerFailure {
    pub(crate) fn retryable(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: FailureKind::Retryable }
    }

    pub(crate) fn fatal(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: FailureKind::Fatal }
    }

    pub(crate) fn panic(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: FailureKind::Panic }
    }
}
