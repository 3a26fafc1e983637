//! Documents with their whole history, on the command line.
//!
//! - `args`: the command line
//! - `document`: the collection, and finding a document in it
//! - `import`: files and revisions become documents and versions
//! - `list`, `history`, `show`, `change`: what can be done with them
//! - `run`: which command does what
//!
//! What it shares with the other examples is in `../shared`.

mod args;
mod change;
mod document;
mod history;
mod import;
mod list;
mod run;
mod show;

use std::process::ExitCode;

use clap::Parser;
use metastore_examples::program;

use args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    program::run(program::until_stopped(run::run(args)))
}
