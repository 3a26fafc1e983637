//! A server whose wall clock a test can set.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep};

use super::{PATIENCE, Server};

const SOURCE: &str = include_str!("clock.c");

/// How far the server's time may be from what was set, in milliseconds: a reply takes its time.
const TOLERANCE: i128 = 200;

const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Compiles the library that shifts the clock, unless an earlier start has, and returns the words
/// that start a program with it.
///
/// # Panics
///
/// Panics when there is no C compiler, or on a system without `LD_PRELOAD`.
pub(super) fn launcher(directory: &Path) -> Vec<OsString> {
    if !cfg!(target_os = "linux") {
        panic!("the clock of a server can be set on Linux only");
    }
    let [source, library, offset] =
        ["clock.c", "clock.so", "clock.offset"].map(|name| directory.join(name));
    if !library.exists() {
        fs::write(&source, SOURCE).expect("the directory of the server is writable");
        fs::write(&offset, 0_i64.to_ne_bytes()).expect("the directory of the server is writable");
        let compiled = Command::new("cc")
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .output()
            .expect("a C compiler `cc`, which Rust links with as well");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    }
    let variable = |name: &str, path: &Path| {
        let mut word = OsString::from(format!("{name}="));
        word.push(path);
        word
    };
    vec!["env".into(), variable("LD_PRELOAD", &library), variable("METASTORE_TEST_CLOCK", &offset)]
}

impl Server {
    /// Sets the server's wall clock this many milliseconds ahead of the machine's, or behind it.
    /// The clock stays set over restarts.
    ///
    /// # Panics
    ///
    /// Panics unless the server was built with [`Builder::settable_clock`], and when its time is
    /// not as set ten seconds later, for example because the program is linked statically.
    ///
    /// [`Builder::settable_clock`]: super::Builder::settable_clock
    pub async fn set_clock(&self, millis: i64) {
        assert!(self.settings.settable_clock, "the clock of this server cannot be set");
        let file = fs::OpenOptions::new().write(true).open(self.directory().join("clock.offset"));
        // One write of eight bytes, so the server reads either the earlier or the later offset.
        file.and_then(|file| file.write_all_at(&millis.to_ne_bytes(), 0))
            .expect("the offset is writable");
        let end = Instant::now() + PATIENCE;
        // Valkey keeps the time that it has read for a moment.
        while (self.clock_ahead().await - i128::from(millis)).abs() > TOLERANCE {
            assert!(Instant::now() < end, "the server's clock should be {millis} ms ahead");
            sleep(POLL_INTERVAL).await;
        }
    }

    /// How many milliseconds the server's clock is ahead of the machine's.
    async fn clock_ahead(&self) -> i128 {
        let time = self.cli(&["TIME"]).await;
        let parts: Vec<i128> =
            time.as_strings().iter().map(|part| part.parse().expect("a number")).collect();
        let own = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
        let own = i128::try_from(own.as_millis()).expect("a time in reach");
        parts[0] * 1_000 + parts[1] / 1_000 - own
    }
}
