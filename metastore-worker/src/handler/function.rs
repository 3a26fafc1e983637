//! Wrapping user functions as handlers: items in, encoded results out.

use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use metastore::queue::{Queue, failure_message};
use metastore::{Collection, Fatal, Item};
use serde::Serialize;

use super::context::JobContext;
use super::outcome::{HandlerFailure, HandlerResult};
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
pub(crate) type HandlerFn<T> = Arc<
    dyn Fn(Vec<Item<T>>, Vec<JobContext>) -> BoxFuture<'static, Vec<HandlerResult>> + Send + Sync,
>;

pub(crate) fn single<T, R, F, Fut, E>(queue: Queue<T>, handler: F) -> HandlerFn<T>
where
    T: Collection,
    F: Fn(Item<T>, JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
    R: Serialize + Send + Sync + 'static,
    E: Into<HandlerError> + 'static,
{
    let handler = Arc::new(handler);
    Arc::new(move |mut items, mut contexts| {
        let (queue, handler) = (queue.clone(), handler.clone());
        Box::pin(async move {
            let (Some(item), Some(context)) = (items.pop(), contexts.pop()) else {
                return Vec::new();
            };
            // Called within the future, so that a panic before the first `.await` is caught too.
            let returned = catch_panic(async move { handler(item, context).await }).await;
            vec![match returned {
                Ok(Ok(result)) => encode(&queue, &result),
                Ok(Err(error)) => Err(failed(error)),
                Err(message) => Err(HandlerFailure::panic(message)),
            }]
        })
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
    let handler = Arc::new(handler);
    Arc::new(move |items, contexts| {
        let (queue, handler) = (queue.clone(), handler.clone());
        Box::pin(async move {
            let count = items.len();
            match catch_panic(async move { handler(items, contexts).await }).await {
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
        })
    })
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

/// Runs a future and catches a panic in it.
async fn catch_panic<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = Box::pin(future);
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
