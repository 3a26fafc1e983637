//! Requests of jobs that wait at the same moment leave together: one script call for all of the same
//! transformation.

use std::sync::Arc;

use crate::key::Id;
use crate::redis::args::Args;
use crate::redis::coalesce::{Batch, BatchLimits, Batcher, fail_all};
use crate::redis::command::{Fault, Reply, Verdict};
use crate::redis::connection::Connection;
use crate::redis::script::ScriptCall;

/// As many as a server carries out in less than half a millisecond.
const LIMITS: BatchLimits = BatchLimits { count: 64, bytes: usize::MAX };

/// A request of a job on one item.
pub(crate) struct Request {
    /// The call but for its items: what all requests of a transformation have in common.
    pub(crate) head: Arc<ScriptCall>,
    pub(crate) id: Id,
    /// The id of the new job.
    pub(crate) job: String,
    /// What is wished of the job, as the script takes it.
    pub(crate) wishes: String,
}

impl Request {
    /// The call for this one alone.
    pub(crate) fn call(&self) -> ScriptCall {
        together(&self.head, [self])
    }
}

/// One call for requests that have their head in common.
fn together<'a>(head: &ScriptCall, requests: impl IntoIterator<Item = &'a Request>) -> ScriptCall {
    let mut args = Args::default();
    for Request { id, job, wishes, .. } in requests {
        args.push(id.as_str().as_bytes());
        args.push(job.as_bytes());
        args.push(wishes.as_bytes());
    }
    head.clone().args(args.into_vec())
}

/// The queue before a connection.
pub(crate) struct Requests(Batcher<Arc<Request>, Reply>);

impl Requests {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        Self(Batcher::new(connection, LIMITS, |_| 0, write))
    }

    /// Sends a request together with whatever else waits. The reply is that of a call for this one alone.
    ///
    /// A refusal is one of all that were in the same call, and nothing is requested then.
    pub(crate) async fn write(&self, request: Arc<Request>) -> Result<Reply, Fault> {
        self.0.call(request).await
    }
}

async fn write(connection: Arc<Connection>, batch: Batch<Arc<Request>, Reply>) {
    let mut kinds: Vec<Batch<Arc<Request>, Reply>> = Vec::with_capacity(1);
    for waiting in batch {
        let is_same = |kind: &&mut Batch<Arc<Request>, _>| {
            kind.first().is_some_and(|first| first.load.head == waiting.load.head)
        };
        match kinds.iter_mut().find(is_same) {
            Some(kind) => kind.push(waiting),
            None => kinds.push(vec![waiting]),
        }
    }
    let call = |kind: &Batch<Arc<Request>, _>| {
        let head = &kind.first()?.load.head;
        Some(together(head, kind.iter().map(|waiting| &*waiting.load)))
    };
    let calls: Vec<ScriptCall> = kinds.iter().filter_map(call).collect();
    let verdicts = match &calls[..] {
        [call] => vec![connection.script(call).await],
        calls => match connection.scripts_apart(&calls.iter().collect::<Vec<_>>()).await {
            Ok(verdicts) => verdicts,
            Err(fault) => vec![Err(fault); calls.len()],
        },
    };
    for (verdict, kind) in verdicts.into_iter().zip(kinds) {
        match verdict.and_then(|reply| apart(reply, kind.len())) {
            Ok(answers) => {
                for (waiting, answer) in kind.into_iter().zip(answers) {
                    waiting.answer(Ok(answer));
                }
            }
            Err(fault) => fail_all(kind, &fault),
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
