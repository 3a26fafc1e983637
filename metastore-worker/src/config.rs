//! The settings of a worker and their limits.

use std::time::Duration;

/// A worker that was built with settings that cannot work; it does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub(crate) String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the worker cannot start: {}", self.0)
    }
}

impl std::error::Error for ConfigError {}

/// The settings; [`WorkerBuilder`](crate::WorkerBuilder) documents each.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) name: String,
    pub(crate) concurrency: usize,
    pub(crate) poll_interval: Duration,
    pub(crate) max_retries: u32,
    pub(crate) retry_delay: Duration,
    pub(crate) lease: Duration,
    pub(crate) job_timeout: Duration,
    pub(crate) max_crashes: u32,
    pub(crate) drain_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: format!("{}-{}", std::process::id(), ulid::Ulid::generate()),
            concurrency: 1,
            poll_interval: Duration::from_millis(1_000),
            max_retries: 3,
            retry_delay: Duration::from_millis(5_000),
            lease: Duration::from_secs(30),
            job_timeout: Duration::from_secs(5 * 60),
            max_crashes: 5,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |message: &str| Err(ConfigError(message.to_owned()));
        if !(1..=10_000).contains(&self.concurrency) {
            return wrong("`concurrency` must be from 1 to 10,000");
        }
        if self.poll_interval < Duration::from_millis(10) {
            return wrong("`poll_interval` must be at least 10 ms");
        }
        if self.lease < Duration::from_millis(100) {
            return wrong("`lease` must be at least 100 ms");
        }
        if self.job_timeout.is_zero() {
            return wrong("`job_timeout` must not be zero");
        }
        if self.max_crashes == 0 {
            return wrong("`max_crashes` must be at least 1");
        }
        Ok(())
    }
}
