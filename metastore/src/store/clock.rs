//! The server's time, known in this process without asking for each use.
//!
//! It is read once and carried on by the process's monotonic clock, so neither a wrong clock on this
//! machine nor a jump of it reaches a document.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::error::Result;
use crate::redis::command::{Command, Reply, unexpected};
use crate::redis::conn::Connection;
use crate::redis::read;
use crate::time::{Timestamp, millis};

pub(super) struct Clock {
    /// The server's time at an instant of this process.
    base: (u64, Instant),
    /// The last time given out: time never runs backwards, whatever the server's clock does.
    last: AtomicU64,
}

impl Clock {
    pub(super) async fn read(connection: &Connection) -> Result<Self> {
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
        // The server read its clock somewhere on the round trip; the middle is the best guess.
        let halfway = before + before.elapsed() / 2;
        let base = (seconds * 1000 + micros / 1000, halfway);
        Ok(Self { base, last: AtomicU64::new(0) })
    }

    pub(super) fn now(&self) -> Timestamp {
        let (millis_at_base, base) = self.base;
        let now = millis_at_base + millis(base.elapsed());
        let before = self.last.fetch_max(now, Ordering::AcqRel);
        Timestamp::from_millis(now.max(before))
    }
}
