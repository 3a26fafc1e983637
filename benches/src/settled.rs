//! Waiting until a figure of the server no longer changes.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::time::sleep;

/// A server that is not quiet by then never will be.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time between readings, and how many in a row must agree. The server enlarges its tables and
/// reduces its buffers step by step, about ten times a second, so this spans several such steps.
const INTERVAL: Duration = Duration::from_millis(50);
const READINGS: u32 = 8;

/// Reads until a number of successive readings differ by at most `tolerance`; returns the last.
pub(crate) async fn settled(
    tolerance: u64,
    mut read: impl AsyncFnMut() -> Result<u64>,
) -> Result<u64> {
    let deadline = Instant::now() + PATIENCE;
    let (mut first, mut agreeing) = (read().await?, 1);
    loop {
        sleep(INTERVAL).await;
        let next = read().await?;
        if next.abs_diff(first) <= tolerance {
            agreeing += 1;
        } else {
            (first, agreeing) = (next, 1);
        }
        if agreeing == READINGS {
            return Ok(next);
        }
        ensure!(Instant::now() < deadline, "still changing after {PATIENCE:?}: {next}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_figure_is_settled_when_readings_agree() {
        let mut readings = (0..).map(|number| 100_u64.saturating_sub(number * 20));
        let read = async || Ok(readings.next().unwrap_or(0));
        assert_eq!(settled(1, read).await.expect("the readings are numbers"), 0);
    }

    #[tokio::test]
    async fn slow_growth_is_not_settled() {
        // Each reading is within the tolerance of the one before, but not of the first of the row.
        let mut readings = (0..20).chain(std::iter::repeat(19));
        let read = async || Ok(readings.next().unwrap_or(0));
        assert_eq!(settled(2, read).await.expect("the readings are numbers"), 19);
    }
}
