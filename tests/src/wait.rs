//! Waiting for something to become true, with a deadline instead of a fixed sleep.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

const POLL_INTERVAL: Duration = Duration::from_millis(3);

/// Polls `condition` every few milliseconds until it returns true.
///
/// `what` names the awaited state in the panic message, as in "the lock is free". A condition
/// that hangs, for example on a frozen server, counts as false when the deadline comes.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use std::time::Duration;
///
/// let mut polls = 0;
/// metastore_tests::wait::until("the third poll", Duration::from_secs(1), async || {
///     polls += 1;
///     polls == 3
/// })
/// .await;
/// # });
/// ```
///
/// # Panics
///
/// Panics with `what` and the elapsed time when the condition is still false at the deadline.
pub async fn until(what: &str, deadline: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    let end = begin + deadline;
    while Instant::now() < end {
        if timeout_at(end, condition()).await == Ok(true) {
            return;
        }
        sleep(POLL_INTERVAL).await;
    }
    panic!("waited {:?} in vain for: {what}", begin.elapsed());
}
