//! Plain updates that wait at the same moment leave as one script call.

use std::sync::Arc;

use bytes::Bytes;

use crate::redis::coalesce::{Batch, BatchLimits, Batcher, Waiting};
use crate::redis::command::{Fault, Verdict};
use crate::redis::connection::Connection;
use crate::redis::script::{COMPARE_AND_SWAP, ScriptCall};

/// As many as a server carries out in less than half a millisecond.
const LIMITS: BatchLimits = BatchLimits { count: 64, bytes: 1024 * 1024 };

/// A new version of an item that has nothing but versions.
#[derive(Clone, Debug)]
pub(crate) struct Swap {
    pub(crate) latest: Bytes,
    /// Where the expected version goes.
    pub(crate) superseded: Bytes,
    /// What the expected version begins with: its number, the id and its commit id.
    pub(crate) expected: Bytes,
    pub(crate) document: Bytes,
    /// The key of the collection's index entries, which another program may keep.
    pub(crate) entries: Bytes,
}

/// The queue before a connection.
pub(crate) struct Swaps(Batcher<Arc<Swap>, bool>);

impl Swaps {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        Self(Batcher::new(connection, LIMITS, |swap| swap.document.len(), write))
    }

    /// Writes a version together with whatever else waits. False if nothing was done, because it is not as
    /// simple as that.
    ///
    /// A refusal is one of the whole batch, and nothing is written then.
    pub(crate) async fn write(&self, swap: Arc<Swap>) -> Result<bool, Fault> {
        self.0.call(swap).await
    }
}

async fn write(connection: Arc<Connection>, batch: Batch<Arc<Swap>, bool>) {
    let written = call(&connection, &batch).await;
    for (at, waiting) in batch.into_iter().enumerate() {
        let of_one = |all: &Vec<bool>| all.get(at).copied().unwrap_or(false);
        waiting.answer(written.as_ref().map(of_one).map_err(Clone::clone));
    }
}

/// Whether each of them is written.
async fn call(
    connection: &Connection,
    batch: &[Waiting<Arc<Swap>, bool>],
) -> Result<Vec<bool>, Fault> {
    let call = batch.iter().fold(
        ScriptCall::new(&COMPARE_AND_SWAP),
        |call, Waiting { load: swap, .. }| {
            let last = swap.expected.len() as u64 - 1;
            let call = call.key(swap.latest.clone()).key(swap.superseded.clone());
            call.arg(swap.expected.clone()).int(last).arg(swap.document.clone())
        },
    );
    let mut collections: Vec<&Bytes> = Vec::with_capacity(1);
    for Waiting { load: swap, .. } in batch {
        if !collections.contains(&&swap.entries) {
            collections.push(&swap.entries);
        }
    }
    let count = collections.len() as u64;
    let call = call.keys(collections.into_iter().cloned()).int(count);
    let strange = |_| Fault::Lost("a reply of another shape".to_owned());
    let mut verdict =
        Verdict::from_reply(connection.script(&call).await?, "update").map_err(strange)?;
    let mut written = vec![true; batch.len()];
    for left in verdict.array("update").map_err(strange)? {
        let number = left.as_u64().and_then(|number| usize::try_from(number).ok());
        match number.and_then(|number| written.get_mut(number.checked_sub(1)?)) {
            Some(one) => *one = false,
            None => return Err(Fault::Lost("a reply of another shape".to_owned())),
        }
    }
    Ok(written)
}
