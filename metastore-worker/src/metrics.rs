//! What is measured, through the `metrics` facade; nothing without the feature of that name.
//!
//! All names begin with `metastore_jobs_`, and all carry the label `queue`
//! (`domain:app:collection:transformation`):
//!
//! | name | kind | what |
//! |---|---|---|
//! | `…finished_total`, `…failed_total`, `…retried_total`, `…dead_total`, `…released_total`, `…lost_total` | counters | how runs ended; failed ones are retried or dead |
//! | `…wait_seconds`, `…run_seconds` | histograms | from when a job could have been taken until it was; from then to its recorded end |
//! | `…queued`, `…running`, `…delayed` | gauges | as the last look, in each poll interval, found them |
//! | `…dead` | gauge | the same; noticed after each job of this worker, and otherwise once in an upkeep interval |
//! | `…oldest_seconds` | gauge | how long the first in line has waited |

use std::sync::Arc;
use std::time::Duration;

use metastore::queue::{End, QueueStats};

use crate::lane::HeldJob;

/// Whether anything is measured.
pub(crate) const ARE_ON: bool = cfg!(feature = "metrics");

#[cfg(feature = "metrics")]
mod facade {
    use super::{Arc, Duration, End, HeldJob, QueueStats};
    use metrics::{counter, gauge, histogram};

    pub(crate) fn began(queue: &Arc<str>, job: &HeldJob) {
        histogram!("metastore_jobs_wait_seconds", "queue" => queue.clone())
            .record(job.waited.as_secs_f64());
    }

    pub(crate) fn ended(queue: &Arc<str>, end: &End, ran: Duration) {
        let queue = queue.clone();
        match end {
            End::Result { .. } => {
                counter!("metastore_jobs_finished_total", "queue" => queue.clone()).increment(1);
            }
            End::Failure { retry_in, .. } => {
                counter!("metastore_jobs_failed_total", "queue" => queue.clone()).increment(1);
                if retry_in.is_some() {
                    counter!("metastore_jobs_retried_total", "queue" => queue.clone()).increment(1);
                } else {
                    counter!("metastore_jobs_dead_total", "queue" => queue.clone()).increment(1);
                }
            }
            _ => {
                counter!("metastore_jobs_released_total", "queue" => queue.clone()).increment(1);
            }
        }
        histogram!("metastore_jobs_run_seconds", "queue" => queue).record(ran.as_secs_f64());
    }

    pub(crate) fn lost(queue: &Arc<str>) {
        counter!("metastore_jobs_lost_total", "queue" => queue.clone()).increment(1);
    }

    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float, and exact up to 2^53")]
    /// `dead` is not counted by every look, and then the last number stays.
    pub(crate) fn queue(queue: &Arc<str>, stats: &QueueStats, dead: Option<u64>) {
        for (name, value) in [
            ("metastore_jobs_queued", stats.waiting),
            ("metastore_jobs_delayed", stats.delayed),
            ("metastore_jobs_running", stats.running),
        ] {
            gauge!(name, "queue" => queue.clone()).set(value as f64);
        }
        if let Some(dead) = dead {
            gauge!("metastore_jobs_dead", "queue" => queue.clone()).set(dead as f64);
        }
        let oldest = stats.oldest.unwrap_or_default();
        gauge!("metastore_jobs_oldest_seconds", "queue" => queue.clone()).set(oldest.as_secs_f64());
    }
}

#[cfg(not(feature = "metrics"))]
mod facade {
    use super::{Arc, Duration, End, HeldJob, QueueStats};

    pub(crate) fn began(_queue: &Arc<str>, _job: &HeldJob) {}
    pub(crate) fn ended(_queue: &Arc<str>, _end: &End, _ran: Duration) {}
    pub(crate) fn lost(_queue: &Arc<str>) {}
    pub(crate) fn queue(_queue: &Arc<str>, _stats: &QueueStats, _dead: Option<u64>) {}
}

pub(crate) use facade::{began, ended, lost, queue};
