//! One call of a handler: within its span, its hooks, and nothing left behind.

use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::context::JobContext;
use crate::handler::Ending;
use crate::hook::{HandlerEnd, Hook, JobRun};
use crate::lane::BoxFuture;

/// Runs a handler within a span, and the hooks around it, the first outermost.
pub(crate) async fn around(
    contexts: Vec<JobContext>,
    cancelled: CancellationToken,
    hooks: Arc<[Hook]>,
    run: BoxFuture<'static, Vec<Ending>>,
) -> Vec<Ending> {
    // However this function ends, work that the handler has started elsewhere hears of it.
    let _cancel = cancelled.drop_guard();
    let span = span(&contexts);
    let count = contexts.len();
    async move {
        let Some(first) = contexts.into_iter().next().filter(|_| !hooks.is_empty()) else {
            return run.await;
        };
        let told: Arc<Mutex<Option<Vec<Ending>>>> = Arc::default();
        let tell = told.clone();
        let mut next = JobRun {
            run: Box::pin(async move {
                let endings = run.await;
                let seen = endings.first().map_or(HandlerEnd::Done, seen);
                if let Ok(mut told) = tell.lock() {
                    *told = Some(endings);
                }
                seen
            }),
        };
        for hook in hooks.iter().rev() {
            let (hook, context, inner) = (hook.clone(), first.clone(), next);
            // Called when it is its turn, not while the hooks are put together.
            next = JobRun { run: Box::pin(async move { hook(context, inner).await }) };
        }
        next.run().await;
        let endings = told.lock().ok().and_then(|mut told| told.take());
        endings.unwrap_or_else(|| {
            let message = "a hook did not run the handler".to_owned();
            vec![Ending::Failure { message, is_final: false, panicked: false }; count]
        })
    }
    .instrument(span)
    .await
}

fn seen(ending: &Ending) -> HandlerEnd {
    match ending.clone() {
        Ending::Result(_) => HandlerEnd::Done,
        Ending::Failure { message, panicked: true, .. } => HandlerEnd::Panicked { message },
        Ending::Failure { message, is_final, .. } => HandlerEnd::Failed { message, is_final },
    }
}

fn span(contexts: &[JobContext]) -> tracing::Span {
    let Some(first) = contexts.first() else { return tracing::Span::none() };
    tracing::info_span!(
        "job",
        job = first.id,
        item = first.item.as_str(),
        queue = &*first.queue,
        attempt = first.attempt,
        batch = contexts.len(),
        trace = first.trace,
    )
}
