//! Settings of a queue that hold for all workers and can be changed while they run.

use std::time::Duration;

use super::Queue;
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::redis::script::{CONTROL, ScriptCall};
use crate::time::millis;

/// How many jobs of a transformation may begin within a time, over all workers: a token bucket on the
/// server's clock. After a quiet time up to `count` begin at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many.
    pub count: u32,
    /// Within how long.
    pub per: Duration,
}

impl RateLimit {
    /// `count` jobs in each `per`.
    #[must_use]
    pub const fn new(count: u32, per: Duration) -> Self {
        Self { count, per }
    }
}

impl<T: Document> Queue<T> {
    /// Lets no further job begin, on any worker, until [`Queue::resume`]. What runs goes on, and jobs can
    /// be requested as ever.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`, `OutcomeUnknown`.
    pub async fn pause(&self) -> Result<()> {
        self.control("pause", &[("paused", "1".to_owned())]).await
    }

    /// Ends a pause, and wakes the workers.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// As [`Queue::pause`].
    pub async fn resume(&self) -> Result<()> {
        self.control("resume", &[("paused", String::new())]).await
    }

    /// Limits how many jobs begin within a time, over all workers; `None` takes the limit away.
    ///
    /// One round trip. It holds from each worker's next look on, and stays until it is changed.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a count of zero or a time outside 1 ms to 30 days; and as [`Queue::pause`].
    pub async fn limit_rate(&self, limit: Option<RateLimit>) -> Result<()> {
        const OPERATION: &str = "limit_rate";
        let (count, per) = match limit {
            None => (String::new(), String::new()),
            Some(RateLimit { count, per }) => {
                let month = Duration::from_secs(30 * 24 * 60 * 60);
                if count == 0 || per < Duration::from_millis(1) || per > month {
                    let message = "a rate is at least 1 job in 1 ms to 30 days".to_owned();
                    return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
                }
                (count.to_string(), millis(per).to_string())
            }
        };
        let anew = String::new;
        self.control(
            OPERATION,
            &[("rate_count", count), ("rate_ms", per), ("tokens", anew()), ("tokens_at", anew())],
        )
        .await
    }

    /// Limits how many jobs run at once, over all workers; `None` takes the limit away.
    ///
    /// One round trip. It holds from each worker's next look on, and stays until it is changed; what
    /// runs already goes on.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for zero, for which there is [`Queue::pause`]; and as that.
    pub async fn limit_running(&self, jobs: Option<u32>) -> Result<()> {
        const OPERATION: &str = "limit_running";
        if jobs == Some(0) {
            let message = "a limit of 0 is a pause; use `pause`".to_owned();
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        let jobs = jobs.map(|jobs| jobs.to_string()).unwrap_or_default();
        self.control(OPERATION, &[("max_running", jobs)]).await
    }

    async fn control(&self, operation: &'static str, fields: &[(&str, String)]) -> Result<()> {
        let call =
            ScriptCall::new(&CONTROL).key(self.keys.control.clone()).arg(self.keys.wake.clone());
        let call = fields
            .iter()
            .fold(call, |call, (field, value)| call.arg((*field).to_owned()).arg(value.clone()));
        self.write(operation, "", call, self.patience()).await.map(|_| ())
    }
}
