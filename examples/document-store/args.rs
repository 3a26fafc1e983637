//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use metastore::Timestamp;
use metastore_examples::page::PageArgs;
use metastore_examples::server::ServerArgs;

/// Keeps documents in Redis with their history: each revision is a version, up to the 50 newest.
#[derive(Debug, Parser)]
#[command(name = "document-store")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// Who makes the changes; each version keeps the name.
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) by: Option<String>,

    /// Print results as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// A document is named by its name or its id.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Store files. One that is there already gets a new version, unless it is unchanged.
    Import {
        /// Files and folders; of a folder, all *.md, *.markdown and *.txt files in it and below,
        /// but not in hidden folders, `target` and `node_modules`.
        ///
        /// A .jsonl file holds the revisions of one document, a line each, the oldest first:
        /// `{"revision": "…", "date": "…", "summary": "…", "text": "…"}`, of which only the text
        /// must be there.
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Add this tag to them; may be repeated.
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
    },
    /// List the documents, the newest first.
    List {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Find documents by what is indexed.
    Search {
        #[command(flatten)]
        filter: Filter,
        /// The longest first.
        #[arg(long)]
        by_words: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    /// List the versions of a document, the newest first.
    History {
        document: String,
        /// At most this many.
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u64,
        /// Only versions before this one.
        #[arg(long, value_name = "VERSION", default_value_t = u64::MAX, hide_default_value = true)]
        before: u64,
    },
    /// Print the text of a document.
    Show {
        document: String,
        /// Of this version.
        #[arg(long, value_name = "N", conflicts_with = "as_of")]
        version: Option<u64>,
        /// As it was stored at this time, such as `2026-11-24T12:00:00Z`.
        #[arg(long, value_name = "TIME")]
        as_of: Option<Timestamp>,
    },
    /// Count documents and versions, and estimate what they take of the server's memory.
    Stats {
        /// How many documents to measure for the estimates.
        #[arg(long, value_name = "N", default_value_t = 400)]
        sample: usize,
    },
    /// Compare two versions of a document.
    Diff { document: String, from: u64, to: u64 },
    /// Make the content of an old version the newest one.
    Revert { document: String, version: u64 },
    /// Delete a document with all its versions.
    Remove { document: String },
}

/// What a document must be like.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Filter {
    /// It has this tag; may be repeated.
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Its file ends so, such as `md`.
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// It has so many words or more.
    #[arg(long, value_name = "N")]
    pub(crate) min_words: Option<u64>,
    /// It has so many words or fewer.
    #[arg(long, value_name = "N")]
    pub(crate) max_words: Option<u64>,
}
