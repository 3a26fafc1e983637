//! Writes the next versions of items that have nothing but versions. Concurrent ones share a script
//! call.

use std::sync::Arc;

use bytes::Bytes;

use crate::key::{Address, Id};
use crate::redis::coalesce::{Batch, BatchLimits, BatchQueue, Pending};
use crate::redis::command::{Fault, Verdict};
use crate::redis::connection::Connection;
use crate::redis::script::{COMPARE_AND_SWAP, ScriptCall};

/// As many as a server executes in less than half a millisecond.
const LIMITS: BatchLimits = BatchLimits { count: 64, bytes: 1024 * 1024 };

/// About how many bytes a key has besides the address and the id, and a number has.
const KEY_PARTS: usize = 16;
const NUMBER: usize = 8;

/// The next version of an item that has nothing but versions: no time to live, index entries,
/// audit, retention or triggered jobs.
#[derive(Clone, Debug)]
pub(crate) struct CompareAndSwap {
    pub(crate) address: Address,
    pub(crate) id: Id,
    /// The number of the expected version.
    pub(crate) version: u64,
    /// The beginning of the expected version: its number, the id and its commit id.
    pub(crate) expected: String,
    pub(crate) document: Bytes,
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
    let mut collections: Vec<&Address> = Vec::with_capacity(1);
    let (mut key_bytes, mut arg_bytes) = (0, 0);
    for Pending { request: swap, .. } in batch {
        if !collections.contains(&&swap.address) {
            collections.push(&swap.address);
        }
        key_bytes += 2 * (swap.address.as_str().len() + swap.id.as_str().len() + KEY_PARTS);
        arg_bytes += swap.expected.len() + swap.document.len() + NUMBER;
    }
    let keys = (2 * batch.len() + collections.len(), key_bytes);
    let args = (3 * batch.len() + 1, arg_bytes);
    let mut call = ScriptCall::with_capacity(&COMPARE_AND_SWAP, keys, args);
    for Pending { request: swap, .. } in batch {
        let (at, id) = (&swap.address, &swap.id);
        call = call
            .key_parts(at.latest_parts(id))
            .key_parts(at.version_parts(id, &swap.version.to_string()))
            .text(&swap.expected)
            .int(swap.expected.len() as u64 - 1)
            .document(&swap.document);
    }
    let count = collections.len() as u64;
    let call = call.keys(collections.into_iter().map(Address::entries)).int(count);
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
