//! The options of a process of a history.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The options of a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ClientOptions {
    /// The server, behind a proxy.
    pub(super) url: String,
    /// The path of its log.
    pub(super) log: PathBuf,
    /// Its number.
    pub(super) process: u32,
    /// How many tasks call at the same time.
    pub(super) tasks: u32,
    /// How many calls each task makes.
    pub(super) calls: u32,
    /// How many ids in each collection all processes know.
    pub(super) keys: u32,
    /// The longest pause between two calls of a task, in milliseconds.
    pub(super) pause: u64,
    /// The store's `command_timeout`, in milliseconds.
    pub(super) command_timeout: u64,
    /// The store's `outcome_timeout`, in milliseconds.
    pub(super) outcome_timeout: u64,
    /// The seed of all choices.
    pub(super) seed: u64,
}
