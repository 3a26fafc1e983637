//! Access to the server: one folder imports fred, one type writes.

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
