//! One call of a handler, within its span and its hooks.

use std::future::Future;
use std::sync::{Arc, Mutex};

use tracing::Instrument;

use super::context::JobContext;
use super::hook::{HandlerOutcome, Hook, JobRun};
use super::outcome::{HandlerFailure, HandlerResult};
use crate::future::BoxFuture;

/// The future of a call: a handler within a span and its hooks; the first hook is the outermost.
///
/// This function is not `async`, because its future would then contain that of the handler several
/// times.
pub(super) fn run_within<F>(
    span: tracing::Span,
    hook_context: Option<JobContext>,
    hooks: Arc<[Hook]>,
    count: usize,
    run: F,
) -> BoxFuture<'static, Vec<HandlerResult>>
where
    F: Future<Output = Vec<HandlerResult>> + Send + 'static,
{
    match hook_context {
        None => Box::pin(run.instrument(span)),
        Some(first) => {
            let run = Box::pin(run);
            let run = async move { run_with_hooks(&first, count, &hooks, run).await };
            Box::pin(run.instrument(span))
        }
    }
}

async fn run_with_hooks(
    first: &JobContext,
    count: usize,
    hooks: &[Hook],
    run: BoxFuture<'static, Vec<HandlerResult>>,
) -> Vec<HandlerResult> {
    let results: Arc<Mutex<Option<Vec<HandlerResult>>>> = Arc::default();
    let store = results.clone();
    let mut next = JobRun {
        future: Box::pin(async move {
            let results = run.await;
            let outcome = results.first().map_or(HandlerOutcome::Done, HandlerOutcome::of);
            if let Ok(mut stored) = store.lock() {
                *stored = Some(results);
            }
            outcome
        }),
    };
    for hook in hooks.iter().rev() {
        let (hook, context, inner) = (hook.clone(), first.clone(), next);
        // The hook is called when the future is polled, so that its synchronous part runs in order.
        next = JobRun { future: Box::pin(async move { hook(context, inner).await }) };
    }
    next.run().await;
    let results = results.lock().ok().and_then(|mut results| results.take());
    results.unwrap_or_else(|| {
        vec![Err(HandlerFailure::retryable("a hook did not run the handler")); count]
    })
}

/// The span of a call.
pub(super) fn span(contexts: &[JobContext]) -> tracing::Span {
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
