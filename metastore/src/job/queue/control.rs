//! Settings of a queue: pause and limits. They apply to all workers and can be changed while
//! workers run.

use std::time::Duration;

use super::transformation_queue::Queue;
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::redis::script::{CONTROL, ScriptCall};
use crate::time::millis;

/// The most jobs of a transformation that all workers together may start in a time span.
///
/// It is a token bucket by the clock of the server: after an idle time, up to `count` jobs start at
/// once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number of jobs.
    pub count: u32,
    /// The time span.
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
    /// Stops all workers from starting jobs until [`Queue::resume`]. Running jobs continue, and
    /// jobs can still be requested.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`, `OutcomeUnknown`.
    pub async fn pause(&self) -> Result<()> {
        self.control("pause", &[("paused", "1".to_owned())]).await
    }

    /// Ends a pause and notifies the workers.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// As [`Queue::pause`].
    pub async fn resume(&self) -> Result<()> {
        self.control("resume", &[("paused", String::new())]).await
    }

    /// Limits how many jobs all workers together start in a time span; `None` removes the limit.
    ///
    /// One round trip. The limit is stored until it is changed, and applies from the next `take` of
    /// each worker.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a count of zero or a time span outside 1 ms to 30 days; otherwise as
    /// [`Queue::pause`].
    pub async fn limit_rate(&self, limit: Option<RateLimit>) -> Result<()> {
        const OPERATION: &str = "limit_rate";
        let (count, per) = match limit {
            None => (String::new(), String::new()),
            Some(RateLimit { count, per }) => {
                let month = Duration::from_secs(30 * 24 * 60 * 60);
                if count == 0 || per < Duration::from_millis(1) || per > month {
                    let message =
                        "a rate limit must be at least 1 job in 1 ms to 30 days".to_owned();
                    return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
                }
                (count.to_string(), millis(per).to_string())
            }
        };
        self.control(
            OPERATION,
            &[
                ("rate_count", count),
                ("rate_ms", per),
                // Removed, so that the bucket starts full.
                ("tokens", String::new()),
                ("tokens_at", String::new()),
            ],
        )
        .await
    }

    /// Limits how many jobs run at the same time in all workers together; `None` removes the limit.
    ///
    /// One round trip. The limit is stored until it is changed, and applies from the next `take` of
    /// each worker. Running jobs continue.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for zero, use [`Queue::pause`] instead; otherwise as [`Queue::pause`].
    pub async fn limit_running(&self, jobs: Option<u32>) -> Result<()> {
        const OPERATION: &str = "limit_running";
        if jobs == Some(0) {
            let message = "the limit must be at least 1; use `pause` to stop the queue".to_owned();
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        let jobs = jobs.map(|jobs| jobs.to_string()).unwrap_or_default();
        self.control(OPERATION, &[("max_running", jobs)]).await
    }

    async fn control(&self, operation: &'static str, fields: &[(&str, String)]) -> Result<()> {
        let call = ScriptCall::new(&CONTROL)
            .key(self.keys.control.clone())
            .address(self.repo.address())
            .arg(self.schema.name);
        let call = fields
            .iter()
            .fold(call, |call, (field, value)| call.arg((*field).to_owned()).arg(value.clone()));
        self.write(operation, "", call, self.retry_policy()).await.map(|_| ())
    }
}
