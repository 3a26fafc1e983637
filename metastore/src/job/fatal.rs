//! Errors that a retry cannot fix, and the message that is stored for a failed run.

use std::error::Error as StdError;
use std::fmt;

/// A non-retryable error of a handler: the job is dead at once, whatever its retries are.
///
/// Workers and [`run_with`](crate::ItemTransformation::run_with) find it anywhere in the chain of
/// sources, however it is boxed: in an `anyhow::Error` with any context, in a `Box<dyn Error>`, or
/// as the source of an error of your own.
///
/// ```
/// use metastore::Fatal;
///
/// fn parse(text: &str) -> Result<u64, Fatal> {
///     text.parse().map_err(Fatal::new)
/// }
///
/// assert_eq!(parse("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
#[derive(Debug)]
pub struct Fatal(Mark);

impl Fatal {
    /// Marks an error as non-retryable. The message stays that of the error.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Mark(error.into()))
    }

    /// Whether an error or one of its sources is a `Fatal`.
    #[must_use]
    pub fn is_in(error: &(dyn StdError + 'static)) -> bool {
        error.is::<Mark>() || error.source().is_some_and(Self::is_in)
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.fmt(f)
    }
}

impl StdError for Fatal {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

/// The source of each [`Fatal`]. Wrappers that hide the type of an error, such as `anyhow::Error`,
/// `Arc` or a transparent error, still return its source.
#[derive(Debug)]
struct Mark(Box<dyn StdError + Send + Sync>);

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("non-retryable")
    }
}

impl StdError for Mark {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// The message that is stored for a failed run: the error and its sources, separated by `: `.
#[must_use]
pub fn failure_message(error: &(dyn StdError + 'static)) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        if !error.is::<Mark>() {
            message.push_str(": ");
            message.push_str(&error.to_string());
        }
        source = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use anyhow::Context as _;

    use super::*;

    #[derive(Debug)]
    struct Own(Box<dyn StdError + Send + Sync>);

    impl fmt::Display for Own {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("own")
        }
    }

    impl StdError for Own {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&*self.0)
        }
    }

    /// Like an error with `#[error(transparent)]`: it forwards `Display` and `source`.
    #[derive(Debug)]
    struct Transparent(Fatal);

    impl fmt::Display for Transparent {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }

    impl StdError for Transparent {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.0.source()
        }
    }

    type Boxed = Box<dyn StdError + Send + Sync>;

    #[test]
    fn a_fatal_error_is_found_however_it_is_boxed() {
        let fatal = || Fatal::new("no luck");
        let table: Vec<(&str, Boxed)> = vec![
            ("itself", fatal().into()),
            ("anyhow", anyhow::Error::from(fatal()).into()),
            ("anyhow with context", anyhow::Error::from(fatal()).context("a").context("b").into()),
            ("context of a result", Err::<(), _>(fatal()).context("a").unwrap_err().into()),
            ("anyhow within Fatal", Fatal::new(anyhow::anyhow!("no luck").context("a")).into()),
            ("boxed within anyhow", anyhow::Error::from_boxed(Box::new(fatal())).into()),
            ("an error of one's own", Own(fatal().into()).into()),
            ("own, of an anyhow", Own(anyhow::Error::from(fatal()).into()).into()),
            ("a transparent error", Transparent(fatal()).into()),
            ("anyhow of a transparent error", anyhow::Error::from(Transparent(fatal())).into()),
            ("io::Error", io::Error::other(fatal()).into()),
            ("Arc", Arc::new(fatal()).into()),
            ("all of them", Own(io::Error::other(anyhow::Error::from(fatal())).into()).into()),
        ];
        for (name, error) in table {
            assert!(Fatal::is_in(&*error), "{name}: {error:?}");
        }
    }

    #[test]
    fn the_message_names_each_source_once_and_no_mark() {
        let table: Vec<(&str, Boxed)> = vec![
            ("no luck", Fatal::new("no luck").into()),
            ("a: no luck", anyhow::Error::from(Fatal::new("no luck")).context("a").into()),
            ("a: no luck", Fatal::new(anyhow::anyhow!("no luck").context("a")).into()),
            ("own: no luck", Own("no luck".into()).into()),
        ];
        for (message, error) in table {
            assert_eq!(failure_message(&*error), message, "{error:?}");
        }
    }

    #[test]
    fn other_errors_are_not_fatal() {
        let table: Vec<Boxed> = vec![
            "no luck".into(),
            anyhow::anyhow!("no luck").context("non-retryable").into(),
            io::Error::other("no luck").into(),
            Own("no luck".into()).into(),
        ];
        for error in table {
            assert!(!Fatal::is_in(&*error), "{error:?}");
        }
    }
}
