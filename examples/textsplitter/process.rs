//! The worker's process as the main one sees it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::process::{Child, ChildStdin, Command};

use crate::args::Args;

/// How long the worker may take to stop. It returns its jobs earlier.
const PATIENCE: Duration = Duration::from_secs(5);

/// A worker in a process of its own. It never outlives this one: it ends when its standard input
/// closes, which the operating system sees to however this process ends.
pub(crate) struct WorkerProcess {
    child: Child,
    // Held apart from the child, because waiting for a child closes its standard input.
    lifeline: Option<ChildStdin>,
}

impl WorkerProcess {
    /// Starts this very program as a worker on the same server.
    pub(crate) fn start(url: &str, args: &Args) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find the program itself")?;
        let mut command = Command::new(program);
        command
            .arg("--worker")
            .args(args.audit.then_some("--audit"))
            .arg(format!("--concurrency={}", args.jobs_at_once()))
            // The URL may hold a password, and everybody can read the command lines of others.
            .env("REDIS_URL", url)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        // Ctrl-C in a terminal goes to the whole process group. In one of its own the worker is
        // stopped by this process alone, which then does not take it for dead.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().context("cannot start the worker process")?;
        let lifeline = child.stdin.take();
        Ok(Self { child, lifeline })
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Returns only if the process ends unexpectedly.
    pub(crate) async fn died(&mut self) -> anyhow::Error {
        match self.child.wait().await {
            Ok(status) => anyhow!("the worker process ended early ({status})"),
            Err(error) => anyhow!(error).context("the worker process is lost"),
        }
    }

    /// Asks the worker to stop, and kills it if it does not.
    pub(crate) async fn stop(mut self) {
        drop(self.lifeline.take());
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            eprintln!("the worker process did not end by itself and was killed");
            if let Err(error) = self.child.kill().await {
                eprintln!("the worker process cannot be killed: {error}");
            }
        }
    }
}
