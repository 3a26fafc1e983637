//! `Record`: how the last job of a transformation ended, and its last result.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::job::status::JobState;
use crate::time::Timestamp;

/// How many bytes of a record are read for a status. What is before the result has fewer bytes,
/// unless another tool has written the record; small results are read with it.
pub(crate) const HEAD_LEN: usize = 8_192;

/// The record of a transformation, without the result; `lib/record.lua` writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    /// The last job, if it did not succeed.
    pub(crate) ended: Option<EndedJob>,
    /// The last job that succeeded, whose result is stored.
    #[serde(flatten)]
    pub(crate) last: Option<SucceededJob>,
}

/// A job that is dead or was cancelled.
#[derive(Debug, Deserialize)]
pub(crate) struct EndedJob {
    pub(crate) state: JobState,
    pub(crate) job: String,
    #[serde(default)]
    pub(crate) seq: u64,
    pub(crate) origin: String,
    #[serde(default)]
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) attempts: u32,
    #[serde(default)]
    pub(crate) crashes: u32,
    pub(crate) enqueued: Option<Timestamp>,
    pub(crate) started: Option<Timestamp>,
    pub(crate) finished: Option<Timestamp>,
    pub(crate) trace: Option<String>,
    pub(crate) error: Option<String>,
}

/// A job that succeeded.
#[derive(Debug, Deserialize)]
pub(crate) struct SucceededJob {
    pub(crate) job: String,
    #[serde(default)]
    pub(crate) seq: u64,
    pub(crate) origin: String,
    pub(crate) version: Option<u64>,
    #[serde(default)]
    pub(crate) attempts: u32,
    #[serde(default)]
    pub(crate) crashes: u32,
    pub(crate) enqueued: Option<Timestamp>,
    pub(crate) started: Option<Timestamp>,
    pub(crate) finished: Option<Timestamp>,
    pub(crate) trace: Option<String>,
    /// When the result expires, if that is before its item does.
    pub(crate) until: Option<Timestamp>,
}

impl Record {
    /// Parses what a record begins with; `None` if the text does not suffice, because another tool
    /// has written the record.
    pub(crate) fn parse_head(text: &[u8]) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        // A quotation mark within a text has a backslash in front, so this is not within one.
        const RESULT: &[u8] = b",\"result\":";
        match text.windows(RESULT.len()).position(|bytes| bytes == RESULT) {
            Some(end) => serde_json::from_slice(&[&text[..end], b"}"].concat()).ok(),
            None => serde_json::from_slice(text).ok(),
        }
    }
}

/// The part of a record with the result.
#[derive(Deserialize)]
pub(crate) struct StoredResult<'a> {
    #[serde(default)]
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) origin: String,
    pub(crate) until: Option<Timestamp>,
    #[serde(borrow)]
    pub(crate) result: Option<&'a RawValue>,
}
