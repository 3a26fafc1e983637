//! `JobContext`: what a handler knows about its job, and reporting progress.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use metastore::{Id, Progress, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::future::BoxFuture;

/// The least time between two stored progress reports of a job; reports in between are dropped.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// The shared states of all handlers, by type; see
/// [`WorkerBuilder::state`](crate::WorkerBuilder::state).
pub(crate) type States = Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>;

/// What a handler knows about its job.
#[derive(Clone)]
#[non_exhaustive]
pub struct JobContext {
    /// The id of the job, a ULID.
    pub id: String,
    /// The id of the item.
    pub item: Id,
    /// The label of the queue: `domain:app:collection:transformation`.
    pub queue: Arc<str>,
    /// The number of this attempt, counted from 1. A run that was interrupted by a crash or a
    /// shutdown is repeated with the same number; see `crashes`.
    pub attempt: u32,
    /// How often a worker crashed or froze while it ran this job.
    pub crashes: u32,
    /// The fencing token; it grows each time the job is taken. Pass it to other systems that must
    /// refuse the writes of an outdated run.
    pub fence: u64,
    /// How long the job waited since it was ready to run.
    pub waited: Duration,
    /// The trace context of the request.
    pub trace: Option<String>,
    /// Cancelled when the handler has ended, when it has exceeded its time limit, or when the
    /// worker has lost the job. The handler itself is dropped at its next `.await`; use the token
    /// to stop work that it has spawned.
    pub cancelled: CancellationToken,
    pub(crate) states: States,
    pub(crate) reporter: Arc<Reporter>,
}

/// Stores progress reports.
pub(crate) struct Reporter {
    report: Box<dyn Fn(f64, String) -> BoxFuture<'static, ()> + Send + Sync>,
    last: Mutex<Option<Instant>>,
    interval: Duration,
}

impl Reporter {
    pub(crate) fn new(
        report: impl Fn(f64, String) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self { report: Box::new(report), last: Mutex::new(None), interval: PROGRESS_INTERVAL }
    }
}

impl JobContext {
    /// Reports the progress of the job: a fraction from 0 to 1, and what the handler is doing.
    /// Callers see it in [`JobStatus::progress`](metastore::JobStatus::progress) and by
    /// [`Job::watch`](metastore::Job::watch).
    ///
    /// At most one round trip, and none if the last report is less than 200 ms old, so it can be
    /// called in a loop. A report that cannot be stored is dropped; it never fails the job.
    pub async fn progress(&self, fraction: f64, message: impl Into<String>) {
        let now = Instant::now();
        {
            let Ok(mut last) = self.reporter.last.lock() else { return };
            if last.is_some_and(|last| now - last < self.reporter.interval) {
                return;
            }
            *last = Some(now);
        }
        // JSON cannot represent NaN and infinity.
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        (self.reporter.report)(fraction, message.into()).await;
    }

    /// Returns the state of this type that was passed to
    /// [`WorkerBuilder::state`](crate::WorkerBuilder::state).
    #[must_use]
    pub fn state<S: Send + Sync + 'static>(&self) -> Option<Arc<S>> {
        self.states.get(&TypeId::of::<S>())?.clone().downcast().ok()
    }

    /// Creates the context of a job that is in no queue, to call a handler directly in a test.
    /// Every report of [`JobContext::progress`] is collected in the [`ReportedProgress`].
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
    /// let (job, reported) = JobContext::for_test();
    /// let item = Item::for_test("abc123", Text { content: "hello".into() });
    /// assert_eq!(measure(item, job).await.unwrap(), 5);
    /// assert_eq!(reported.reports()[0].message, "measuring");
    /// # }
    /// ```
    #[must_use]
    pub fn for_test() -> (Self, ReportedProgress) {
        Self::for_test_with(HashMap::new())
    }

    /// Like [`JobContext::for_test`], with a shared state.
    #[must_use]
    pub fn for_test_with_state<S: Send + Sync + 'static>(state: S) -> (Self, ReportedProgress) {
        let state: Arc<dyn Any + Send + Sync> = Arc::new(state);
        Self::for_test_with(HashMap::from([(TypeId::of::<S>(), state)]))
    }

    fn for_test_with(
        states: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    ) -> (Self, ReportedProgress) {
        let reported = ReportedProgress::default();
        let reports = reported.0.clone();
        let mut reporter = Reporter::new(move |fraction, message| {
            if let Ok(mut reports) = reports.lock() {
                reports.push(Progress::new(fraction, message, Timestamp::from_millis(0)));
            }
            Box::pin(async {})
        });
        reporter.interval = Duration::ZERO;
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
        (context, reported)
    }
}

/// The progress reports of a handler in a test; made by [`JobContext::for_test`].
#[derive(Clone, Debug, Default)]
pub struct ReportedProgress(Arc<Mutex<Vec<Progress>>>);

impl ReportedProgress {
    /// Returns the reports in their order; their time is zero.
    #[must_use]
    pub fn reports(&self) -> Vec<Progress> {
        self.0.lock().map(|reports| reports.clone()).unwrap_or_default()
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
