//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Stores texts in Redis, cuts them into pieces and summarises them.
///
/// Each file becomes an item of the collection `myapp:textsplitter:texts`. Its words are counted
/// and it is cut into pieces here; its summary is queued and made by a worker in a second process.
///
/// With the variable `REDIS_URL` set, that server is used and keeps the data, and each run adds
/// further items. Otherwise a private server is started, which ends with this program, and its data
/// with it.
#[derive(Debug, Parser)]
#[command(name = "textsplitter")]
pub(crate) struct Args {
    /// Files and folders; of a folder, all *.md, *.markdown and *.txt files in it and below, but
    /// not in hidden folders, `target` and `node_modules`. Default: the Markdown files of this
    /// repository.
    ///
    /// A .jsonl file holds the revisions of one text, a line each: `{"text": "…"}`, the oldest
    /// first. They become its versions.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// List the keys in Redis that hold the texts of this run.
    #[arg(long)]
    pub(crate) keys: bool,

    /// Write an audit entry for each change.
    #[arg(long)]
    pub(crate) audit: bool,

    /// Print the results as JSON in place of the table, and everything else to standard error.
    #[arg(long)]
    pub(crate) json: bool,

    /// How many summaries the worker makes at once [default: the number of cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) concurrency: Option<u16>,

    /// Be the worker. The program starts itself with this.
    #[arg(long, hide = true)]
    pub(crate) worker: bool,
}

impl Args {
    /// How many summaries the worker makes at once.
    pub(crate) fn jobs_at_once(&self) -> usize {
        match self.concurrency {
            Some(jobs) => jobs.into(),
            None => std::thread::available_parallelism().map_or(1, Into::into),
        }
    }
}
