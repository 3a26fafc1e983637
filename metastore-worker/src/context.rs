//! What a handler is told about its job, and can tell of it.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::lane::BoxFuture;

/// The least time between two notes of a job's progress; the ones between are left out.
const PROGRESS_PAUSE: Duration = Duration::from_millis(200);

/// What a handler is told about its job.
#[derive(Clone)]
#[non_exhaustive]
pub struct JobContext {
    /// The id of the job, a ULID.
    pub id: String,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
    /// Grows each time that the job is taken; pass it on to whatever must refuse a late writer.
    pub fence: u64,
    /// Cancelled when the job is no longer this worker's, or its time is up. The handler is dropped
    /// at its next `.await` in any case; this is for work that it has started elsewhere.
    pub cancelled: CancellationToken,
    pub(crate) reporter: Arc<Reporter>,
}

/// Notes progress in the job's record.
pub(crate) struct Reporter {
    pub(crate) note: Box<dyn Fn(f64, String) -> BoxFuture<'static, ()> + Send + Sync>,
    pub(crate) last: Mutex<Option<Instant>>,
}

impl JobContext {
    /// Says how far the job is: `fraction` from 0 to 1, and what it is at. `status()` of the
    /// transformation shows it.
    ///
    /// At most one round trip, and none when the last note is less than 200 ms old, so it can be called
    /// in a loop. It never fails the job: a note that cannot be written is left out.
    pub async fn progress(&self, fraction: f64, message: impl Into<String>) {
        let now = Instant::now();
        {
            let Ok(mut last) = self.reporter.last.lock() else { return };
            if last.is_some_and(|last| now - last < PROGRESS_PAUSE) {
                return;
            }
            *last = Some(now);
        }
        // JSON knows no infinity, and a fraction has its bounds.
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        (self.reporter.note)(fraction, message.into()).await;
    }
}

impl fmt::Debug for JobContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobContext")
            .field("id", &self.id)
            .field("attempt", &self.attempt)
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}
