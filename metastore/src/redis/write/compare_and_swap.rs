//! Writes the next versions of items that have nothing but versions. Concurrent ones share a script
//! call.

use std::sync::Arc;

use bytes::Bytes;

use crate::redis::coalesce::{Batch, BatchLimits, BatchQueue, Pending};
use crate::redis::command::{Fault, Verdict};
use crate::redis::connection::Connection;
use crate::redis::script::{COMPARE_AND_SWAP, ScriptCall};

/// As many as a server executes in less than half a millisecond.
const LIMITS: BatchLimits = BatchLimits { count: 64, bytes: 1024 * 1024 };

/// The next version of an item that has nothing but versions: no time to live, index entries,
/// audit, retention or triggered jobs.
#[derive(Clone, Debug)]
pub(crate) struct CompareAndSwap {
    pub(crate) latest: Bytes,
    /// The key to which the expected version moves.
    pub(crate) superseded: Bytes,
    /// The beginning of the expected version: its number, the id and its commit id.
    pub(crate) expected: Bytes,
    pub(crate) document: Bytes,
    /// The key of the collection's index entries, which another program may write.
    pub(crate) entries: Bytes,
}

/// The queue of a connection.
pub(crate) struct SwapQueue(BatchQueue<Arc<CompareAndSwap>, bool>);

impl SwapQueue {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        Self(BatchQueue::new(connection, LIMITS, |swap| swap.document.len(), send))
    }

    /// Writes a version together with concurrent ones. False if the script has left it out, because
    /// the item has more than versions or is at another one.
    ///
    /// A refusal is that of the whole batch, and nothing was written.
    pub(crate) async fn call(&self, swap: Arc<CompareAndSwap>) -> Result<bool, Fault> {
        self.0.call(swap).await
    }
}

async fn send(connection: Arc<Connection>, batch: Batch<Arc<CompareAndSwap>, bool>) {
    let written = call(&connection, &batch).await;
    for (at, pending) in batch.into_iter().enumerate() {
        let of_one = |all: &Vec<bool>| all.get(at).copied().unwrap_or(false);
        pending.reply(written.as_ref().map(of_one).map_err(Clone::clone));
    }
}

/// Whether each of them was written.
async fn call(
    connection: &Connection,
    batch: &[Pending<Arc<CompareAndSwap>, bool>],
) -> Result<Vec<bool>, Fault> {
    let call = batch.iter().fold(
        ScriptCall::new(&COMPARE_AND_SWAP),
        |call, Pending { request: swap, .. }| {
            let last = swap.expected.len() as u64 - 1;
            let call = call.key(swap.latest.clone()).key(swap.superseded.clone());
            call.arg(swap.expected.clone()).int(last).arg(swap.document.clone())
        },
    );
    let mut collections: Vec<&Bytes> = Vec::with_capacity(1);
    for Pending { request: swap, .. } in batch {
        if !collections.contains(&&swap.entries) {
            collections.push(&swap.entries);
        }
    }
    let count = collections.len() as u64;
    let call = call.keys(collections.into_iter().cloned()).int(count);
    let unexpected = |_| Fault::unexpected_reply();
    let mut verdict =
        Verdict::from_reply(connection.script(&call).await?, "update").map_err(unexpected)?;
    let mut written = vec![true; batch.len()];
    for left_out in verdict.array("update").map_err(unexpected)? {
        let number = left_out.as_u64().and_then(|number| usize::try_from(number).ok());
        match number.and_then(|number| written.get_mut(number.checked_sub(1)?)) {
            Some(one) => *one = false,
            None => return Err(Fault::unexpected_reply()),
        }
    }
    Ok(written)
}
