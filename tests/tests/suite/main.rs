//! What metastore promises, held against real servers, one area a module.

mod bad_input;
mod concurrency;
mod documents;
mod embedded;
mod faults;
mod fixture;
mod lost_replies;
mod mutations;
mod round_trips;
mod transformations;
mod worker_processes;
mod workers;
