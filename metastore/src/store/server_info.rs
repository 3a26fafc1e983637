//! The server's information, read when a store connects.

use crate::error::{Error, ErrorKind, Result};
use crate::redis::command::{Command, Fault};
use crate::redis::connection::Connection;
use crate::redis::read;

/// The oldest supported server: Redis 7.0, whose scripts have what ours need. Valkey reports
/// `redis_version:7.2.4`.
const OLDEST: (u32, u32) = (7, 0);

/// The fields of INFO that matter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ServerInfo {
    version: Option<String>,
    is_cluster_node: bool,
    pub(super) eviction_policy: Option<String>,
}

impl ServerInfo {
    pub(super) async fn read(connection: &Connection) -> std::result::Result<Self, Fault> {
        let info = read::call(connection, Command::new("INFO")).await?;
        let info = info.into_data().unwrap_or_default();
        Ok(Self::parse(&String::from_utf8_lossy(&info)))
    }

    fn parse(info: &str) -> Self {
        let field = |name: &str| {
            let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            Some(value.trim().to_owned())
        };
        Self {
            version: field("redis_version"),
            is_cluster_node: field("cluster_enabled").as_deref() == Some("1"),
            eviction_policy: field("maxmemory_policy"),
        }
    }

    /// Refuses an unsupported server on connecting, before any data is written.
    pub(super) fn check(&self, accept_eviction: bool) -> Result<()> {
        let refused = |message: String| Err(Error::new("connect", ErrorKind::Unsupported(message)));
        if let Some(version) = &self.version
            && numbers(version).is_some_and(|numbers| numbers < OLDEST)
        {
            return refused(format!(
                "the server is Redis {version}; use Redis 7.0 or Valkey 7.2 or later"
            ));
        }
        // In a cluster, the keys of one write would be on several nodes.
        if self.is_cluster_node {
            let message = "the server is a node of a Redis Cluster; use one server, or a primary with \
                           replicas";
            return refused(message.to_owned());
        }
        match &self.eviction_policy {
            Some(policy) if policy != "noeviction" && !accept_eviction => refused(format!(
                "the server may remove documents and jobs when its memory is full (`maxmemory-policy \
                 {policy}`); set `maxmemory-policy noeviction`"
            )),
            _ => Ok(()),
        }
    }

    /// The eviction policy, if it allows the server to remove documents.
    pub(super) fn evicting(&self) -> Option<&str> {
        self.eviction_policy.as_deref().filter(|policy| *policy != "noeviction")
    }
}

/// The first two numbers of a version.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(info: &str) -> Result<()> {
        ServerInfo::parse(info).check(false)
    }

    #[test]
    fn a_server_before_redis_7_is_refused_with_words() {
        for version in ["6.2.14", "6.0.16", "5.0.7", "2.8.4"] {
            let error = check(&format!("# Server\r\nredis_version:{version}\r\nos:Linux\r\n"));
            let error = error.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error:?}");
            assert!(!error.is_retryable());
            let text = error.to_string();
            assert!(
                text.contains(version) && text.contains("use Redis 7.0 or Valkey 7.2"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_newer_server_and_one_that_does_not_tell_its_version_are_accepted() {
        for info in [
            "redis_version:7.0.15\r\ncluster_enabled:0\r\nmaxmemory_policy:noeviction\r\n",
            "redis_version:8.2.3\r\n",
            "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n",
            "redis_version:255.255.255\r\n",
            "redis_version:unknown\r\n",
            "redis_version:\r\n",
            "",
        ] {
            check(info).unwrap();
        }
    }

    #[test]
    fn a_node_of_a_cluster_and_a_server_that_evicts_are_refused_with_words() {
        let error = check("redis_version:7.0.15\r\ncluster_enabled:1\r\n").unwrap_err();
        assert!(error.to_string().contains("Redis Cluster"), "{error}");
        let evicting = ServerInfo::parse("maxmemory_policy:allkeys-lru\r\n");
        assert_eq!(evicting.evicting(), Some("allkeys-lru"));
        let error = evicting.check(false).unwrap_err();
        assert!(error.to_string().contains("set `maxmemory-policy noeviction`"), "{error}");
        evicting.check(true).unwrap();
    }
}
