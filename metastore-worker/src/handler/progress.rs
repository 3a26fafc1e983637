//! `Reporter`: stores the progress that a handler reports, without making it wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metastore::queue::Claim;
use metastore::{Progress, Timestamp};
use tokio::runtime::Handle;

use crate::future::BoxFuture;

/// The least time between two stored progress reports of a job.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Where progress is stored: the queue of a handler.
pub(crate) trait ProgressSink: Send + Sync {
    fn store(&self, claim: Claim, note: Note) -> BoxFuture<'static, ()>;
}

/// What a handler has reported.
pub(crate) struct Note {
    pub(crate) fraction: f64,
    pub(crate) message: String,
}

/// The progress of one job.
pub(crate) enum Reporter {
    Queue { sink: Arc<dyn ProgressSink>, runtime: Handle, state: Mutex<State> },
    Test(ReportedProgress),
}

#[derive(Default)]
pub(crate) struct State {
    /// The last note that is not stored yet.
    pending: Option<Note>,
    /// Whether a task stores notes.
    is_storing: bool,
}

impl Reporter {
    pub(super) fn new(sink: Arc<dyn ProgressSink>, runtime: Handle) -> Self {
        Self::Queue { sink, runtime, state: Mutex::default() }
    }

    /// Stores a note in the background: at once, or when the interval since the last one is over.
    /// Of several notes in an interval the last one is stored.
    pub(super) fn report(self: &Arc<Self>, claim: impl FnOnce() -> Claim, note: Note) {
        match &**self {
            Self::Test(reported) => reported.push(note),
            Self::Queue { runtime, state, .. } => {
                {
                    let mut state = lock(state);
                    state.pending = Some(note);
                    if std::mem::replace(&mut state.is_storing, true) {
                        return;
                    }
                }
                let (reporter, claim) = (self.clone(), claim());
                runtime.spawn(async move { reporter.store_pending(claim).await });
            }
        }
    }

    async fn store_pending(&self, claim: Claim) {
        let Self::Queue { sink, state, .. } = self else { return };
        loop {
            let note = {
                let mut state = lock(state);
                let note = state.pending.take();
                state.is_storing = note.is_some();
                note
            };
            let Some(note) = note else { return };
            sink.store(claim.clone(), note).await;
            tokio::time::sleep(PROGRESS_INTERVAL).await;
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The progress reports of a handler in a test; made by
/// [`JobContext::for_test`](crate::JobContext::for_test).
#[derive(Clone, Debug, Default)]
pub struct ReportedProgress(Arc<Mutex<Vec<Progress>>>);

impl ReportedProgress {
    /// Returns the reports in their order; their time is zero.
    #[must_use]
    pub fn reports(&self) -> Vec<Progress> {
        self.0.lock().map(|reports| reports.clone()).unwrap_or_default()
    }

    fn push(&self, note: Note) {
        if let Ok(mut reports) = self.0.lock() {
            let Note { fraction, message } = note;
            reports.push(Progress::new(fraction, message, Timestamp::from_millis(0)));
        }
    }
}
