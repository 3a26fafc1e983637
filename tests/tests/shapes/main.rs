//! Documents of every shape: what is written is what is read, with all types and after any other
//! writer.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod diffs;
mod dynamic;
mod exact_numbers;
mod field_table;
mod foreign_json;
mod read_back;
mod sets;
mod unknown_fields;

use metastore::{Collection, Repo, Store};
use metastore_tests::Server;

/// A collection on a server of its own, with audit.
async fn start<T: Collection>() -> (Server, Repo<T>) {
    let server = Server::start().await;
    let store = Store::options().audit(true).connect(server.url()).await.unwrap();
    let repo = store.repo();
    (server, repo)
}
