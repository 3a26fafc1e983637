//! The worker: the same program, in a process of its own.

use std::process::ExitCode;
use std::time::Duration;

use metastore::{Item, Store};
use metastore_worker::{Worker, shutdown_signal};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::args::Args;
use crate::summary::summarise;
use crate::text::{MyRepo, Text};

/// How long to wait for the server before giving up. A worker of a service would wait for ever;
/// this one must not outlive a main process that took the server with it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Creates summaries until a signal or the main process stops it.
pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .init();
    let store = Store::options()
        .audit(args.audit)
        .actor("textsplitter-worker")
        .command_timeout(PATIENCE)
        .outcome_timeout(PATIENCE)
        .from_env()
        .await?;
    let repo = MyRepo::with_store(&store);
    let worker = Worker::builder(&repo.texts)
        .handle(Text::SUMMARIZE, |item: Item<Text>, _job| async move {
            // Counting words keeps a core busy, and the leases have to be renewed meanwhile.
            spawn_blocking(move || summarise(&item.data)).await
        })
        .concurrency(args.jobs_at_once())
        .drain_timeout(PATIENCE)
        .build();
    let report = worker.run_until(told_to_end()).await?;
    tracing::debug!(?report, "the worker has ended");
    Ok(ExitCode::SUCCESS)
}

async fn told_to_end() {
    tokio::select! {
        () = shutdown_signal() => {}
        () = main_process_gone() => {}
    }
}

/// Returns when standard input closes, which also happens when the main process is killed.
async fn main_process_gone() {
    let (tell, told) = oneshot::channel();
    // A thread of its own: a pending read of the runtime would keep the process from ending.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = tell.send(());
    });
    let _ = told.await;
}
