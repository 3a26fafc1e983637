//! Worker processes that are killed and frozen, and a server that is restarted under them.

use std::process::Stdio;
use std::time::Duration;

use metastore::{JobState, Store, Timestamp};
use metastore_tests::{Server, wait};
use metastore_worker::Worker;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::fixture::{MyRepo, SOON, Text, start, text};

const LEASE: Duration = Duration::from_millis(1_000);
const POLL: Duration = Duration::from_millis(300);

/// The time that a busy machine may add to any of these.
const SLACK: Duration = Duration::from_millis(1_500);

struct WorkerProcess {
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl WorkerProcess {
    async fn start(server: &Server, sleep: Duration, answer: u64) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_test-worker"))
            .arg(server.url())
            .args([LEASE, POLL, sleep].map(|time| time.as_millis().to_string()))
            .arg(answer.to_string())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the worker process starts");
        let says = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut process = Self { child, says };
        process.expect("ready").await;
        process
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(SOON, self.says.next_line()).await;
        line.expect("it says something in time").expect("it can be read").expect("it still runs")
    }

    async fn expect(&mut self, line: &str) {
        assert_eq!(self.line().await, line);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().expect("it still runs")).expect("a process id");
        kill_process(Pid::from_raw(id).expect("a process id"), signal)
            .expect("it can be signalled");
    }
}

async fn start_job(repo: &MyRepo) -> metastore::Job<Text, u64> {
    let item = repo.texts.create(text("one")).await.unwrap();
    repo.texts.item(&item.id).count().enqueue().await.unwrap()
}

#[tokio::test]
async fn a_killed_workers_job_is_taken_over_within_lease_and_poll_interval() {
    let (server, repo) = start().await;
    let mut killed = WorkerProcess::start(&server, Duration::from_secs(3600), 1).await;
    let job = start_job(&repo).await;
    killed.expect("began").await;
    let heir = WorkerProcess::start(&server, Duration::ZERO, 2).await;
    let at = repo.texts.store().now();
    killed.signal(Signal::KILL);

    assert_eq!(job.wait(SOON).await.unwrap(), 2);
    let status = job.status().await.unwrap();
    // The killed worker ran another job as well, for all that is known, so nobody is to blame.
    assert_eq!((status.crashes, status.attempts), (0, 0));
    let took: Duration = status.started_at.map(|start: Timestamp| start.since(at)).unwrap();
    assert!(took <= LEASE + POLL + SLACK, "taken over after {took:?}");
    drop(heir);
}

#[tokio::test]
async fn a_frozen_workers_late_result_is_refused() {
    let (server, repo) = start().await;
    let mut zombie = WorkerProcess::start(&server, Duration::from_millis(200), 1).await;
    let job = start_job(&repo).await;
    zombie.expect("began").await;
    zombie.signal(Signal::STOP);

    let _heir = WorkerProcess::start(&server, Duration::ZERO, 2).await;
    assert_eq!(job.wait(SOON).await.unwrap(), 2);
    zombie.signal(Signal::CONT);
    zombie.signal(Signal::TERM);
    zombie.expect("finished 0 lost 1").await;
    let status = job.status().await.unwrap();
    assert_eq!(status.state, JobState::Done);
    assert_eq!(job.wait(SOON).await.unwrap(), 2);
}

#[tokio::test]
async fn a_worker_process_stops_in_order_on_sigterm() {
    let (server, repo) = start().await;
    let mut worker = WorkerProcess::start(&server, Duration::from_millis(300), 1).await;
    let job = start_job(&repo).await;
    worker.expect("began").await;
    worker.signal(Signal::TERM);
    worker.expect("finished 1 lost 0").await;
    assert!(worker.child.wait().await.unwrap().success());
    assert_eq!(job.wait(SOON).await.unwrap(), 1);
}

#[tokio::test]
async fn a_worker_carries_on_after_its_server_was_restarted() {
    let server = Server::builder().append_only(true).start().await;
    let store = Store::options()
        .command_timeout(Duration::from_millis(500))
        .connect(server.url())
        .await
        .unwrap();
    let repo = MyRepo::with_store(&store);
    let worker = Worker::builder(&repo.texts)
        .handle(Text::COUNT, |item, _job| async move { Ok::<_, String>(item.version) })
        .poll_interval(POLL)
        .build()
        .start()
        .unwrap();
    assert_eq!(start_job(&repo).await.wait(SOON).await.unwrap(), 1);
    for fault in [Server::stop, Server::kill] {
        fault(&server);
        // Down for longer than a command waits.
        wait::until("the client to notice", SOON, async || {
            repo.texts.count().await.is_err_and(|error| error.is_retryable())
        })
        .await;
        server.restart().await;
        wait::until("the client to be back", SOON, async || repo.texts.count().await.is_ok()).await;
        let item = repo.texts.list().limit(1).await.unwrap().into_iter().next().unwrap();
        let item = repo.texts.modify(&item.id, |text| text.content.push('!')).await.unwrap();
        let job = repo.texts.item(&item.id).count().enqueue().await.unwrap();
        assert_eq!(job.wait(SOON).await.unwrap(), item.version);
    }
    assert_eq!(worker.stop().await.finished, 3);
}

#[tokio::test]
async fn waiting_callers_receive_the_end_after_a_restart_of_the_server() {
    let server = Server::builder().append_only(true).start().await;
    let store = Store::connect(server.url()).await.unwrap();
    let repo = MyRepo::with_store(&store);
    let job = start_job(&repo).await;
    let waiting = tokio::spawn(async move { job.wait(SOON).await });
    wait::until("the subscription", SOON, async || {
        let channels = server.cli(&["PUBSUB", "CHANNELS"]).await;
        channels.as_strings().iter().any(|channel| channel.ends_with(":count:changes"))
    })
    .await;
    server.kill();
    server.restart().await;
    let _worker = WorkerProcess::start(&server, Duration::ZERO, 9).await;
    assert_eq!(waiting.await.unwrap().unwrap(), 9);
}
