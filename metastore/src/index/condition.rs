//! Conditions of a query: intervals of indexes, joined by `and`.

use std::fmt;
use std::marker::PhantomData;

use super::interval::Interval;
use crate::error::{Error, ErrorKind};
use crate::key::Segment;

/// A condition on the items that a query returns, made from the constants of indexed fields.
#[must_use = "a condition does nothing until it is passed to `find`"]
pub struct Condition<T> {
    pub(crate) parts: Vec<Part>,
    /// The error of the first value that cannot be indexed.
    pub(crate) error: Option<ErrorKind>,
    document: PhantomData<fn(&T)>,
}

/// One interval of one index.
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
                Self { parts, error: None, document: PhantomData }
            }
            Err(reason) => {
                let error = ErrorKind::Unindexable { field: field.to_owned(), reason };
                Self { parts: Vec::new(), error: Some(error), document: PhantomData }
            }
        }
    }

    /// The items that meet both conditions.
    pub fn and(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self.error = self.error.or(other.error);
        self
    }

    pub(crate) fn check(self, operation: &'static str) -> Result<Vec<Part>, Error> {
        match self.error {
            None => Ok(self.parts),
            Some(kind) => Err(Error::new(operation, kind)),
        }
    }
}

impl<T> Clone for Condition<T> {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone(), error: self.error.clone(), document: PhantomData }
    }
}

impl<T> fmt::Debug for Condition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("parts", &self.parts).finish_non_exhaustive()
    }
}
