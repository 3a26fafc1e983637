//! The conditions of a query: intervals of indexes, joined by `and`.

use std::fmt;
use std::marker::PhantomData;

use super::Interval;
use crate::error::{Error, ErrorKind};
use crate::key::Segment;

/// Which items a query is to find. Made from the constants of indexed fields.
#[must_use = "a condition finds nothing until it is given to `find`"]
pub struct Condition<T> {
    pub(crate) parts: Vec<Part>,
    /// The first value that cannot be looked for.
    pub(crate) wrong: Option<ErrorKind>,
    document: PhantomData<fn(&T)>,
}

/// One stretch of one index.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) segment: Segment,
    pub(crate) interval: Interval,
}

impl<T> Condition<T> {
    pub(crate) fn one(field: &str, segment: Segment, interval: Result<Interval, String>) -> Self {
        match interval {
            Ok(interval) => {
                let parts = vec![Part { segment, interval }];
                Self { parts, wrong: None, document: PhantomData }
            }
            Err(reason) => {
                let wrong = ErrorKind::Unindexable { field: field.to_owned(), reason };
                Self { parts: Vec::new(), wrong: Some(wrong), document: PhantomData }
            }
        }
    }

    /// The items that meet both conditions.
    pub fn and(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self.wrong = self.wrong.or(other.wrong);
        self
    }

    pub(crate) fn check(self, operation: &'static str) -> Result<Vec<Part>, Error> {
        match self.wrong {
            None => Ok(self.parts),
            Some(kind) => Err(Error::new(operation, kind)),
        }
    }
}

impl<T> Clone for Condition<T> {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone(), wrong: self.wrong.clone(), document: PhantomData }
    }
}

impl<T> fmt::Debug for Condition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("parts", &self.parts).finish_non_exhaustive()
    }
}
