//! Which versions the figures belong to.

use metastore_tests::Server;
use serde::Serialize;

/// The lock file says which versions were built in; no crate tells its own at run time.
const LOCK: &str = include_str!("../../Cargo.lock");

#[derive(Debug, Serialize)]
pub(crate) struct Versions {
    metastore: &'static str,
    fred: String,
    #[serde(rename = "redis-rs")]
    redis_rs: String,
    server: String,
    rustc: &'static str,
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
        }
    }
}

fn locked(package: &str) -> String {
    let name = format!("name = \"{package}\"");
    let mut lines = LOCK.lines().skip_while(|line| *line != name);
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = "));
    version.unwrap_or("unknown").trim_matches('"').to_owned()
}

/// Valkey tells its own version beside that of the Redis it is compatible with.
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
    }

    #[test]
    fn valkey_is_not_taken_for_redis() {
        let valkey = "redis_version:7.2.4\r\nvalkey_version:8.1.1\r\n";
        assert_eq!(server_version(valkey), "Valkey 8.1.1");
        assert_eq!(server_version("redis_version:7.0.15\r\n"), "Redis 7.0.15");
    }
}
