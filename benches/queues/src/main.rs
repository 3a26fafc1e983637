//! Job queues for Rust, used as documented, controlled by the benchmark.
//!
//! `queues <bullmq|apalis> <url>` reads one task per line from its input, runs it, and answers with
//! one line; see `task.rs`. It runs until its input ends, so that it stays warm between runs and
//! ends with the benchmark.

#![allow(clippy::print_stdout, reason = "that is how it answers")]

mod apalis_redis;
mod bullmq;
mod task;

use std::io::{BufRead, Write, stdin, stdout};

use anyhow::{Context, Result, bail};
use task::{Answer, Task};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: queues <bullmq|apalis> <url>";
    let (queue, url) = (arguments.next().context(usage)?, arguments.next().context(usage)?);
    // As many threads as the benchmark itself has.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for line in stdin().lock().lines() {
        let task: Task = serde_json::from_str(&line?)?;
        let done = runtime.block_on(async {
            match queue.as_str() {
                "bullmq" => bullmq::carry_out(&url, task).await,
                "apalis" => apalis_redis::carry_out(&url, task).await,
                _ => bail!("{usage}"),
            }
        });
        let answer = done.unwrap_or_else(|error| Answer::Error(format!("{error:#}")));
        let mut out = stdout().lock();
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}
