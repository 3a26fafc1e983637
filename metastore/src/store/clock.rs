//! The server's time, without a round trip for each use.
//!
//! It is read on connecting and advanced by the process's monotonic clock, so a wrong or adjusted
//! clock of this machine does not affect documents. It is read again once a minute while it is
//! used, after each reconnection, and whenever the server refuses a write because its time is too
//! far from the server's.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::redis::command::{Command, Reply, unexpected};
use crate::redis::connection::Connection;
use crate::redis::read;
use crate::time::{Timestamp, millis};

/// How long a reading is used before the next one.
const REREAD: Duration = Duration::from_secs(60);

/// If the server's clock is set back by less than this, the returned time stays the same until the
/// clock catches up.
const STEP_BACK_MS: u64 = 1_000;

pub(super) struct Clock {
    started: Instant,
    /// The server's time in microseconds at `started`, according to the last reading.
    offset: AtomicU64,
    /// When to read it again, in milliseconds since `started`.
    due: AtomicU64,
    /// The last returned time. It only decreases if the server's clock is set back.
    last: AtomicU64,
    /// Held while the offset changes.
    changing: Mutex<()>,
}

impl Clock {
    pub(super) async fn read(connection: &Connection) -> Result<Self> {
        let clock = Self {
            started: Instant::now(),
            offset: AtomicU64::new(0),
            due: AtomicU64::new(0),
            last: AtomicU64::new(0),
            changing: Mutex::new(()),
        };
        clock.reread(connection).await?;
        Ok(clock)
    }

    /// Reads the server's time again.
    pub(super) async fn reread(&self, connection: &Connection) -> Result<()> {
        let before = Instant::now();
        let reply = read::call(connection, Command::new("TIME"))
            .await
            .map_err(|fault| fault.into_error("connect"))?;
        let parts = match &reply {
            Reply::Array(parts) => &parts[..],
            _ => &[],
        };
        let [seconds, micros] = parts else { return Err(unexpected("connect", &reply)) };
        let (Some(seconds), Some(micros)) = (seconds.as_u64(), micros.as_u64()) else {
            return Err(unexpected("connect", &reply));
        };
        // The server read its clock during the round trip; the middle is the best estimate.
        self.set(seconds * 1_000_000 + micros, before + before.elapsed() / 2);
        Ok(())
    }

    /// Sets the server's time in microseconds at an instant of this process.
    pub(super) fn set(&self, server: u64, at: Instant) {
        let _changing = self.changing.lock();
        let since = at.saturating_duration_since(self.started);
        self.offset.store(server.saturating_sub(micros(since)), Ordering::Release);
        self.due.store(millis(since) + millis(REREAD), Ordering::Release);
        let now = self.unordered();
        if self.last.load(Ordering::Acquire) > now + STEP_BACK_MS {
            self.last.store(now, Ordering::Release);
        }
    }

    fn since_start(&self) -> u64 {
        millis(self.started.elapsed())
    }

    fn unordered(&self) -> u64 {
        (self.offset.load(Ordering::Acquire) + micros(self.started.elapsed())) / 1000
    }

    pub(super) fn now(&self) -> Timestamp {
        let now = self.unordered();
        let before = self.last.fetch_max(now, Ordering::AcqRel);
        Timestamp::from_millis(now.max(before))
    }

    /// Whether the time should be read again; returns `true` to one caller only.
    pub(super) fn is_due(&self) -> bool {
        let (now, due) = (self.since_start(), self.due.load(Ordering::Acquire));
        let next = now + millis(REREAD);
        now >= due
            && self.due.compare_exchange(due, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
