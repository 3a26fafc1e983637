//! `Claim`: the right of a worker to run and complete a job.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::job::live::{LiveJob, field};
use crate::key::Id;
use crate::redis::command::Reply;
use crate::redis::script::ScriptCall;

/// A worker's claim on a job. It is valid until its lease expires. The fence makes an old claim
/// invalid once the job is taken again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Claim {
    /// The id of the item.
    pub item: Id,
    /// The id of the job, a ULID.
    pub job: String,
    /// The fencing token; it grows each time a job of the queue is taken.
    pub fence: u64,
    /// What `take` said of the run, if that is known.
    pub(super) run: Option<Arc<Run>>,
}

/// A run as `take` returned it. With it, the script that completes the job need not parse what the
/// queue says of the job, unless that has changed.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Run {
    /// The text of the job in the queue.
    pub(super) text: Bytes,
    /// The origin of the item.
    pub(super) origin: String,
    /// When the item was created, in milliseconds.
    pub(super) created: u64,
}

impl Claim {
    /// The claim on a job that was taken with this fence.
    #[must_use]
    pub fn new(item: Id, job: String, fence: u64) -> Self {
        Self { item, job, fence, run: None }
    }

    /// Adds the member of the sorted set of leases, as `lease_of` in `lib/job.lua` makes it.
    pub(super) fn add_lease(&self, call: ScriptCall) -> ScriptCall {
        call.fmt(format_args!("{} {}", self.item, self.fence))
    }

    /// Adds the item, the lease and the run to the arguments of a script.
    pub(super) fn add_to(&self, call: ScriptCall) -> ScriptCall {
        let call = self.add_lease(call.text(self.item.as_str()));
        match &self.run {
            Some(run) => call.document(&run.text),
            None => call.text(&self.job),
        }
    }
}

/// What the record of a successful run says of it before its end, as `lib/record.lua` has it; empty
/// if it is not known.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::str::from_utf8(&self.text).unwrap_or_default();
        let mut words = text.splitn(11, ' ');
        let mut next = || words.next();
        let (Some(_), Some(job), Some(seq), Some(enqueued), Some(_)) =
            (next(), next(), next(), next(), next())
        else {
            return Ok(());
        };
        let (Some(fence), Some(attempts), Some(crashes), Some(_), Some(version), Some(last)) =
            (next(), next(), next(), next(), next(), next())
        else {
            return Ok(());
        };
        if self.origin.is_empty() {
            return Ok(());
        }
        let end = last.find(|c: char| !c.is_ascii_digit()).unwrap_or(last.len());
        let (started, mut fields) = last.split_at(end);
        let origin = &self.origin;
        write!(f, r#""job":"{job}","seq":{seq},"fence":{fence},"version":{version},"#)?;
        write!(f, r#""origin":"{origin}","enqueued":{enqueued},"started":{started}"#)?;
        if attempts != "0" || crashes != "0" {
            write!(f, r#","attempts":{attempts},"crashes":{crashes}"#)?;
        }
        while let Some((letter, value, rest)) = field(fields) {
            if letter == LiveJob::TRACE {
                let trace = serde_json::to_string(value).unwrap_or_default();
                write!(f, r#","trace":{trace}"#)?;
            }
            fields = rest;
        }
        Ok(())
    }
}

/// Parses a counter of a job's record.
pub(super) fn counter(reply: &Reply) -> Option<u32> {
    reply.as_u64().and_then(|n| u32::try_from(n).ok())
}
