//! `JobContext`: what a handler knows about its job, reporting progress, and blocking work.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metastore::Id;
use metastore::queue::Claim;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::call_state::CallState;
use super::progress::{Note, ReportedProgress, Reporter};

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
    /// The number of this attempt, counted from 1: one more than the runs that have failed. A run
    /// that was interrupted by a crash or a shutdown is repeated with the same number; see
    /// `crashes`.
    pub attempt: u32,
    /// How often a worker crashed or froze while it ran this job alone.
    pub crashes: u32,
    /// The fencing token; it grows each time the job is taken. Pass it to other systems that must
    /// refuse the writes of an outdated run.
    pub fence: u64,
    /// How long the job waited since it was ready to run.
    pub waited: Duration,
    /// The trace context of the request.
    pub trace: Option<String>,
    /// Cancelled when the handler has ended, when it has exceeded its time limit, when the job is
    /// cancelled, or when the worker has lost it. The handler itself is dropped at its next
    /// `.await`; use the token to stop work that it has spawned.
    pub cancelled: CancellationToken,
    pub(crate) states: States,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) call: Arc<CallState>,
}

impl JobContext {
    /// Reports the progress of the job: a fraction from 0 to 1, and what the handler is doing.
    /// Callers see it in [`JobStatus::progress`](metastore::JobStatus::progress) and by
    /// [`Job::watch`](metastore::Job::watch).
    ///
    /// Never waits, so it can be called in a loop. The report is stored in the background, at most
    /// one in 200 ms; of several in that time, the last one is stored at its end. A report that
    /// cannot be stored is dropped; it never fails the job.
    pub fn progress(&self, fraction: f64, message: impl Into<String>) {
        // JSON cannot represent NaN and infinity.
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        let note = Note { fraction, message: message.into() };
        self.reporter.report(|| self.claim(), note);
    }

    /// Runs a closure on a thread for blocking work, as [`tokio::task::spawn_blocking`] does.
    ///
    /// Such a closure cannot be stopped. So the job keeps its slot and its lease until the closure
    /// has ended, even if the handler has returned, has exceeded its time limit, or has been
    /// dropped because the job was cancelled. Its completion is recorded then, and it does not run
    /// twice at the same time. A long closure should check
    /// [`cancelled`](Self::cancelled) now and then. A stopping worker waits for it until
    /// [`drain_timeout`](crate::WorkerBuilder::drain_timeout).
    ///
    /// Work that is started by `tokio::task::spawn_blocking` itself is not counted: it continues
    /// beyond the time limit while the job is run again.
    pub fn spawn_blocking<F, R>(&self, work: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let guard = self.call.begin_blocking();
        tokio::task::spawn_blocking(move || {
            let _guard = guard;
            work()
        })
    }

    /// Returns the state of this type that was passed to
    /// [`WorkerBuilder::state`](crate::WorkerBuilder::state).
    #[must_use]
    pub fn state<S: Send + Sync + 'static>(&self) -> Option<Arc<S>> {
        self.states.get(&TypeId::of::<S>())?.clone().downcast().ok()
    }

    fn claim(&self) -> Claim {
        Claim::new(self.item.clone(), self.id.clone(), self.fence)
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
    ///     job.progress(0.5, "measuring");
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
            reporter: Arc::new(Reporter::Test(reported.clone())),
            call: CallState::new(Arc::new(Notify::new())),
        };
        (context, reported)
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
