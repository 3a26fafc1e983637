//! Errors that no retry helps against.

use std::error::Error as StdError;
use std::fmt;

/// An error that no retry helps against: the job is dead at once, whatever retries it has left.
///
/// It is found wherever it is in the chain of causes, and however it is boxed: in an `anyhow::Error` with
/// any context, in a `Box<dyn Error>`, in an error of your own that has it as its source.
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
pub struct Fatal(Mark);

impl Fatal {
    /// Marks an error as one that no retry helps against.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Mark(error.into()))
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

/// The cause of each [`Fatal`]. Whatever hides the type of an error, such as `anyhow::Error`, `Arc` or a
/// transparent wrapper, still tells its cause.
#[derive(Debug)]
struct Mark(Box<dyn StdError + Send + Sync>);

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no retry helps")
    }
}

impl StdError for Mark {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// Whether an error or one of its causes is [`Fatal`].
pub(crate) fn is_fatal(error: &(dyn StdError + 'static)) -> bool {
    is_mark(error) || error.source().is_some_and(is_fatal)
}

/// Whether this cause only says that an error is [`Fatal`].
pub(crate) fn is_mark(error: &(dyn StdError + 'static)) -> bool {
    error.is::<Mark>()
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

    /// As of `#[error(transparent)]`: it shows the other error, and that one's causes.
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
            assert!(is_fatal(&*error), "{name}: {error:?}");
        }
    }

    #[test]
    fn other_errors_are_not_fatal() {
        let table: Vec<Boxed> = vec![
            "no luck".into(),
            anyhow::anyhow!("no luck").context("no retry helps").into(),
            io::Error::other("no luck").into(),
            Own("no luck".into()).into(),
        ];
        for error in table {
            assert!(!is_fatal(&*error), "{error:?}");
        }
    }
}
