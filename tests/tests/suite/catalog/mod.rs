//! The catalog: written on connecting, read level by level.

mod entries;
mod failures;
mod versions;

use metastore::{Address, Repo, Repository, Store};
use metastore_tests::Server;

use crate::fixture::{Counter, Session, Text};

#[derive(Repository)]
struct MyRepo {
    texts: Repo<Text>,
    sessions: Repo<Session>,
    counters: Repo<Counter>,
}

async fn start() -> (Server, MyRepo) {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    (server, MyRepo::with_store(&store))
}

fn texts() -> Address {
    "myapp:textsplitter:texts".parse().unwrap()
}

async fn mutations(store: &Store) -> Vec<String> {
    let found = store.collection(&texts()).await.unwrap().unwrap();
    found.mutations.iter().map(ToString::to_string).collect()
}

/// How often the server has run a command that writes to the catalog.
async fn writes(server: &Server) -> u64 {
    let counts = server.command_counts().await;
    ["hset", "sadd", "hdel", "srem", "del"].iter().filter_map(|name| counts.get(*name)).sum()
}
