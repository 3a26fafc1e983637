//! Enqueues jobs. Concurrent requests for the same transformation share a script call.

use std::sync::Arc;

use crate::key::Id;
use crate::redis::args::Args;
use crate::redis::coalesce::{Batch, BatchLimits, BatchQueue, fail_all};
use crate::redis::command::{Fault, Reply, Verdict};
use crate::redis::connection::Connection;
use crate::redis::script::ScriptCall;

/// As many as a server executes in less than half a millisecond.
const LIMITS: BatchLimits = BatchLimits { count: 64, bytes: usize::MAX };

/// A job to be enqueued for one item.
pub(crate) struct EnqueueRequest {
    /// The script call without its items, which is the same for all requests for a transformation.
    pub(crate) head: Arc<ScriptCall>,
    pub(crate) id: Id,
    /// The id of the new job.
    pub(crate) job: String,
    /// The options of the job, as the script takes them.
    pub(crate) options: String,
}

impl EnqueueRequest {
    /// The script call for this request alone.
    pub(crate) fn script(&self) -> ScriptCall {
        script(&self.head, [self])
    }
}

/// One script call for requests that have the same head.
fn script<'a>(
    head: &ScriptCall,
    requests: impl IntoIterator<Item = &'a EnqueueRequest>,
) -> ScriptCall {
    let mut args = Args::default();
    for EnqueueRequest { id, job, options, .. } in requests {
        args.push(id.as_str().as_bytes());
        args.push(job.as_bytes());
        args.push(options.as_bytes());
    }
    head.clone().args(args.into_vec())
}

/// The queue of a connection.
pub(crate) struct EnqueueQueue(BatchQueue<Arc<EnqueueRequest>, Reply>);

impl EnqueueQueue {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        Self(BatchQueue::new(connection, LIMITS, |_| 0, send))
    }

    /// Sends a request together with concurrent ones. The reply is that of a call for this one
    /// alone.
    ///
    /// A refusal is that of all requests of the call, and no job was enqueued.
    pub(crate) async fn call(&self, request: Arc<EnqueueRequest>) -> Result<Reply, Fault> {
        self.0.call(request).await
    }
}

async fn send(connection: Arc<Connection>, batch: Batch<Arc<EnqueueRequest>, Reply>) {
    let mut groups: Vec<Batch<Arc<EnqueueRequest>, Reply>> = Vec::with_capacity(1);
    for pending in batch {
        let has_same_head = |group: &&mut Batch<Arc<EnqueueRequest>, _>| {
            group.first().is_some_and(|first| first.request.head == pending.request.head)
        };
        match groups.iter_mut().find(has_same_head) {
            Some(group) => group.push(pending),
            None => groups.push(vec![pending]),
        }
    }
    let call = |group: &Batch<Arc<EnqueueRequest>, _>| {
        let head = &group.first()?.request.head;
        Some(script(head, group.iter().map(|pending| &*pending.request)))
    };
    let calls: Vec<ScriptCall> = groups.iter().filter_map(call).collect();
    let replies = connection.pipeline_scripts(&calls).await;
    for (reply, group) in replies.into_iter().zip(groups) {
        match reply.and_then(|reply| split(reply, group.len())) {
            Ok(replies) => {
                for (pending, reply) in group.into_iter().zip(replies) {
                    pending.reply(Ok(reply));
                }
            }
            Err(fault) => fail_all(group, &fault),
        }
    }
}

/// Splits a reply into those that calls for each request alone would have: {1, {code, job,
/// number}}.
fn split(reply: Reply, count: usize) -> Result<Vec<Reply>, Fault> {
    let unexpected = |_| Fault::unexpected_reply();
    let mut verdict = Verdict::from_reply(reply, "enqueue").map_err(unexpected)?;
    let code = verdict.code;
    let replies = verdict.array("enqueue").map_err(unexpected)?;
    if replies.len() != count * 3 {
        return Err(Fault::unexpected_reply());
    }
    let of_one =
        |reply: &[Reply]| Reply::Array(vec![Reply::Int(code), Reply::Array(reply.to_vec())]);
    Ok(replies.chunks(3).map(of_one).collect())
}
