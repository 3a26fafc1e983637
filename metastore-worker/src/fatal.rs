//! Errors that no repetition mends.

use std::error::Error as StdError;
use std::fmt;

/// An error that no repetition mends: the job is dead at once, whatever retries it has left.
///
/// ```
/// use metastore_worker::Fatal;
///
/// fn parse(text: &str) -> Result<u64, Fatal> {
///     text.parse().map_err(Fatal::new)
/// }
///
/// assert_eq!(parse("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
#[derive(Debug)]
pub struct Fatal(Box<dyn StdError + Send + Sync>);

impl Fatal {
    /// Marks an error as one that no repetition mends.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Fatal {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// Whether an error or one of its causes is [`Fatal`].
pub(crate) fn is_fatal(error: &(dyn StdError + 'static)) -> bool {
    error.is::<Fatal>() || error.source().is_some_and(is_fatal)
}
