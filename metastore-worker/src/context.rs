//! What a handler is told about its job, and can tell of it.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use metastore::{Id, Progress, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::lane::BoxFuture;

/// The least time between two notes of a job's progress; the ones between are left out.
const PROGRESS_PAUSE: Duration = Duration::from_millis(200);

/// What handlers share, by type; see [`WorkerBuilder::state`](crate::WorkerBuilder::state).
pub(crate) type States = Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>;

/// What a handler is told about its job.
#[derive(Clone)]
#[non_exhaustive]
pub struct JobContext {
    /// The id of the job, a ULID.
    pub id: String,
    /// The id of the item.
    pub item: Id,
    /// The collection and the transformation: `domain:app:collection:transformation`.
    pub queue: Arc<str>,
    /// Which attempt this is, counted from 1: if it fails, the job's `attempts` is this number. A run that a
    /// crash or a stop cut short is made again under the same number; see `crashes`.
    pub attempt: u32,
    /// How often a worker stopped or froze while it ran this job.
    pub crashes: u32,
    /// Grows each time that the job is taken; pass it on to whatever must refuse a late writer.
    pub fence: u64,
    /// How long the job could have been taken and was not.
    pub waited: Duration,
    /// The trace context of whoever requested the job.
    pub trace: Option<String>,
    /// Cancelled when the job is no longer this worker's, or its time is up. The handler is dropped
    /// at its next `.await` in any case; this is for work that it has started elsewhere.
    pub cancelled: CancellationToken,
    pub(crate) states: States,
    pub(crate) reporter: Arc<Reporter>,
}

/// Notes progress in the job's record.
pub(crate) struct Reporter {
    pub(crate) note: Box<dyn Fn(f64, String) -> BoxFuture<'static, ()> + Send + Sync>,
    pub(crate) last: Mutex<Option<Instant>>,
    pub(crate) pause: Duration,
}

impl Reporter {
    pub(crate) fn new(
        note: impl Fn(f64, String) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self { note: Box::new(note), last: Mutex::new(None), pause: PROGRESS_PAUSE }
    }
}

impl JobContext {
    /// Says how far the job is: `fraction` from 0 to 1, and what it is at. `status()` of the
    /// transformation shows it, and `watch()` of the job tells it.
    ///
    /// At most one round trip, and none when the last note is less than 200 ms old, so it can be called
    /// in a loop. It never fails the job: a note that cannot be written is left out.
    pub async fn progress(&self, fraction: f64, message: impl Into<String>) {
        let now = Instant::now();
        {
            let Ok(mut last) = self.reporter.last.lock() else { return };
            if last.is_some_and(|last| now - last < self.reporter.pause) {
                return;
            }
            *last = Some(now);
        }
        // JSON knows no infinity, and a fraction has its bounds.
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        (self.reporter.note)(fraction, message.into()).await;
    }

    /// What [`WorkerBuilder::state`](crate::WorkerBuilder::state) was given of this type.
    #[must_use]
    pub fn state<S: Send + Sync + 'static>(&self) -> Option<Arc<S>> {
        self.states.get(&TypeId::of::<S>())?.clone().downcast().ok()
    }

    /// The context of a job that no queue knows, to call a handler directly in a test. What it reports
    /// with [`JobContext::progress`] is in [`TestNotes::progress`]; nothing is left out.
    ///
    /// ```
    /// use metastore::Item;
    /// use metastore_worker::JobContext;
    ///
    /// # #[derive(Clone)] struct Text { content: String }
    /// async fn measure(item: Item<Text>, job: JobContext) -> Result<u64, std::io::Error> {
    ///     job.progress(0.5, "measuring").await;
    ///     Ok(item.data.content.len() as u64)
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let (job, notes) = JobContext::for_test();
    /// let item = Item::for_test("abc123", Text { content: "hello".into() });
    /// assert_eq!(measure(item, job).await.unwrap(), 5);
    /// assert_eq!(notes.progress()[0].message, "measuring");
    /// # }
    /// ```
    #[must_use]
    pub fn for_test() -> (Self, TestNotes) {
        Self::for_test_with(HashMap::new())
    }

    /// As [`JobContext::for_test`], with a state that handlers share.
    #[must_use]
    pub fn for_test_with_state<S: Send + Sync + 'static>(state: S) -> (Self, TestNotes) {
        let state: Arc<dyn Any + Send + Sync> = Arc::new(state);
        Self::for_test_with(HashMap::from([(TypeId::of::<S>(), state)]))
    }

    fn for_test_with(states: HashMap<TypeId, Arc<dyn Any + Send + Sync>>) -> (Self, TestNotes) {
        let notes = TestNotes::default();
        let taken = notes.0.clone();
        let mut reporter = Reporter::new(move |fraction, message| {
            if let Ok(mut notes) = taken.lock() {
                notes.push(Progress::new(fraction, message, Timestamp::from_millis(0)));
            }
            Box::pin(async {})
        });
        reporter.pause = Duration::ZERO;
        let context = Self {
            id: ulid::Ulid::generate().to_string(),
            item: Id::from(ulid::Ulid::generate()),
            queue: Arc::from("test"),
            attempt: 1,
            crashes: 0,
            fence: 1,
            waited: Duration::ZERO,
            trace: None,
            cancelled: CancellationToken::new(),
            states: Arc::new(states),
            reporter: Arc::new(reporter),
        };
        (context, notes)
    }
}

/// What a handler reported in a test; from [`JobContext::for_test`].
#[derive(Clone, Debug, Default)]
pub struct TestNotes(Arc<Mutex<Vec<Progress>>>);

impl TestNotes {
    /// The notes of progress, in their order; their time is zero.
    #[must_use]
    pub fn progress(&self) -> Vec<Progress> {
        self.0.lock().map(|notes| notes.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for JobContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobContext")
            .field("id", &self.id)
            .field("item", &self.item)
            .field("queue", &self.queue)
            .field("attempt", &self.attempt)
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}
