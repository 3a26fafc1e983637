//! Documents over HTTP: JSON in and out, over the actions by name.
//!
//! - `collections`: what is served; nothing else here knows these types
//! - `args`: the command line
//! - `routes`: which request does what
//! - `items`, `lists`, `history`, `derived`: the handlers
//! - `precondition`: `ETag`, `If-Match`, `If-None-Match`
//! - `extract`: what handlers take from a request
//! - `problem`: errors as status codes and JSON
//!
//! What it shares with the other examples is in `../shared`.

mod args;
mod collections;
mod derived;
mod extract;
mod history;
mod items;
mod lists;
mod precondition;
mod problem;
mod routes;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use metastore::Store;
use metastore_examples::program;
use metastore_worker::{Worker, shutdown_signal};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use args::Args;
use collections::{Article, Documents, outline};
use extract::Service;

/// How long a request waits for a server that is away; clients are told to try again.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    program::run(serve(Args::parse()))
}

async fn serve(args: Args) -> anyhow::Result<ExitCode> {
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
    let grace = Duration::from_secs(args.grace);
    let (tell, told) = oneshot::channel();
    let stop = async move {
        shutdown.await;
        eprintln!("stopping");
        let _ = tell.send(());
    };
    let service = Service::new(repo.actions(), &args);
    let serving = axum::serve(listener, routes::routes(service)).with_graceful_shutdown(stop);
    tokio::select! {
        ended = serving.into_future() => ended?,
        // A client that does not end its request does not hold up the end of the service.
        () = async { told.await.ok(); tokio::time::sleep(grace).await } => {}
    }
    worker.stop().await;
    eprintln!("stopped");
    Ok(ExitCode::SUCCESS)
}
