//! Worker processes that crash, or that are told twice to stop.

use std::process::Stdio;
use std::time::{Duration, Instant};

use metastore::JobState;
use metastore_tests::{Server, wait};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::fixture::{SOON, start, text};

const LEASE: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(100);

struct Process {
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(server: &Server, sleep: Duration, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_test-worker"))
            .arg(server.url())
            .args([LEASE, POLL, sleep].map(|time| time.as_millis().to_string()))
            .arg("1")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the worker process starts");
        let says = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { child, says }
    }

    async fn expect(&mut self, expected: &str) {
        loop {
            let line = tokio::time::timeout(SOON, self.says.next_line()).await;
            let line = line.expect("it says something in time").expect("it can be read");
            if line.expect("it still runs") == expected {
                return;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().expect("it still runs")).expect("a process id");
        kill_process(Pid::from_raw(id).expect("a process id"), signal)
            .expect("it can be signalled");
    }
}

#[tokio::test]
async fn jobs_that_run_with_one_that_crashes_its_worker_survive_it() {
    let (server, repo) = start().await;
    let innocent: Vec<String> = (0..19).map(|n| format!("i{n}")).collect();
    for id in &innocent {
        repo.texts.create_with_id(id.as_str(), text("innocent")).await.unwrap();
        repo.texts.item(id.as_str()).count().enqueue().await.unwrap();
    }
    repo.texts.create_with_id("guilty", text("abort")).await.unwrap();
    let guilty = repo.texts.item("guilty").count().enqueue().await.unwrap();
    let sleep = Duration::from_millis(300);
    let begin = Instant::now();
    let mut crashes = 0;
    'restart: loop {
        let mut process = Process::start(&server, sleep, &[("CONCURRENCY", "20")]);
        loop {
            assert!(begin.elapsed() < SOON * 2, "the jobs do not end: {crashes} crashes");
            tokio::select! {
                status = process.child.wait() => {
                    assert!(!status.unwrap().success());
                    crashes += 1;
                    continue 'restart;
                }
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
            let is_dead = guilty.status().await.unwrap().state == JobState::Dead;
            let mut done = 0;
            for id in &innocent {
                let status = repo.texts.item(id.as_str()).count().status().await.unwrap().unwrap();
                assert_ne!(status.state, JobState::Dead, "{id}: {:?}", status.error);
                done += usize::from(status.state == JobState::Done);
            }
            if is_dead && done == innocent.len() {
                break 'restart;
            }
        }
    }
    // Once with the others, and twice alone.
    assert_eq!(crashes, 3);
    let status = guilty.status().await.unwrap();
    assert_eq!((status.crashes, status.attempts), (2, 0));
    for id in &innocent {
        let status = repo.texts.item(id.as_str()).count().status().await.unwrap().unwrap();
        assert_eq!((status.crashes, status.attempts), (0, 0), "{id}");
    }
}

#[tokio::test]
async fn a_second_signal_ends_the_process_while_handlers_block_all_its_threads() {
    let (server, repo) = start().await;
    // One thread, so that the first handler blocks all of them.
    let variables = [("CONCURRENCY", "64"), ("BLOCK", "1"), ("TOKIO_WORKER_THREADS", "1")];
    let mut process = Process::start(&server, Duration::from_secs(3600), &variables);
    process.expect("ready").await;
    let item = repo.texts.create(text("one")).await.unwrap();
    repo.texts.item(&item.id).count().enqueue().await.unwrap();
    process.expect("began").await;
    process.signal(Signal::TERM);
    // Both arrive, even if the process has not handled the first one yet.
    wait::until("the end of the process", SOON, async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if process.child.try_wait().unwrap().is_some() {
            return true;
        }
        process.signal(Signal::TERM);
        false
    })
    .await;
    let status = process.child.wait().await.unwrap();
    assert_eq!(status.code(), Some(143), "{status}");
}
