//! Users, their sessions, settings and notes, on the command line.
//!
//! - `args`: the command line
//! - `users`, `sessions`, `settings`, `config`, `notes`: one collection each, with what can be done
//!   to it
//! - `repo`: all of them together
//! - `fields`: setting one field of a document by its name
//! - `obey`: which command does what
//! - `run`: a run of one command, or of the story
//! - `story`: a run of all commands, one after the other
//!
//! What it shares with the other examples is in `../shared`.

mod args;
mod config;
mod fields;
mod notes;
mod obey;
mod repo;
mod run;
mod sessions;
mod settings;
mod story;
mod users;

use std::process::ExitCode;

use clap::Parser;
use metastore_examples::program;

use args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    program::run(program::until_stopped(run::run(args)))
}
