//! The same operation on many elements: in chunks, with a result for each.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};

use crate::error::Result;

/// The elements of a chunk unless it is told otherwise: where larger ones stopped being faster.
const CHUNK: usize = 100;

/// The most elements of a chunk, so that none holds up the server for long.
const MAX_CHUNK: usize = 1_000;

/// The chunks on their way: one is carried out, one waits at the server, one is put together or taken apart.
const IN_FLIGHT: usize = 3;

type Results<'a, O> = Pin<Box<dyn Future<Output = Vec<Result<O>>> + Send + 'a>>;
type Run<'a, I, O> = Box<dyn Fn(Vec<I>) -> Results<'a, O> + Send + 'a>;

/// An operation on many elements: set what you need, then `.await` it for all results at once, or take
/// them from [`Bulk::stream`] as they come.
///
/// Elements are taken as they are needed and travel in chunks. Each chunk is one atomic step of the
/// server: nobody sees half of it. (One of more than 16 MiB is several steps, and one whose reply is lost, or
/// of which the server refuses a part, is looked up element by element.) Each element has a result of its own, in the order of the elements, and
/// one that is refused does not keep the others of its chunk from being carried out.
#[must_use = "nothing is done until this is awaited or its stream is read"]
pub struct Bulk<'a, I, O> {
    elements: BoxStream<'a, I>,
    run: Run<'a, I, O>,
    chunk: usize,
    progress: Option<Box<dyn FnMut(u64) + Send + 'a>>,
}

impl<'a, I: Send + 'a, O: Send + 'a> Bulk<'a, I, O> {
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

    /// The elements of one chunk, from 1 to 1,000. Default: 100.
    pub fn chunk(mut self, elements: usize) -> Self {
        self.chunk = elements.clamp(1, MAX_CHUNK);
        self
    }

    /// Calls this with the number of elements done after each chunk.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// The results as they come. At most four chunks are in memory, however many elements there are; what
    /// is not taken is not asked for.
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
