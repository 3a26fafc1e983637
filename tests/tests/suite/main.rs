//! Tests everything that metastore promises on real servers, one area per module.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod audit;
mod audit_reading;
mod bad_batches;
mod bad_input;
mod batches;
mod batching;
mod bounded_scripts;
mod catalog;
mod chaos;
mod clock;
mod concurrency;
mod crashing;
mod cursors;
mod damaged_data;
mod damaged_jobs;
mod discovery;
mod documents;
mod dynamic;
mod embedded;
mod evolution;
mod exactly_once;
mod faults;
mod fixture;
mod foreign_json;
mod group_commits;
mod histories;
mod history;
mod import;
mod index_hygiene;
mod index_values;
mod jobs;
mod lost_parts;
mod lost_replies;
mod model;
mod mutations;
mod names;
mod parity;
mod patches;
mod peers_documents;
mod peers_workers;
mod permissions;
mod plain_updates;
mod queries;
mod refusals;
mod requests;
mod retention;
mod round_trips;
mod runtimes;
mod statistics;
mod transformations;
mod unique_fields;
mod unreadable;
mod user_view;
mod worker_processes;
mod workers;
