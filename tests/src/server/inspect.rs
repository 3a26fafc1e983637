//! Reads the data and statistics of a server, bypassing the library under test.

use std::collections::BTreeMap;
use std::io;

use tokio::time::timeout;

use super::{PATIENCE, Server};
use crate::resp::{Connection, Reply};

impl Server {
    /// Sends one command on a connection of its own and returns the reply, which may be a
    /// [`Reply::Error`].
    ///
    /// # Panics
    ///
    /// Panics when the server is not reachable or does not answer within ten seconds.
    pub async fn cli<A: AsRef<[u8]>>(&self, command: &[A]) -> Reply {
        let answer = async {
            let mut connection = self.connect().await?;
            connection.call(command).await
        };
        timeout(PATIENCE, answer)
            .await
            .unwrap_or_else(|_| panic!("the server should answer within {PATIENCE:?}"))
            .unwrap_or_else(|error| panic!("the server should be reachable: {error}"))
    }

    /// Opens a raw connection, authenticated if there is a password.
    pub async fn connect(&self) -> io::Result<Connection> {
        let mut connection = Connection::open(self.port()).await?;
        self.authenticate(&mut connection).await?;
        Ok(connection)
    }

    /// The names of all keys of database 0, sorted.
    pub async fn keys(&self) -> Vec<String> {
        let reply = self.cli(&["KEYS", "*"]).await;
        let mut keys: Vec<String> = reply
            .as_array()
            .iter()
            .map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned())
            .collect();
        keys.sort();
        keys
    }

    /// The names of the keys that hold jobs. The settings and counters of a queue and its idle
    /// workers stay when it is empty, so they are left out.
    pub async fn keys_of_jobs(&self) -> Vec<String> {
        let stays = |key: &String| key.ends_with(":control") || key.ends_with(":idle");
        let keys = self.keys().await.into_iter();
        keys.filter(|key| key.starts_with("queue:") && !stays(key)).collect()
    }

    /// The id of the live job of an item, by the address of its queue, as in
    /// `queue:myapp:app:texts:summarize`.
    pub async fn live_job(&self, queue: &str, id: &str) -> Option<String> {
        let job = self.cli(&["HGET", &format!("{queue}:jobs"), id]).await;
        if job.is_nil() {
            return None;
        }
        let mut words = job.as_str().split(' ');
        let state = words.next().expect("a state");
        words.next().filter(|_| !state.contains('x')).map(str::to_owned)
    }

    /// The number of clients that are subscribed to a channel that begins with this text.
    pub async fn listeners(&self, channel: &str) -> usize {
        self.cli(&["PUBSUB", "CHANNELS", &format!("{channel}*")]).await.as_array().len()
    }

    /// The number of keys of database 0.
    pub async fn dbsize(&self) -> i64 {
        self.cli(&["DBSIZE"]).await.as_int()
    }

    /// The string at `key`, or `None` when there is no such key.
    pub async fn get_string(&self, key: &str) -> Option<String> {
        match self.cli(&["GET", key]).await {
            Reply::Nil => None,
            reply => Some(reply.as_str().to_owned()),
        }
    }

    /// How often each command has run since the start or since
    /// [`reset_command_counts`](Self::reset_command_counts), by lowercase name; subcommands look
    /// like `config|get`.
    ///
    /// The commands of the kit itself count as well, `info` and `config|resetstat` among them.
    pub async fn command_counts(&self) -> BTreeMap<String, u64> {
        let reply = self.cli(&["INFO", "commandstats"]).await;
        reply.as_str().lines().filter_map(command_count).collect()
    }

    /// Resets [`command_counts`](Self::command_counts).
    pub async fn reset_command_counts(&self) {
        self.cli(&["CONFIG", "RESETSTAT"]).await;
    }

    /// One field of `INFO`, such as `used_memory`.
    ///
    /// # Panics
    ///
    /// Panics when `INFO` has no such field.
    pub async fn info_field(&self, name: &str) -> String {
        let reply = self.cli(&["INFO", "everything"]).await;
        reply
            .as_str()
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .unwrap_or_else(|| panic!("INFO should have a field `{name}`"))
            .to_owned()
    }

    pub(super) async fn authenticate(&self, connection: &mut Connection) -> io::Result<()> {
        if let Some(password) = &self.settings.password {
            connection.call(&["AUTH", password]).await?;
        }
        Ok(())
    }
}

/// Reads a line such as `cmdstat_get:calls=3,usec=12,...`.
fn command_count(line: &str) -> Option<(String, u64)> {
    let (name, statistics) = line.strip_prefix("cmdstat_")?.split_once(':')?;
    let (calls, _) = statistics.strip_prefix("calls=")?.split_once(',')?;
    Some((name.to_owned(), calls.parse().ok()?))
}
