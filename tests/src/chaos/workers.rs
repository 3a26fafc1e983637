//! The worker processes of a campaign.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use metastore::Store;
use metastore_worker::{Worker, shutdown_signal};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::jobs::Task;
use super::{History, Options, handle};
use crate::Proxy;

/// The lease of the workers.
pub const LEASE: Duration = Duration::from_millis(1_000);

/// The poll interval of the workers.
pub const POLL: Duration = Duration::from_millis(250);

/// After how many crashes a job is dead: more than usual, because a campaign kills often.
pub const MAX_CRASHES: u32 = 40;

/// What a worker process does.
///
/// # Errors
///
/// If it cannot connect.
pub async fn worker_main(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let store = loop {
        let options = Store::options().audit(true).command_timeout(Duration::from_millis(700));
        match options.connect(url).await {
            Ok(store) => break store,
            // The server may be starting.
            Err(error) if error.is_retryable() => tokio::time::sleep(POLL).await,
            Err(error) => return Err(error.into()),
        }
    };
    let tasks = store.repo::<Task>();
    let worker = Worker::builder(&tasks)
        .handle(Task::WORK, handle)
        .handle(Task::CHECK, |_item, job| async move {
            Ok::<_, String>(super::Outcome { job: job.id, fence: job.fence })
        })
        .concurrency(16)
        .lease(LEASE)
        .poll_interval(POLL)
        .max_crashes(MAX_CRASHES)
        .drain_timeout(Duration::from_millis(400))
        .build();
    worker.run_until(shutdown_signal()).await?;
    Ok(())
}

/// The processes.
pub(super) struct Workers {
    program: String,
    urls: Vec<String>,
    pub(super) children: Vec<Child>,
    history: History,
}

impl Workers {
    pub(super) async fn start(
        options: &Options,
        proxies: &Arc<[Proxy; 2]>,
        history: History,
    ) -> Self {
        let urls = (0..options.workers).map(|at| proxies[at % proxies.len()].url()).collect();
        let mut workers =
            Self { program: options.program.clone(), urls, children: Vec::new(), history };
        for at in 0..options.workers {
            let child = workers.spawn(at);
            workers.children.push(child);
        }
        workers
    }

    fn spawn(&self, at: usize) -> Child {
        let child = Command::new(&self.program)
            .args(["worker", &self.urls[at]])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", self.program));
        self.history.note(format!("worker {at} is process {:?}", child.id()));
        child
    }

    pub(super) fn count(&self) -> usize {
        self.children.len()
    }

    pub(super) fn id(&self, at: usize) -> u32 {
        self.children[at].id().unwrap_or(0)
    }

    pub(super) fn signal(&self, at: usize, signal: Signal) {
        let id = self.children[at].id().and_then(|id| i32::try_from(id).ok());
        if let Some(process) = id.and_then(Pid::from_raw) {
            let _ = kill_process(process, signal);
        }
    }

    /// Waits for a process that was asked to stop, and replaces it.
    pub(super) async fn replace(&mut self, at: usize) {
        let ended = tokio::time::timeout(Duration::from_secs(20), self.children[at].wait()).await;
        if ended.is_err() {
            self.history.note(format!("worker {at} does not end, killing it"));
            let _ = self.children[at].kill().await;
        }
        self.children[at] = self.spawn(at);
    }

    pub(super) async fn stop_all(&mut self) {
        for at in 0..self.count() {
            self.signal(at, Signal::TERM);
        }
        for child in &mut self.children {
            let _ = tokio::time::timeout(Duration::from_secs(20), child.wait()).await;
        }
    }
}
