//! The way to the server: one file imports fred, one function writes.

mod args;
mod batcher;
pub(crate) mod command;
pub(crate) mod commit;
pub(crate) mod conn;
pub(crate) mod insert;
pub(crate) mod pubsub;
pub(crate) mod read;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod runtime;
pub(crate) mod script;
pub(crate) mod swap;
