//! Job queues that run as separate programs, because they have many dependencies or are not in
//! Rust.
//!
//! Such a program reads one task per line and answers with one line. It runs as long as the
//! benchmark, so it is as warm as metastore. See `benches/queues/src/task.rs`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::side::Side;

/// Where the sources of these programs are.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/queues");

/// One run, on an empty server. The document is the data of each job.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Task {
    Enqueue { document: Value, jobs: usize, tasks: usize },
    Process { document: Value, jobs: usize, concurrency: usize },
    Start { document: Value, jobs: usize, pause_micros: u64 },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Seconds(f64),
    Micros(Vec<f64>),
    Error(String),
}

/// The program, started and waiting for a task. Dropping it ends the program.
pub(crate) struct External {
    side: Side,
    _program: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl External {
    /// Builds the program below `directory` unless it exists, and starts it. The error says why it
    /// cannot run on this machine.
    pub(crate) async fn start(side: Side, url: &str, directory: &Path) -> Result<Self> {
        let mut command = match side {
            Side::Bullmq => queues(directory, "bullmq").await?,
            Side::Apalis => queues(directory, "apalis").await?,
            Side::BullmqNode => node(directory).await?,
            _ => bail!("{side} is no program"),
        };
        let mut program = command
            .arg(url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {side}"))?;
        let input = program.stdin.take().context("it has no input")?;
        let output = BufReader::new(program.stdout.take().context("it has no output")?).lines();
        Ok(Self { side, _program: program, input, output })
    }

    /// Returns the time of a run.
    pub(crate) async fn time(&mut self, task: &Task) -> Result<Duration> {
        match self.carry_out(task).await? {
            Answer::Seconds(seconds) => Ok(Duration::from_secs_f64(seconds)),
            other => bail!("{} answered {other:?}", self.side),
        }
    }

    /// Returns the time of each of many events, in microseconds.
    pub(crate) async fn micros(&mut self, task: &Task) -> Result<Vec<f64>> {
        match self.carry_out(task).await? {
            Answer::Micros(micros) => Ok(micros),
            other => bail!("{} answered {other:?}", self.side),
        }
    }

    async fn carry_out(&mut self, task: &Task) -> Result<Answer> {
        let mut line = serde_json::to_vec(task)?;
        line.push(b'\n');
        self.input.write_all(&line).await?;
        let answer = self.output.next_line().await?;
        let answer = answer.with_context(|| format!("{} has ended by itself", self.side))?;
        match serde_json::from_str(&answer).with_context(|| format!("unreadable: {answer}"))? {
            Answer::Error(error) => bail!("{}: {error}", self.side),
            answer => Ok(answer),
        }
    }
}

/// The queues in Rust, built like the benchmark itself.
async fn queues(directory: &Path, queue: &str) -> Result<Command> {
    let target = directory.join("queues");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--locked", "--manifest-path"]);
    build.arg(Path::new(SOURCES).join("Cargo.toml")).arg("--target-dir").arg(&target);
    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        build.arg("--release");
        "release"
    };
    finish("cargo build of benches/queues, minutes the first time", build).await?;
    let mut program = Command::new(target.join(profile).join("queues"));
    program.arg(queue);
    Ok(program)
}

async fn node(directory: &Path) -> Result<Command> {
    let version = Command::new("node").arg("--version").stdin(Stdio::null()).output().await;
    ensure!(
        version.is_ok_and(|output| output.status.success()),
        "there is no `node` on this machine"
    );
    let directory: PathBuf = directory.join("node");
    tokio::fs::create_dir_all(&directory).await?;
    for file in ["package.json", "package-lock.json", "peer.mjs"] {
        tokio::fs::copy(Path::new(SOURCES).join("node").join(file), directory.join(file)).await?;
    }
    let mut install = Command::new("npm");
    install
        .args(["install", "--prefer-offline", "--no-audit", "--no-fund", "--silent"])
        .current_dir(&directory);
    finish("npm ci of BullMQ", install).await?;
    let mut program = Command::new("node");
    program.arg(directory.join("peer.mjs"));
    Ok(program)
}

/// Runs a preparing command to completion.
async fn finish(what: &str, mut command: Command) -> Result<()> {
    eprintln!("{what} …");
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("{what} does not start"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.trim().lines().last().unwrap_or_default().to_owned();
    ensure!(output.status.success(), "{what} fails: {last}");
    Ok(())
}
