//! Stopping, killing, freezing and restarting a server.

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::{PATIENCE, Server};

impl Server {
    /// Asks the server to shut down, and waits until it has. Does nothing when it is not running.
    pub fn stop(&self) {
        let Some(mut process) = self.process().take() else {
            return;
        };
        process.signal(Signal::TERM);
        // A frozen server notices the request only when it is thawed.
        process.signal(Signal::CONT);
        assert!(process.wait(PATIENCE), "the server should stop within {PATIENCE:?}");
    }

    /// Kills the server with SIGKILL and waits until it is gone. Does nothing when it is not
    /// running.
    pub fn kill(&self) {
        drop(self.process().take());
    }

    /// Starts the server again with the same port, directory and settings, and waits until it
    /// answers. Stops it first if it is running.
    pub async fn restart(&self) {
        self.stop();
        let end = Instant::now() + PATIENCE;
        while let Err(failure) = self.try_run().await {
            // The port of a stopped server is free for everybody, so another process may use it
            // for a moment.
            let is_worth_another_try = failure.port_is_taken() && Instant::now() < end;
            assert!(is_worth_another_try, "{failure}");
            sleep(PATIENCE / 100).await;
        }
    }

    /// Suspends the server: connections stay open and nothing is answered until
    /// [`thaw`](Self::thaw).
    pub fn freeze(&self) {
        self.with_process(|process| process.signal(Signal::STOP));
    }

    /// Lets a frozen server go on, beginning with what has arrived in the meantime.
    pub fn thaw(&self) {
        self.with_process(|process| process.signal(Signal::CONT));
    }
}
