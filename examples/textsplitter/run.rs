//! The run from beginning to end, and its orderly end at any point.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;

use anyhow::bail;
use metastore::Store;
use metastore_examples::input::{self, Found, Input, Naming};
use metastore_examples::program::stopped;
use metastore_examples::progress::Progress;
use metastore_worker::shutdown_signal;

use crate::args::Args;
use crate::process::WorkerProcess;
use crate::results::{self, Results};
use crate::text::MyRepo;
use crate::{mutating, storing, summarising, table, updating};

/// Does everything. The exit code is 0 only if something was stored and every summary was made.
pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let progress = Progress::new(args.json);
    let Found { inputs, problems } = find(&args.paths)?;
    for problem in &problems {
        progress.problem(problem);
    }
    if inputs.is_empty() {
        bail!("there are no text files to store");
    }
    let mut shutdown = pin!(shutdown_signal());

    let store = tokio::select! {
        () = &mut shutdown => return Ok(stopped()),
        store = open(args) => store?,
    };
    let repo = MyRepo::with_store(&store);
    progress.say(&format!("server: {}", describe(&store)))?;
    let mut worker = WorkerProcess::start(store.url(), args)?;
    let jobs = args.jobs_at_once();
    progress.say(&format!("worker: process {}, up to {jobs} jobs at once", worker.id()))?;

    let ended = tokio::select! {
        biased;
        () = &mut shutdown => None,
        results = work(&repo, args, inputs, &progress) => Some(results),
        error = worker.died() => Some(Err(error)),
    };
    // After a failure as well: the worker returns its jobs, which others may run.
    worker.stop().await;
    let Some(results) = ended else {
        return Ok(stopped());
    };
    let results = results?;
    show(&results, args, &progress)?;
    Ok(if results.failed() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The files that the paths name, or the Markdown files of this repository if there are none.
fn find(paths: &[PathBuf]) -> anyhow::Result<Found> {
    if paths.is_empty() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        return Ok(input::markdown_of(here.parent().unwrap_or(here)));
    }
    // Many folders have a `README.md`.
    input::find(paths, if paths.len() > 1 { Naming::WithFolder } else { Naming::InFolder })
}

async fn open(args: &Args) -> metastore::Result<Store> {
    Store::options().audit(args.audit).actor("textsplitter").from_env().await
}

/// Where the texts go.
fn describe(store: &Store) -> String {
    let server = store.server();
    if store.is_embedded() {
        return format!("{server}, started for this run; it ends with it, and its data too");
    }
    format!("{server}, from REDIS_URL; the data stays there")
}

async fn work(
    repo: &MyRepo,
    args: &Args,
    inputs: Vec<Input>,
    progress: &Progress,
) -> anyhow::Result<Results> {
    let items = storing::store_all(repo, inputs, progress).await?;
    if items.is_empty() {
        bail!("none of the files could be stored");
    }
    let items = updating::update_all(repo, items, progress).await?;
    mutating::mutate_all(repo, &items, progress).await?;
    summarising::summarise_all(repo, &items, progress).await?;
    results::read_all(repo, &items, args).await
}

fn show(results: &Results, args: &Args, progress: &Progress) -> anyhow::Result<()> {
    if args.json {
        return progress.print(&serde_json::to_string_pretty(results)?);
    }
    progress.print(&table::versions(results))?;
    progress.print(&table::table(results))?;
    progress.print(&table::totals(results, progress.problems()))?;
    if args.keys {
        progress.print(&table::keys(results))?;
    }
    Ok(())
}
