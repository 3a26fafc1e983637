//! The way to the server: one file imports fred, one function writes.

mod args;
mod coalesce;
pub(crate) mod command;
pub(crate) mod connection;
pub(crate) mod pubsub;
pub(crate) mod read;
pub(crate) mod refusal;
pub(crate) mod runtime;
pub(crate) mod script;
pub(crate) mod write;
