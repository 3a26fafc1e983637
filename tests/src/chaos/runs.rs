//! The runs of handlers, written down by each worker process in a file of its own. A file has
//! what a process did before it was killed, whatever the server remembers of it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use metastore_worker::JobContext;

/// A run of a handler.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    pub(super) transformation: String,
    pub(super) item: String,
    pub(super) job: String,
    pub(super) fence: u64,
}

/// The file of a worker process.
#[derive(Clone, Debug)]
pub(super) struct RunLog(Arc<File>);

impl RunLog {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(OpenOptions::new().create(true).append(true).open(path)?)))
    }

    /// Records that a handler starts. It ends when the value that this returns is dropped.
    pub(super) fn start(&self, job: &JobContext) -> Started {
        let transformation = job.queue.rsplit(':').next().unwrap_or_default();
        let run = format!("{transformation} {} {} {}", job.item, job.id, job.fence);
        self.write(&format!("start {run}"));
        Started { log: self.clone(), run }
    }

    /// Records why the worker of this process stopped or did not start.
    pub(super) fn error(&self, error: &dyn std::error::Error) {
        self.write(&format!("error {error}"));
    }

    fn write(&self, line: &str) {
        // One call, so that a line is in the file completely or not at all.
        let line = format!("{line}\n");
        (&*self.0).write_all(line.as_bytes()).expect("the file of the runs is writable");
    }
}

/// A handler that runs.
pub(super) struct Started {
    log: RunLog,
    run: String,
}

impl Drop for Started {
    fn drop(&mut self) {
        self.log.write(&format!("end {}", self.run));
    }
}

/// The runs that have started and not ended, in the file of one process.
pub(super) fn unfinished(path: &Path) -> Vec<Run> {
    let mut running = Vec::new();
    let text = fs::read_to_string(path).unwrap_or_default();
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("start", run)) => running.extend(parse(run)),
            Some(("end", run)) => {
                let ended = parse(run);
                running.retain(|run| Some(run) != ended.as_ref());
            }
            _ => {}
        }
    }
    running
}

/// All runs of a campaign.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// The highest fence under which each job was started.
    last_fence: BTreeMap<String, u64>,
    /// Runs that started a second time under the same fence.
    pub(super) repeated: Vec<Run>,
    /// How many there were.
    pub(super) count: usize,
    /// Errors of workers, and how often each happened.
    pub(super) errors: BTreeMap<String, usize>,
}

impl Runs {
    /// Reads the files of all processes.
    pub(super) fn read(directory: &Path) -> Self {
        let mut all = Self::default();
        let mut runs = Vec::new();
        for file in fs::read_dir(directory).expect("the directory of the runs is readable") {
            let path = file.expect("the directory of the runs is readable").path();
            for line in fs::read_to_string(path).unwrap_or_default().lines() {
                match line.split_once(' ') {
                    Some(("start", run)) => runs.extend(parse(run)),
                    Some(("error", error)) => *all.errors.entry(error.to_owned()).or_default() += 1,
                    _ => {}
                }
            }
        }
        all.count = runs.len();
        runs.sort();
        for pair in runs.windows(2) {
            if pair[0] == pair[1] {
                all.repeated.push(pair[0].clone());
            }
        }
        for run in runs {
            let last = all.last_fence.entry(run.job).or_default();
            *last = run.fence.max(*last);
        }
        all
    }

    /// The highest fence under which a job was started, if it was.
    pub(super) fn last_fence(&self, job: &str) -> Option<u64> {
        self.last_fence.get(job).copied()
    }
}

fn parse(run: &str) -> Option<Run> {
    let mut words = run.split(' ').map(str::to_owned);
    let [transformation, item, job, fence] = std::array::from_fn(|_| words.next());
    Some(Run {
        transformation: transformation?,
        item: item?,
        job: job?,
        fence: fence?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_under_one_fence_are_found_over_the_files_of_all_processes() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        write(
            "1.log",
            "start work t1 J1 1\nerror no server\nstart work t2 J2 1\nend work t2 J2 1\n",
        );
        write("2.log", "start work t1 J1 2\nend work t1 J1 2\nstart work t1 J1 1\n");
        let runs = Runs::read(directory.path());
        let repeated: Vec<_> = runs.repeated.iter().map(|run| (&*run.job, run.fence)).collect();
        assert_eq!(repeated, [("J1", 1)]);
        assert_eq!((runs.last_fence("J1"), runs.last_fence("J2")), (Some(2), Some(1)));
        assert_eq!((runs.last_fence("J3"), runs.count), (None, 4));
        assert_eq!(runs.errors, BTreeMap::from([("no server".to_owned(), 1)]));
        let unfinished = unfinished(&directory.path().join("1.log"));
        assert_eq!(unfinished.iter().map(|run| &*run.item).collect::<Vec<_>>(), ["t1"]);
    }
}
