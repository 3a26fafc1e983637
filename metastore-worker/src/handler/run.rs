//! One call of a handler, within its span and its hooks.

use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::context::JobContext;
use super::hook::{HandlerOutcome, Hook, JobRun};
use super::outcome::{HandlerFailure, HandlerResult};
use crate::future::BoxFuture;

/// Runs a handler within a span and its hooks; the first hook is the outermost.
pub(super) async fn run_with_hooks(
    contexts: Vec<JobContext>,
    cancelled: CancellationToken,
    hooks: Arc<[Hook]>,
    run: BoxFuture<'static, Vec<HandlerResult>>,
) -> Vec<HandlerResult> {
    // Cancelled however this function ends, so that work that the handler has spawned stops too.
    let _cancel = cancelled.drop_guard();
    let span = span(&contexts);
    let count = contexts.len();
    async move {
        let Some(first) = contexts.into_iter().next().filter(|_| !hooks.is_empty()) else {
            return run.await;
        };
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
            // The hook is called when the future is polled, so that its synchronous part runs in
            // order.
            next = JobRun { future: Box::pin(async move { hook(context, inner).await }) };
        }
        next.run().await;
        let results = results.lock().ok().and_then(|mut results| results.take());
        results.unwrap_or_else(|| {
            vec![Err(HandlerFailure::retryable("a hook did not run the handler")); count]
        })
    }
    .instrument(span)
    .await
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
