//! One running server process and the watchdog that never lets it outlive the test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const WATCHDOG: &str = include_str!("watchdog.sh");

/// A server process, killed on drop.
///
/// The server is a child of the watchdog, and the watchdog ends as soon as the server does.
/// So when the watchdog, which is a child of this process, has ended, the server has ended as well.
#[derive(Debug)]
pub(super) struct Process {
    watchdog: Child,
    server: Pid,
    // The watchdog kills the server when this pipe closes. `Child::wait` would close it if it
    // were left inside the child.
    _lifeline: ChildStdin,
}

impl Process {
    /// Starts the server. Everything it prints goes to `server.log` in `directory`.
    pub(super) fn spawn<A: AsRef<OsStr>>(command: &[A], directory: &Path) -> Self {
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(directory)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // In a process group of its own, Ctrl-C reaches only the test, whose end then ends
            // the server.
            .process_group(0)
            .spawn()
            .expect("`sh` should start");
        let lifeline = watchdog.stdin.take().expect("the standard input of the watchdog is a pipe");
        let output = watchdog.stdout.take().expect("the standard output of the watchdog is a pipe");
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the watchdog should print the process id of the server");
        let server =
            line.trim().parse().ok().and_then(Pid::from_raw).unwrap_or_else(|| {
                panic!("the watchdog printed {line:?} in place of a process id")
            });
        Self { watchdog, server, _lifeline: lifeline }
    }

    /// The process id of the server itself, not of its watchdog.
    pub(super) fn pid(&self) -> u32 {
        self.server.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends a signal to the server itself. Nothing happens when the server has ended already.
    pub(super) fn signal(&mut self, signal: Signal) {
        // The id of an ended process may have been reused.
        if !self.has_ended() {
            let _ = kill_process(self.server, signal);
        }
    }

    /// True when the server has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        let status = self.watchdog.try_wait();
        status.expect("the watchdog is a child of this process").is_some()
    }

    /// Waits until the server has ended, and returns false when it runs on at the deadline.
    pub(super) fn wait(&mut self, deadline: Duration) -> bool {
        let end = Instant::now() + deadline;
        while !self.has_ended() {
            if Instant::now() > end {
                return false;
            }
            sleep(Duration::from_millis(1));
        }
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        // Waiting leaves no zombie behind, and no port that is still taken.
        let _ = self.watchdog.wait();
    }
}
