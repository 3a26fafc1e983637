//! The worker processes of a campaign.

use std::error::Error;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use metastore::{Repo, Store};
use metastore_worker::{Worker, shutdown_signal};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::jobs::{Outcome, Task, handle};
use super::runs::RunLog;
use super::{History, Options};

/// The lease of the workers.
pub const LEASE: Duration = Duration::from_millis(1_000);

/// The poll interval of the workers.
pub const POLL: Duration = Duration::from_millis(250);

/// How long a worker waits for its running jobs when it is stopped.
pub(super) const DRAIN: Duration = Duration::from_millis(400);

/// How long a worker that is asked to stop may take, if nothing hurries it.
const GRACE: Duration = Duration::from_secs(20);

/// What a worker process does: it runs jobs until it is asked to stop. `log` is the file in which
/// it records the runs.
///
/// # Errors
///
/// If the file cannot be written, or `max_crashes` is no number.
pub async fn worker_main(url: &str, log: &str, max_crashes: &str) -> Result<(), Box<dyn Error>> {
    let (log, max_crashes) = (RunLog::open(Path::new(log))?, max_crashes.parse()?);
    let (stop, stopped) = watch::channel(false);
    let signal = shutdown_signal();
    tokio::spawn(async move {
        signal.await;
        stop.send_replace(true);
    });
    // The server may be starting, or a right may be missing. A service would be restarted.
    while let Err(error) = work(url, &log, max_crashes, stopped.clone()).await {
        log.error(&*error);
        let mut stopped = stopped.clone();
        if tokio::time::timeout(POLL, stopped.wait_for(|stop| *stop)).await.is_ok() {
            break;
        }
    }
    Ok(())
}

async fn work(
    url: &str,
    log: &RunLog,
    max_crashes: u32,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Box<dyn Error>> {
    let options = Store::options().audit(true).command_timeout(Duration::from_millis(700));
    let mut before = stopped.clone();
    let store = tokio::select! {
        store = options.connect(url) => store?,
        _ = before.wait_for(|stop| *stop) => return Ok(()),
    };
    let tasks: Repo<Task> = store.repo();
    let (of_work, of_check) = (log.clone(), log.clone());
    let worker = Worker::builder(&tasks)
        .handle(Task::WORK, move |item, job| {
            let started = of_work.start(&job);
            async move {
                let ended = handle(item, job).await;
                drop(started);
                ended
            }
        })
        .handle(Task::CHECK, move |_item, job| {
            drop(of_check.start(&job));
            async move { Ok::<_, String>(Outcome { job: job.id, fence: job.fence }) }
        })
        .concurrency(16)
        .lease(LEASE)
        .poll_interval(POLL)
        .max_crashes(max_crashes)
        .drain_timeout(DRAIN)
        .build();
    worker
        .run_until(async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        })
        .await?;
    Ok(())
}

/// The processes.
pub(super) struct Workers {
    program: String,
    max_crashes: String,
    urls: Vec<String>,
    processes: Vec<Process>,
    history: History,
    logs: TempDir,
    spawned: usize,
    /// Processes that ended although nothing ended them.
    pub(super) failed: Vec<String>,
    /// How often a handler has aborted a process.
    pub(super) aborted: usize,
}

struct Process {
    child: Child,
    log: PathBuf,
}

impl Workers {
    /// Starts the processes, each with one of the URLs.
    pub(super) fn start(options: &Options, urls: &[String], history: History) -> Self {
        let mut workers = Self {
            program: options.program.clone(),
            max_crashes: options.max_crashes().to_string(),
            urls: (0..options.workers).map(|at| urls[at % urls.len()].clone()).collect(),
            processes: Vec::new(),
            history,
            logs: TempDir::new().expect("a temporary directory should be creatable"),
            spawned: 0,
            failed: Vec::new(),
            aborted: 0,
        };
        for at in 0..options.workers {
            let process = workers.spawn(at);
            workers.processes.push(process);
        }
        workers
    }

    fn spawn(&mut self, at: usize) -> Process {
        self.spawned += 1;
        let log = self.logs.path().join(format!("{}.log", self.spawned));
        let child = Command::new(&self.program)
            .args(["worker", &self.urls[at]])
            .arg(&log)
            .arg(&self.max_crashes)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", self.program));
        self.history.note(format!("worker {at} is process {:?}", child.id()));
        Process { child, log }
    }

    pub(super) fn count(&self) -> usize {
        self.processes.len()
    }

    /// The file in which the current process of a worker records its runs.
    pub(super) fn log(&self, at: usize) -> &Path {
        &self.processes[at].log
    }

    /// The directory of these files.
    pub(super) fn logs(&self) -> &Path {
        self.logs.path()
    }

    pub(super) fn signal(&self, at: usize, signal: Signal) {
        let id = self.processes[at].child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(process) = id.and_then(Pid::from_raw) {
            let _ = kill_process(process, signal);
        }
    }

    /// Replaces the processes that have ended without being asked to.
    pub(super) fn respawn_ended(&mut self) {
        for at in 0..self.count() {
            let Ok(Some(status)) = self.processes[at].child.try_wait() else { continue };
            if status.signal() == Some(Signal::ABORT.as_raw()) {
                self.aborted += 1;
                self.history.fault("worker aborted", format!("worker {at}, by a poison pill"));
            } else {
                self.failed.push(format!("worker {at} ended without being asked to: {status}"));
            }
            self.processes[at] = self.spawn(at);
        }
    }

    /// Waits for a process that was asked to stop, and replaces it.
    pub(super) async fn replace(&mut self, at: usize) {
        if !self.replace_within(at, GRACE).await {
            self.failed.push(format!("worker {at} did not stop within {GRACE:?}"));
        }
    }

    /// Kills a process that was asked to stop and still runs after the grace, and replaces it.
    /// Returns whether it had ended.
    pub(super) async fn replace_within(&mut self, at: usize, grace: Duration) -> bool {
        let child = &mut self.processes[at].child;
        let has_ended = tokio::time::timeout(grace, child.wait()).await.is_ok();
        if !has_ended {
            let _ = child.kill().await;
        }
        self.processes[at] = self.spawn(at);
        has_ended
    }

    pub(super) async fn stop_all(&mut self) {
        for at in 0..self.count() {
            self.signal(at, Signal::TERM);
        }
        for process in &mut self.processes {
            if tokio::time::timeout(GRACE, process.child.wait()).await.is_err() {
                self.failed.push(format!("a worker did not stop within {GRACE:?}"));
            }
        }
    }
}
