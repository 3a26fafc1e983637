//! Requests of jobs that wait at the same moment leave together: one script call for all that ask the
//! same of the same queue.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::batcher::{BatchLimits, Batcher};
use super::command::{Fault, Reply, Verdict};
use super::conn::Connection;
use super::script::ScriptCall;

/// As many as a server carries out in about a millisecond.
const LIMITS: BatchLimits = BatchLimits { count: 64, bytes: usize::MAX };

/// A request of a job on one item.
pub(crate) struct Request {
    /// The call but for its items: what all requests of a kind have in common.
    pub(crate) head: ScriptCall,
    /// The item's arguments.
    pub(crate) item: [Bytes; 3],
}

impl Request {
    /// The call for this one alone.
    pub(crate) fn call(&self) -> ScriptCall {
        self.head.clone().args(self.item.iter().cloned())
    }
}

/// One request that waits for its batch.
struct Waiting {
    request: Arc<Request>,
    reply: oneshot::Sender<Result<Reply, Fault>>,
}

/// Requests of one kind, on their way in one call.
struct Together {
    head: ScriptCall,
    items: Vec<Bytes>,
    replies: Vec<oneshot::Sender<Result<Reply, Fault>>>,
}

/// The queue before a connection.
pub(crate) struct Requests(Batcher<Waiting>);

impl Requests {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self(Batcher::new(
            LIMITS,
            |_| 0,
            move |batch| {
                let connection = connection.clone();
                Box::pin(async move { write(&connection, batch).await })
            },
        ))
    }

    /// Sends a request together with whatever else waits. The reply is that of a call for this one alone.
    ///
    /// A refusal is one of all that were in the same call, and nothing is requested then.
    pub(crate) async fn write(&self, request: Arc<Request>) -> Result<Reply, Fault> {
        let (reply, answer) = oneshot::channel();
        self.0.hand_over(Waiting { request, reply });
        answer.await.unwrap_or_else(|_| Err(Fault::Lost("the store was closed".to_owned())))
    }
}

async fn write(connection: &Connection, batch: Vec<Waiting>) {
    let mut kinds: Vec<Together> = Vec::with_capacity(1);
    for Waiting { request, reply } in batch {
        let Request { head, item } = &*request;
        match kinds.iter_mut().find(|kind| kind.head == *head) {
            Some(kind) => {
                kind.items.extend_from_slice(item);
                kind.replies.push(reply);
            }
            None => kinds.push(Together {
                head: head.clone(),
                items: item.to_vec(),
                replies: vec![reply],
            }),
        }
    }
    let (calls, waiting): (Vec<_>, Vec<_>) =
        kinds.into_iter().map(|kind| (kind.head.args(kind.items), kind.replies)).unzip();
    let verdicts = match &calls[..] {
        [call] => vec![connection.script(call).await],
        calls => match connection.scripts_apart(&calls.iter().collect::<Vec<_>>()).await {
            Ok(verdicts) => verdicts,
            Err(fault) => vec![Err(fault); calls.len()],
        },
    };
    for (verdict, replies) in verdicts.into_iter().zip(waiting) {
        match verdict.and_then(|reply| apart(reply, replies.len())) {
            Ok(answers) => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    let _ = reply.send(Ok(answer));
                }
            }
            Err(fault) => {
                for reply in replies {
                    let _ = reply.send(Err(fault.clone()));
                }
            }
        }
    }
}

/// What the script says of each, as it would say it of one alone: {1, {code, job}}.
fn apart(reply: Reply, count: usize) -> Result<Vec<Reply>, Fault> {
    let strange = || Fault::Lost("a reply of another shape".to_owned());
    let mut verdict = Verdict::from_reply(reply, "enqueue").map_err(|_| strange())?;
    let code = verdict.code;
    let answers = verdict.array("enqueue").map_err(|_| strange())?;
    if answers.len() != count * 2 {
        return Err(strange());
    }
    let one =
        |answer: &[Reply]| Reply::Array(vec![Reply::Int(code), Reply::Array(answer.to_vec())]);
    Ok(answers.chunks(2).map(one).collect())
}
