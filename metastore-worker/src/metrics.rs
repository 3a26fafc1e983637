//! Recording metrics through the `metrics` facade; the crate's documentation lists them. Without
//! the feature `metrics` nothing is recorded.

use std::sync::Arc;
use std::time::Duration;

use metastore::queue::{Completion, QueueStats};

use crate::handler::ClaimedJob;

/// Whether metrics are recorded.
pub(crate) const ARE_ENABLED: bool = cfg!(feature = "metrics");

#[cfg(feature = "metrics")]
mod facade {
    use super::{Arc, ClaimedJob, Completion, Duration, QueueStats};
    use metrics::{
        Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    };

    /// Describes all metrics; called when a worker starts.
    pub(crate) fn describe() {
        let counters = [
            ("metastore_jobs_finished_total", "Jobs whose result was stored"),
            ("metastore_jobs_failed_total", "Runs of jobs that failed"),
            ("metastore_jobs_retried_total", "Failed runs whose job is retried"),
            ("metastore_jobs_dead_total", "Failed runs whose job is dead"),
            ("metastore_jobs_released_total", "Jobs that were returned to the queue"),
            ("metastore_jobs_cancelled_total", "Jobs that were cancelled while they ran"),
            ("metastore_jobs_lost_total", "Jobs that the worker had lost when they ended"),
        ];
        for (name, description) in counters {
            describe_counter!(name, Unit::Count, description);
        }
        let seconds = Unit::Seconds;
        let wait = "Time from when a job was ready to run until it was taken";
        describe_histogram!("metastore_jobs_wait_seconds", seconds, wait);
        let run = "Time from when a job was taken until its completion was recorded";
        describe_histogram!("metastore_jobs_run_seconds", seconds, run);
        let gauges = [
            ("metastore_jobs_queued", "Jobs that wait for a worker"),
            ("metastore_jobs_delayed", "Jobs that wait until their delay is over"),
            ("metastore_jobs_running", "Jobs that a worker holds"),
            ("metastore_jobs_dead", "Jobs that failed and are not retried any more"),
        ];
        for (name, description) in gauges {
            describe_gauge!(name, Unit::Count, description);
        }
        let oldest = "How long the oldest waiting job has been ready to run";
        describe_gauge!("metastore_jobs_oldest_seconds", seconds, oldest);
    }

    pub(crate) fn job_started(queue: &Arc<str>, job: &ClaimedJob) {
        histogram!("metastore_jobs_wait_seconds", "queue" => queue.clone())
            .record(job.waited.as_secs_f64());
    }

    pub(crate) fn job_completed(queue: &Arc<str>, completion: &Completion, elapsed: Duration) {
        let queue = queue.clone();
        match completion {
            Completion::Success { .. } => {
                counter!("metastore_jobs_finished_total", "queue" => queue.clone()).increment(1);
            }
            Completion::Failure { retry_in, .. } => {
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
        histogram!("metastore_jobs_run_seconds", "queue" => queue).record(elapsed.as_secs_f64());
    }

    pub(crate) fn job_cancelled(queue: &Arc<str>) {
        counter!("metastore_jobs_cancelled_total", "queue" => queue.clone()).increment(1);
    }

    pub(crate) fn job_lost(queue: &Arc<str>) {
        counter!("metastore_jobs_lost_total", "queue" => queue.clone()).increment(1);
    }

    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float, which is exact up to 2^53")]
    /// `dead` is `None` if the poll did not count the dead jobs; then the gauge keeps its value.
    pub(crate) fn queue_polled(queue: &Arc<str>, stats: &QueueStats, dead: Option<u64>) {
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
    use super::{Arc, ClaimedJob, Completion, Duration, QueueStats};

    pub(crate) fn job_started(_queue: &Arc<str>, _job: &ClaimedJob) {}
    pub(crate) fn job_completed(_queue: &Arc<str>, _completion: &Completion, _elapsed: Duration) {}
    pub(crate) fn describe() {}
    pub(crate) fn job_cancelled(_queue: &Arc<str>) {}
    pub(crate) fn job_lost(_queue: &Arc<str>) {}
    pub(crate) fn queue_polled(_queue: &Arc<str>, _stats: &QueueStats, _dead: Option<u64>) {}
}

pub(crate) use facade::{
    describe, job_cancelled, job_completed, job_lost, job_started, queue_polled,
};
