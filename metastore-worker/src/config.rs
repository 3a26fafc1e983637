//! The settings of a worker and their limits.

use std::time::Duration;

/// A setting of a worker is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    pub(crate) fn no_handler_for(label: &str) -> Self {
        Self(format!("the worker has no handler for {label}; add one with `handle`"))
    }

    pub(crate) fn zero_concurrency_of() -> Self {
        Self("`concurrency_of` must be at least 1".to_owned())
    }
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "invalid worker settings: {}", self.0)
    }
}

impl std::error::Error for ConfigError {}

/// The longest duration of a setting. A longer one is a wrong unit, and durations are added to the
/// clock.
const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The settings; documented at [`WorkerBuilder`](crate::WorkerBuilder).
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
    pub(crate) maintenance_interval: Duration,
    pub(crate) fast_forward: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: format!("{}-{}", std::process::id(), ulid::Ulid::generate()),
            concurrency: 1,
            poll_interval: Duration::from_millis(1_000),
            max_retries: 25,
            retry_delay: Duration::from_millis(5_000),
            lease: Duration::from_secs(30),
            job_timeout: Duration::from_secs(5 * 60),
            max_crashes: 5,
            drain_timeout: Duration::from_secs(25),
            maintenance_interval: Duration::from_secs(60),
            fast_forward: false,
        }
    }
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        Self::check_concurrency(self.concurrency)?;
        let within = |name: &str, time: Duration, least: Duration| {
            if time >= least && time <= MAX_DURATION {
                return Ok(());
            }
            let message = format!("`{name}` must be from {least:?} to 365 days, not {time:?}");
            Err(ConfigError(message))
        };
        let ms = Duration::from_millis;
        within("poll_interval", self.poll_interval, ms(10))?;
        within("lease", self.lease, ms(100))?;
        within("job_timeout", self.job_timeout, ms(1))?;
        within("retry_delay", self.retry_delay, ms(0))?;
        within("drain_timeout", self.drain_timeout, ms(0))?;
        within("maintenance_interval", self.maintenance_interval, ms(10))?;
        if self.max_crashes == 0 {
            return Err(ConfigError::new("`max_crashes` must be at least 1"));
        }
        Ok(())
    }

    pub(crate) fn check_concurrency(jobs: usize) -> Result<(), ConfigError> {
        if (1..=10_000).contains(&jobs) {
            return Ok(());
        }
        Err(ConfigError(format!("`concurrency` must be from 1 to 10,000, not {jobs}")))
    }
}
