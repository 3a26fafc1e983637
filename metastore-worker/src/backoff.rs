//! The delay before a failed job runs again.

use std::time::Duration;

/// The longest delay between two runs.
const MAX_DELAY: Duration = Duration::from_secs(2 * 60 * 60);

/// The delay after the `failures`-th failure, counted from 1. It doubles with each failure, up to
/// two hours, with a jitter of 20 % so that jobs that failed at the same time do not run again at
/// the same time.
pub(crate) fn delay(base: Duration, failures: u32) -> Duration {
    let doubled = base.saturating_mul(1 << failures.saturating_sub(1).min(20));
    doubled.min(MAX_DELAY).mul_f64(0.8 + fastrand::f64() * 0.4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_pause_doubles_with_each_failure_within_its_spread() {
        for (failures, seconds) in [(1, 5.0), (2, 10.0), (3, 20.0), (40, 7200.0)] {
            let pause = delay(Duration::from_secs(5), failures).as_secs_f64();
            assert!((seconds * 0.8..=seconds * 1.2).contains(&pause), "{failures}: {pause}");
        }
    }

    #[test]
    fn an_outage_of_a_day_uses_up_no_job_with_the_default_settings() {
        let config = Config::default();
        let pauses = (1..=config.max_retries).map(|failures| delay(config.retry_delay, failures));
        let sum: Duration = pauses.sum();
        assert!(sum > Duration::from_secs(24 * 60 * 60), "{sum:?}");
        assert!(sum < Duration::from_secs(38 * 60 * 60), "{sum:?}");
    }
}
