//! One kind of work, long enough for a profiler, and its cost: the processor time of this process
//! and of the server for each operation, each on a line of its own. Preparations do not count:
//! `process` finds its jobs in the queue, `enqueue` its items.
//!
//! `cargo run --release -p metastore-benches --bin profile -- get`, for symbols with
//! `CARGO_PROFILE_RELEASE_DEBUG=line-tables-only`; then `perf record -p` with the number that it
//! prints.

#![allow(clippy::print_stdout, reason = "that is what it is for")]

#[path = "../document.rs"]
mod document;

use std::convert::Infallible;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use document::Article;
use metastore::{Collection, EnqueueOptions, Item, Repo, Store};
use metastore_tests::Server;
use metastore_worker::Worker;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Runs one kind of work and prints its cost.
#[derive(Parser)]
struct Cli {
    #[arg(value_enum)]
    work: Work,
    /// How many operations
    #[arg(long, default_value_t = 400_000)]
    operations: u64,
    /// How many tasks work at once, except in `process` and `create-many`
    #[arg(long, default_value_t = 256)]
    tasks: u64,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Work {
    Get,
    Create,
    CreateAudited,
    CreateMany,
    Update,
    Enqueue,
    Process,
}

impl Work {
    /// The goal for the processor time of an operation, on each of the two, in microseconds.
    fn goal(self) -> Option<f64> {
        (self == Self::Process).then_some(6.0)
    }
}

/// The number of documents before the work starts, unless it needs more.
const ITEMS: u64 = 10_000;

#[tokio::main]
async fn main() -> Result<()> {
    let Cli { work, operations, tasks } = Cli::parse();
    let server = Server::start().await;
    let audit = work == Work::CreateAudited;
    let store = Store::options().audit(audit).connect(&server.url()).await?;
    let articles: Repo<Article> = store.repo();
    // A second request of a waiting job would not create another one.
    let items = if matches!(work, Work::Process | Work::Enqueue) { operations } else { ITEMS };
    let mut ids = Vec::new();
    for created in articles.create_many((0..items).map(Article::sample)).await {
        ids.push(created?.id.to_string());
    }
    let ids: Arc<[String]> = ids.into();
    if work == Work::Process {
        for job in articles.enqueue_many(Article::DIGEST, &*ids, EnqueueOptions::new()).await? {
            job?;
        }
    }
    println!("process {}, server {}", std::process::id(), server.pid());

    let (own, of_server) = (cpu(std::process::id())?, cpu(server.pid())?);
    let start = Instant::now();
    let done = match work {
        Work::Process => process(&articles, operations).await?,
        Work::CreateMany => create_many(&articles, operations).await?,
        _ => by_tasks(work, &articles, &ids, operations / tasks, tasks).await?,
    };
    let wall = start.elapsed();
    let (own, of_server) = (cpu(std::process::id())? - own, cpu(server.pid())? - of_server);
    #[allow(clippy::cast_precision_loss, reason = "no run comes near 2^52 operations")]
    let each = |time: Duration| time.as_secs_f64() * 1e6 / done as f64;
    println!("{done} operations, {:.0} a second, {:.2} µs each", 1e6 / each(wall), each(wall));
    let goal = work.goal().map(|goal| format!(", goal ≤ {goal}")).unwrap_or_default();
    println!("client: {:.2} µs of processor time for each{goal}", each(own));
    println!("server: {:.2} µs of processor time for each{goal}", each(of_server));
    Ok(())
}

async fn by_tasks(
    work: Work,
    articles: &Repo<Article>,
    ids: &Arc<[String]>,
    rounds: u64,
    tasks: u64,
) -> Result<u64> {
    let mut running: JoinSet<Result<()>> = JoinSet::new();
    for task in 0..tasks {
        let (articles, ids) = (articles.clone(), ids.clone());
        running.spawn(async move {
            let own = &ids[usize::try_from(task)?];
            let mut item = articles.get(own).await?.context("it was there before")?;
            for round in 0..rounds {
                let id = &ids[usize::try_from(task * rounds + round)? % ids.len()];
                match work {
                    Work::Get => drop(articles.get(id).await?.context("it was there before")?),
                    Work::Update => {
                        let patch = Article::patch().content(Article::content(round + 1));
                        item = articles.update(&item, patch).await?;
                    }
                    Work::Enqueue => drop(articles.item(id).digest().enqueue().await?),
                    _ => drop(articles.create(Article::sample(round)).await?),
                }
            }
            Ok(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(rounds * tasks)
}

async fn create_many(articles: &Repo<Article>, operations: u64) -> Result<u64> {
    for first in (0..operations).step_by(2_000) {
        for created in articles.create_many((first..first + 2_000).map(Article::sample)).await {
            created?;
        }
    }
    Ok(operations.next_multiple_of(2_000))
}

async fn process(articles: &Repo<Article>, jobs: u64) -> Result<u64> {
    let (handled, all) = (AtomicU64::new(0), Arc::new(Notify::new()));
    let last = all.clone();
    let worker = Worker::builder(articles)
        .handle(Article::DIGEST, move |_item: Item<Article>, _job| {
            if handled.fetch_add(1, Ordering::Relaxed) + 1 == jobs {
                last.notify_one();
            }
            async { Ok::<_, Infallible>(0) }
        })
        .concurrency(100)
        .build()
        .start()?;
    all.notified().await;
    Ok(worker.stop().await.finished)
}

/// The processor time that a process has used.
fn cpu(process: u32) -> Result<Duration> {
    /// A hundredth of a second on every Linux.
    const TICK: Duration = Duration::from_millis(10);
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))
        .context("the processor's time is read from /proc, which Linux has")?;
    // The name before the bracket may contain spaces; user and system time are the 12th and 13th
    // after it.
    let fields = stat.rsplit_once(')').context("no bracket")?.1.split_whitespace();
    let ticks = fields.skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}
