//! One operation on many elements: in chunks, with a result for each element.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};

use crate::error::{Error, Result};

/// The default number of elements in a chunk: larger chunks were not faster.
const CHUNK: usize = 100;

/// The most elements of a chunk, so that none blocks the server for long.
const MAX_CHUNK: usize = 1_000;

/// How many chunks are in flight: one runs on the server, one waits there, one is encoded or
/// decoded.
const IN_FLIGHT: usize = 3;

type Results<'a, O> = Pin<Box<dyn Future<Output = Vec<Result<O>>> + Send + 'a>>;
type Run<'a, I, O> = Box<dyn Fn(Vec<I>) -> Results<'a, O> + Send + 'a>;

/// An operation on many elements. Set its options, then `.await` it for all results at once, or
/// take the results from [`Bulk::stream`] as they arrive.
///
/// Elements are taken from the iterator or stream as they are needed, and are sent in chunks. Each
/// chunk is one atomic step of the server: no reader sees half of it. There are two exceptions. A
/// chunk of more than 16 MiB is several steps. And if the reply to a chunk is lost, or the server
/// refuses a part of it, each of its elements is sent alone.
///
/// Each element has its own result, in the order of the elements. An element that is refused does
/// not affect the others of its chunk.
#[must_use = "nothing is done until this is awaited or its stream is read"]
pub struct Bulk<'a, I, O> {
    elements: BoxStream<'a, I>,
    run: Run<'a, I, O>,
    chunk: usize,
    progress: Option<Box<dyn FnMut(u64) + Send + 'a>>,
}

impl<'a, I: Send + 'a, O: Send + 'a> Bulk<'a, I, O> {
    /// `run` returns a result for each element of a chunk, in their order.
    pub(crate) fn new<F>(
        elements: impl Stream<Item = I> + Send + 'a,
        run: impl Fn(Vec<I>) -> F + Send + 'a,
    ) -> Self
    where
        F: Future<Output = Vec<Result<O>>> + Send + 'a,
    {
        let run = move |chunk| -> Results<'a, O> { Box::pin(run(chunk)) };
        Self { elements: elements.boxed(), run: Box::new(run), chunk: CHUNK, progress: None }
    }

    /// The number of elements in a chunk, from 1 to 1,000. Default: 100.
    pub fn chunk(mut self, elements: usize) -> Self {
        self.chunk = elements.clamp(1, MAX_CHUNK);
        self
    }

    /// Calls a function after each chunk, with the number of elements that are done.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// The results as they arrive. At most four chunks are in memory, however many elements there
    /// are, and nothing is sent while no result is requested.
    pub fn stream(self) -> impl Stream<Item = Result<O>> + Send + 'a {
        let Self { elements, run, chunk, mut progress } = self;
        let mut done = 0;
        elements.chunks(chunk).map(run).buffered(IN_FLIGHT).flat_map(move |results| {
            done += results.len() as u64;
            if let Some(progress) = &mut progress {
                progress(done);
            }
            stream::iter(results)
        })
    }
}

impl<'a, I: Send + 'a, O: Send + 'a> IntoFuture for Bulk<'a, I, O> {
    type Output = Vec<Result<O>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.stream().collect())
    }
}

/// Runs an operation on the valid elements of a chunk. The result of an element that is not valid
/// is its error.
pub(crate) async fn run_valid<E, O, F>(
    elements: Vec<Result<E>>,
    run: impl FnOnce(Vec<E>) -> F,
) -> Vec<Result<O>>
where
    F: Future<Output = Vec<Result<O>>>,
{
    let mut invalid: Vec<Option<Error>> = Vec::with_capacity(elements.len());
    let mut valid = Vec::with_capacity(elements.len());
    for element in elements {
        invalid.push(match element {
            Ok(element) => {
                valid.push(element);
                None
            }
            Err(error) => Some(error),
        });
    }
    let mut results = run(valid).await.into_iter();
    let result = |invalid| match invalid {
        Some(error) => Some(Err(error)),
        None => results.next(),
    };
    invalid.into_iter().filter_map(result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[tokio::test]
    async fn results_are_in_the_order_of_the_elements_and_errors_stay_in_place() {
        let invalid = || Err(Error::new("test", ErrorKind::NotFound));
        let run = |valid: Vec<i32>| async move { valid.into_iter().map(|n| Ok(n * 10)).collect() };
        let results = run_valid(vec![Ok(1), invalid(), Ok(2), invalid()], run).await;
        let shown: Vec<Option<i32>> = results.into_iter().map(Result::ok).collect();
        assert_eq!(shown, [Some(10), None, Some(20), None]);
    }
}
