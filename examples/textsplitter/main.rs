//! Stores texts, cuts them into pieces, and has a worker in a second process summarise them.
//!
//! The files, in the order in which a run passes through them:
//!
//! - `args`: the command line
//! - `input`, `source`: finding the files, and reading one
//! - `text`: the collection, which is all that metastore has to be told
//! - `run`: the run from beginning to end
//! - `storing`, `updating`, `mutating`, `summarising`: its steps, each over all texts
//! - `process`, `worker`: the worker, as this process and as its own process see it
//! - `split`, `language`, `summary`: the functions of a text, with the tools `markdown`, `inline`,
//!   `sentences`, `words` and `stopwords` under them
//! - `results`, `table`, `progress`: what is shown

mod args;
mod inline;
mod input;
mod language;
mod markdown;
mod mutating;
mod process;
mod progress;
mod results;
mod run;
mod sentences;
mod source;
mod split;
mod stopwords;
mod storing;
mod summarising;
mod summary;
mod table;
mod text;
mod updating;
mod words;
mod worker;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::Runtime;

use args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(async {
        if args.worker { worker::run(&args).await } else { run::run(&args).await }
    });
    // A read that never returns, of a pipe into which nobody writes, must not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(100));
    ended.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
