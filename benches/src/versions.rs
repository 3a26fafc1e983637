//! The versions that the figures belong to.

use std::fmt;

use metastore_tests::Server;
use serde::Serialize;
use tokio::process::Command;

/// Read from the lock file, since a crate does not know its version at run time.
const LOCK: &str = include_str!("../../Cargo.lock");
const QUEUES_LOCK: &str = include_str!("../queues/Cargo.lock");
const PACKAGE: &str = include_str!("../queues/node/package.json");

#[derive(Debug, Serialize)]
pub(crate) struct Versions {
    metastore: &'static str,
    fred: String,
    #[serde(rename = "redis-rs")]
    redis_rs: String,
    server: String,
    rustc: &'static str,
    queues: Queues,
}

/// The job queues, by their own lock files.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Queues {
    bullmq: String,
    apalis: String,
    bullmq_on_node: String,
    node: Option<String>,
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { metastore, fred, redis_rs, server, rustc, queues } = self;
        let Queues { bullmq, apalis, bullmq_on_node, node } = queues;
        write!(f, "metastore {metastore}, {server}, {rustc}, fred {fred}, redis-rs {redis_rs}, ")?;
        write!(
            f,
            "bullmq-official {bullmq}, apalis-redis {apalis}, BullMQ {bullmq_on_node} on Node"
        )?;
        write!(f, " {}", node.as_deref().unwrap_or("(there is none)"))
    }
}

impl Versions {
    pub(crate) async fn look(server: &Server) -> Self {
        let info = server.cli(&["INFO", "server"]).await;
        Self {
            metastore: env!("CARGO_PKG_VERSION"),
            fred: locked("fred"),
            redis_rs: locked("redis"),
            server: server_version(info.as_str()),
            rustc: env!("BENCH_RUSTC"),
            queues: Queues {
                bullmq: locked_in(QUEUES_LOCK, "bullmq-official"),
                apalis: locked_in(QUEUES_LOCK, "apalis-redis"),
                bullmq_on_node: in_package("bullmq"),
                node: node().await,
            },
        }
    }
}

fn locked(package: &str) -> String {
    locked_in(LOCK, package)
}

/// The exact version that `BullMQ`'s package file asks for.
fn in_package(name: &str) -> String {
    let package: serde_json::Value = serde_json::from_str(PACKAGE).unwrap_or_default();
    package["dependencies"][name].as_str().unwrap_or("unknown").to_owned()
}

async fn node() -> Option<String> {
    let output = Command::new("node").arg("--version").output().await.ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn locked_in(lock: &str, package: &str) -> String {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = "));
    version.unwrap_or("unknown").trim_matches('"').to_owned()
}

/// Valkey reports its own version next to that of the Redis it is compatible with.
fn server_version(info: &str) -> String {
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
    match (field("valkey_version:"), field("redis_version:")) {
        (Some(version), _) => format!("Valkey {version}"),
        (None, Some(version)) => format!("Redis {version}"),
        (None, None) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_names_both_clients() {
        for package in ["fred", "redis"] {
            let version = locked(package);
            assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{package}: {version}");
        }
        assert_eq!(locked("no such package"), "unknown");
        for package in ["bullmq-official", "apalis-redis"] {
            assert_ne!(locked_in(QUEUES_LOCK, package), "unknown");
        }
        assert_ne!(in_package("bullmq"), "unknown");
    }

    #[test]
    fn valkey_is_not_taken_for_redis() {
        let valkey = "redis_version:7.2.4\r\nvalkey_version:8.1.1\r\n";
        assert_eq!(server_version(valkey), "Valkey 8.1.1");
        assert_eq!(server_version("redis_version:7.0.15\r\n"), "Redis 7.0.15");
    }
}
