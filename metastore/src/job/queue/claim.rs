//! `Claim`: the right of a worker to run and complete a job.

use crate::key::Id;
use crate::redis::command::Reply;
use crate::redis::script::ScriptCall;

/// A worker's claim on a job. It is valid until its lease expires. The fence makes an old claim
/// invalid once the job is taken again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The id of the item.
    pub item: Id,
    /// The id of the job, a ULID.
    pub job: String,
    /// The fencing token; it grows each time the job is taken.
    pub fence: u64,
}

impl Claim {
    /// Adds the claim to the arguments of a script.
    pub(super) fn add_to(&self, call: ScriptCall) -> ScriptCall {
        call.arg(self.item.as_str().to_owned()).arg(self.job.clone()).int(self.fence)
    }
}

/// Parses a counter of a job's record.
pub(super) fn counter(reply: &Reply) -> Option<u32> {
    reply.as_u64().and_then(|n| u32::try_from(n).ok())
}
