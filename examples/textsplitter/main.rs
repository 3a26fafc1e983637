//! Stores texts, cuts them into pieces, and has a worker in a second process summarise them.
//!
//! The files, in the order in which a run passes through them:
//!
//! - `args`: the command line
//! - `text`: the collection, the only definition that metastore needs
//! - `run`: the run from beginning to end
//! - `storing`, `updating`, `mutating`, `summarising`: its steps, each over all texts, as many at
//!   once as `concurrency` says
//! - `process`, `worker`: the worker, as this process and as its own process see it
//! - `split`, `language`, `summary`: the functions of a text, with the tools `markdown`, `inline`,
//!   `sentences`, `words` and `stopwords` under them
//! - `results`, `table`: what is shown
//!
//! Finding and reading files, progress bars and the like are in `../shared`.

mod args;
mod concurrency;
mod inline;
mod language;
mod markdown;
mod mutating;
mod process;
mod results;
mod run;
mod sentences;
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

use clap::Parser;
use metastore_examples::program;

use args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    program::run(async {
        if args.worker { worker::run(&args).await } else { run::run(&args).await }
    })
}
