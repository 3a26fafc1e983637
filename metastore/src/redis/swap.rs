//! Plain updates that wait at the same moment leave as one script call.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::batcher::{BatchLimits, Batcher};
use super::command::{Fault, Verdict};
use super::conn::Connection;
use super::script::{SWAP, ScriptCall};

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
}

/// One write that waits for its batch.
struct Waiting {
    swap: Arc<Swap>,
    reply: oneshot::Sender<Result<bool, Fault>>,
}

/// The queue before a connection.
pub(crate) struct Swaps(Batcher<Waiting>);

impl Swaps {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        let size = |waiting: &Waiting| waiting.swap.document.len();
        Self(Batcher::new(LIMITS, size, move |batch: Vec<Waiting>| {
            let connection = connection.clone();
            Box::pin(async move {
                let (swaps, replies): (Vec<_>, Vec<_>) =
                    batch.into_iter().map(|waiting| (waiting.swap, waiting.reply)).unzip();
                let written = write(&connection, swaps).await;
                for (at, reply) in replies.into_iter().enumerate() {
                    let of_one = |all: &Vec<bool>| all.get(at).copied().unwrap_or(false);
                    let _ = reply.send(written.as_ref().map(of_one).map_err(Clone::clone));
                }
            })
        }))
    }

    /// Writes a version together with whatever else waits. False if nothing was done, because it is not as
    /// simple as that.
    ///
    /// A refusal is one of the whole batch, and nothing is written then.
    pub(crate) async fn write(&self, swap: Arc<Swap>) -> Result<bool, Fault> {
        let (reply, answer) = oneshot::channel();
        self.0.hand_over(Waiting { swap, reply });
        answer.await.unwrap_or_else(|_| Err(Fault::Lost("the store was closed".to_owned())))
    }
}

async fn write(connection: &Connection, swaps: Vec<Arc<Swap>>) -> Result<Vec<bool>, Fault> {
    let count = swaps.len();
    let call = swaps.iter().fold(ScriptCall::new(&SWAP), |call, swap| {
        let last = swap.expected.len() as u64 - 1;
        let call = call.key(swap.latest.clone()).key(swap.superseded.clone());
        call.arg(swap.expected.clone()).int(last).arg(swap.document.clone())
    });
    let strange = |_| Fault::Lost("a reply of another shape".to_owned());
    let mut verdict =
        Verdict::from_reply(connection.script(&call).await?, "update").map_err(strange)?;
    let mut written = vec![true; count];
    for left in verdict.array("update").map_err(strange)? {
        let number = left.as_u64().and_then(|number| usize::try_from(number).ok());
        match number.and_then(|number| written.get_mut(number.checked_sub(1)?)) {
            Some(one) => *one = false,
            None => return Err(Fault::Lost("a reply of another shape".to_owned())),
        }
    }
    Ok(written)
}
