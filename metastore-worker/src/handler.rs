//! Handlers with their types taken away: items in, encoded ends out.

use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use metastore::queue::Queue;
use metastore::{Collection, Item};
use serde::Serialize;

use crate::context::JobContext;
use crate::fatal::{is_fatal, is_mark};
use crate::lane::BoxFuture;

/// What handlers may return as an error.
pub(crate) type HandlerError = Box<dyn StdError + Send + Sync>;

/// What a handler gives: a future of the transformation's result, or of an error.
#[diagnostic::on_unimplemented(
    message = "this handler does not give `Result<{R}, _>` in a future",
    label = "the handler gives `{Self}`",
    note = "a handler of a transformation to `{R}` is `async fn(Item<T>, JobContext) -> Result<{R}, E>`, with any error `E`; or a closure with an `async move` block"
)]
pub trait HandlerFuture<R, E>: Future<Output = Result<R, E>> {}

#[diagnostic::do_not_recommend]
impl<R, E, F: Future<Output = Result<R, E>>> HandlerFuture<R, E> for F {}

/// How the handler ended for one job.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    Result(Bytes),
    Failure { message: String, is_final: bool, panicked: bool },
}

/// A handler of one or several jobs at once.
pub(crate) type Handler<T> =
    Arc<dyn Fn(Vec<Item<T>>, Vec<JobContext>) -> BoxFuture<'static, Vec<Ending>> + Send + Sync>;

pub(crate) fn single<T, R, F, Fut, E>(queue: Queue<T>, handler: F) -> Handler<T>
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
            // Called in here, so that a panic before the first `.await` is caught too.
            let ended = guarded(async move { handler(item, context).await }).await;
            vec![match ended {
                Ok(Ok(result)) => encode(&queue, &result),
                Ok(Err(error)) => failed(error),
                Err(message) => panicked(message),
            }]
        })
    })
}

pub(crate) fn batch<T, R, F, Fut, E>(queue: Queue<T>, handler: F) -> Handler<T>
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
            match guarded(async move { handler(items, contexts).await }).await {
                Ok(results) if results.len() == count => results
                    .into_iter()
                    .map(|result| match result {
                        Ok(result) => encode(&queue, &result),
                        Err(error) => failed(error),
                    })
                    .collect(),
                Ok(results) => {
                    let given = results.len();
                    let message = format!("the handler gave {given} results for {count} items");
                    vec![Ending::Failure { message, is_final: false, panicked: false }; count]
                }
                Err(message) => vec![panicked(message); count],
            }
        })
    })
}

fn encode<T: Collection, R: Serialize>(queue: &Queue<T>, result: &R) -> Ending {
    // A result that panics while it is serialised is the handler's mistake too.
    match catch_unwind(AssertUnwindSafe(|| queue.encode(result))) {
        Ok(Ok(json)) => Ending::Result(json),
        Ok(Err(error)) => {
            let message = format!("the result: {error}");
            Ending::Failure { message, is_final: true, panicked: false }
        }
        Err(payload) => panicked(message_of(&*payload)),
    }
}

fn failed(error: impl Into<HandlerError>) -> Ending {
    let error = error.into();
    Ending::Failure { message: describe(&*error), is_final: is_fatal(&*error), panicked: false }
}

fn panicked(message: String) -> Ending {
    Ending::Failure { message, is_final: false, panicked: true }
}

/// Runs a future; a panic in it ends only that.
async fn guarded<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = Box::pin(future);
    poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(payload) => Poll::Ready(Err(message_of(&*payload))),
    })
    .await
}

fn message_of(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned());
    format!("the handler panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))
}

/// An error with its causes.
fn describe(error: &(dyn StdError + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        if !is_mark(error) {
            text.push_str(": ");
            text.push_str(&error.to_string());
        }
        cause = error.source();
    }
    text
}
