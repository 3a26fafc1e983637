//! Documents over HTTP: JSON in and out, over the actions by name.
//!
//! - `collections`: what is served; nothing else here knows these types
//! - `args`: the command line
//! - `routes`: which request does what
//! - `items`, `lists`, `history`, `derived`: the handlers
//! - `precondition`: `ETag`, `If-Match`, `If-None-Match`
//! - `extract`: what handlers take from a request; `json`: its body
//! - `problem`: errors as status codes and JSON
//! - `serve`: connections and their time limits
//!
//! What it shares with the other examples is in `../shared`.

mod args;
mod collections;
mod derived;
mod extract;
mod history;
mod items;
mod json;
mod lists;
mod precondition;
mod problem;
mod routes;
mod serve;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use metastore::Store;
use metastore_examples::program;
use metastore_worker::{Worker, shutdown_signal};
use tokio::net::TcpListener;

use args::Args;
use collections::{Article, Documents, outline};
use extract::Service;
use serve::Times;

/// How long a request waits for an unavailable server; clients are then asked to retry.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    program::run(run(Args::parse()))
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let shutdown = shutdown_signal();
    let options =
        Store::options().audit(true).command_timeout(PATIENCE).outcome_timeout(PATIENCE * 2);
    let repo = Documents::with_store(&args.server.open(options).await?);
    repo.register().await?;
    let worker =
        Worker::builder(&repo.articles).handle(Article::OUTLINE, outline).build().start()?;

    let listener = TcpListener::bind(&args.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on `{}`", args.listen))?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let stop = async {
        shutdown.await;
        eprintln!("stopping");
    };
    let times = Times {
        head: Duration::from_secs(args.head_timeout),
        grace: Duration::from_secs(args.grace),
    };
    let routes = routes::routes(Service::new(repo.dynamic(), &args));
    serve::serve(listener, routes, times, stop).await;
    worker.stop().await;
    eprintln!("stopped");
    Ok(ExitCode::SUCCESS)
}
