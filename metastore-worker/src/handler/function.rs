//! Wrapping user functions as handlers: items in, encoded results out.

use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use metastore::queue::{CurrentJobs, Queue, failure_message};
use metastore::{Collection, Fatal, Item};
use serde::Serialize;
use tokio_util::sync::DropGuard;

use super::context::JobContext;
use super::hook::Hook;
use super::outcome::{HandlerFailure, HandlerResult};
use super::run::{run_within, span};
use crate::future::BoxFuture;

/// The errors that a handler may return.
pub(crate) type HandlerError = Box<dyn StdError + Send + Sync>;

/// The future that a handler returns: its output is the transformation's result or an error.
#[diagnostic::on_unimplemented(
    message = "this handler does not return a future of `Result<{R}, _>`",
    label = "the handler returns `{Self}`",
    note = "a handler of a transformation to `{R}` is `async fn(Item<T>, JobContext) -> Result<{R}, E>`, with any error `E`; or a closure with an `async move` block"
)]
pub trait HandlerFuture<R, E>: Future<Output = Result<R, E>> {}

#[diagnostic::do_not_recommend]
impl<R, E, F: Future<Output = Result<R, E>>> HandlerFuture<R, E> for F {}

/// A handler of one job or of several jobs at once.
///
/// It returns the whole future of the call, with its span and hooks, so that a call needs one
/// allocation for its future.
pub(crate) type HandlerFn<T> = Arc<
    dyn Fn(Vec<Item<T>>, Vec<JobContext>, Arc<[Hook]>) -> BoxFuture<'static, Vec<HandlerResult>>
        + Send
        + Sync,
>;

pub(crate) fn single<T, R, F, Fut, E>(queue: Queue<T>, handler: F) -> HandlerFn<T>
where
    T: Collection,
    F: Fn(Item<T>, JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
    R: Serialize + Send + Sync + 'static,
    E: Into<HandlerError> + 'static,
{
    let (queue, handler) = (Arc::new(queue), Arc::new(handler));
    Arc::new(move |mut items, mut contexts, hooks| {
        let (queue, handler) = (queue.clone(), handler.clone());
        let (span, hook_context) = (span(&contexts), hook_context(&contexts, &hooks));
        let cancel = cancel_guard(&contexts);
        let run = async move {
            let _cancel = cancel;
            let (Some(item), Some(context)) = (items.pop(), contexts.pop()) else {
                return Vec::new();
            };
            let current = current_jobs(&queue, std::slice::from_ref(&context));
            // Called within the future, so that a panic before the first `.await` is caught too.
            let run = pin!(current.scope(async { handler(item, context).await }));
            vec![match catch_panic(run).await {
                Ok(Ok(result)) => encode(&queue, &result),
                Ok(Err(error)) => Err(failed(error)),
                Err(message) => Err(HandlerFailure::panic(message)),
            }]
        };
        run_within(span, hook_context, hooks, 1, run)
    })
}

pub(crate) fn batch<T, R, F, Fut, E>(queue: Queue<T>, handler: F) -> HandlerFn<T>
where
    T: Collection,
    F: Fn(Vec<Item<T>>, Vec<JobContext>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Vec<Result<R, E>>> + Send + 'static,
    R: Serialize + Send + Sync + 'static,
    E: Into<HandlerError> + Send + 'static,
{
    let (queue, handler) = (Arc::new(queue), Arc::new(handler));
    Arc::new(move |items, contexts, hooks| {
        let (queue, handler) = (queue.clone(), handler.clone());
        let count = items.len();
        let (span, hook_context) = (span(&contexts), hook_context(&contexts, &hooks));
        let cancel = cancel_guard(&contexts);
        let run = async move {
            let _cancel = cancel;
            let current = current_jobs(&queue, &contexts);
            let run = pin!(current.scope(async { handler(items, contexts).await }));
            match catch_panic(run).await {
                Ok(results) if results.len() == count => results
                    .into_iter()
                    .map(|result| match result {
                        Ok(result) => encode(&queue, &result),
                        Err(error) => Err(failed(error)),
                    })
                    .collect(),
                Ok(results) => {
                    let returned = results.len();
                    let message =
                        format!("the handler returned {returned} results for {count} items");
                    vec![Err(HandlerFailure::retryable(message)); count]
                }
                Err(message) => vec![Err(HandlerFailure::panic(message)); count],
            }
        };
        run_within(span, hook_context, hooks, count, run)
    })
}

/// The context that hooks receive, if there are any.
fn hook_context(contexts: &[JobContext], hooks: &[Hook]) -> Option<JobContext> {
    contexts.first().filter(|_| !hooks.is_empty()).cloned()
}

/// Cancels the token of a call however its handler ends, so that work that the handler has spawned
/// stops too. The jobs of a call share the token.
fn cancel_guard(contexts: &[JobContext]) -> Option<DropGuard> {
    contexts.first().map(|first| first.cancelled.clone().drop_guard())
}

fn current_jobs<T: Collection>(queue: &Queue<T>, contexts: &[JobContext]) -> CurrentJobs {
    let items = contexts.iter().map(|context| context.item.clone()).collect();
    CurrentJobs::new(queue.repo(), queue.schema().name, items)
}

fn encode<T: Collection, R: Serialize>(queue: &Queue<T>, result: &R) -> HandlerResult {
    // A panic in `Serialize` must fail the job, not the worker.
    match catch_unwind(AssertUnwindSafe(|| queue.encode(result))) {
        Ok(Ok(json)) => Ok(json),
        Ok(Err(error)) => Err(HandlerFailure::fatal(format!("cannot encode the result: {error}"))),
        Err(payload) => Err(HandlerFailure::panic(panic_message(&*payload))),
    }
}

fn failed(error: impl Into<HandlerError>) -> HandlerFailure {
    let error = error.into();
    let message = failure_message(&*error);
    if Fatal::is_in(&*error) {
        HandlerFailure::fatal(message)
    } else {
        HandlerFailure::retryable(message)
    }
}

/// Runs a future and catches a panic in it. It is borrowed, because each function that owns it
/// doubles the size of the whole call.
async fn catch_panic<F: Future>(mut future: Pin<&mut F>) -> Result<F::Output, String> {
    poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(payload) => Poll::Ready(Err(panic_message(&*payload))),
    })
    .await
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned());
    format!("the handler panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))
}
