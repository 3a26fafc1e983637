//! Reads. They change nothing, so a read whose reply is lost is sent again.

use std::sync::Arc;

use super::coalesce::{Batch, BatchLimits, BatchQueue, fail_all};
use super::command::{Command, Fault, Reply};
use super::connection::Connection;
use super::script::ScriptCall;

/// How often a read is sent before the error is returned.
const ATTEMPTS: u32 = 3;

/// The limits of one MGET: larger ones were not faster, and would block the server for longer.
const LIMITS: BatchLimits = BatchLimits { count: 128, bytes: usize::MAX };

/// The same for lists of two or three keys.
const LIST_LIMITS: BatchLimits = BatchLimits { count: 64, bytes: usize::MAX };

/// The same for several commands, where the size is the number of commands.
const PIPELINE_LIMITS: BatchLimits = BatchLimits { count: 64, bytes: 512 };

/// Reads from the server.
pub(crate) struct Reader {
    connection: Arc<Connection>,
    gets: BatchQueue<String, Reply>,
    lists: BatchQueue<Vec<String>, Vec<Reply>>,
    pipelines: BatchQueue<Vec<Command>, Vec<Reply>>,
}

impl Reader {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        let gets = BatchQueue::new(&connection, LIMITS, |_| 0, get_all);
        let lists = BatchQueue::new(&connection, LIST_LIMITS, |_| 0, get_lists);
        let pipelines = BatchQueue::new(&connection, PIPELINE_LIMITS, Vec::len, get_pipelines);
        Self { connection, gets, lists, pipelines }
    }

    /// Reads one string. Concurrent calls share one MGET.
    pub(crate) async fn get(&self, key: String) -> Result<Reply, Fault> {
        self.gets.read(key).await
    }

    /// Reads a few strings; both a missing key and a key of another type are `Nil`. Concurrent
    /// calls share one MGET.
    pub(crate) async fn list(&self, keys: Vec<String>) -> Result<Vec<Reply>, Fault> {
        self.lists.read(keys).await
    }

    pub(crate) async fn call(&self, command: Command) -> Result<Reply, Fault> {
        call(&self.connection, command).await
    }

    /// Reads by a script. If it also removes entries of expired items, doing so twice is harmless.
    pub(crate) async fn script(&self, call: &ScriptCall) -> Result<Reply, Fault> {
        let mut attempt = 1;
        loop {
            match self.connection.script(call).await {
                Err(Fault::Lost(_)) if attempt < ATTEMPTS => attempt += 1,
                other => return other,
            }
        }
    }

    /// Sends several reads in one round trip, each with its own reply.
    pub(crate) async fn each(
        &self,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Reply, Fault>>, Fault> {
        pipeline(&self.connection, commands).await
    }

    /// Sends several reads in one round trip, which concurrent calls share. The first refusal of
    /// one of the commands is that of the call.
    pub(crate) async fn pipeline(&self, commands: Vec<Command>) -> Result<Vec<Reply>, Fault> {
        self.pipelines.read(commands).await
    }
}

async fn get_all(connection: Arc<Connection>, batch: Batch<String, Reply>) {
    let get = |key: &String| Command::new("GET").arg(key.clone());
    if let [_] = batch[..] {
        for pending in batch {
            let found = call(&connection, get(&pending.request)).await;
            pending.reply(found);
        }
        return;
    }
    let keys: Vec<&str> = batch.iter().map(|pending| pending.request.as_str()).collect();
    let found = match mget(&connection, &keys).await {
        Ok(found) => found,
        Err(fault) => return fail_all(batch, &fault),
    };
    let mut unresolved = Vec::new();
    for (pending, value) in batch.into_iter().zip(found) {
        match value {
            // MGET does not distinguish a key of another type from a missing key.
            Reply::Nil => unresolved.push(pending),
            value => pending.reply(Ok(value)),
        }
    }
    if unresolved.is_empty() {
        return;
    }
    let commands = unresolved.iter().map(|pending| get(&pending.request)).collect();
    let replies = match pipeline(&connection, commands).await {
        Ok(replies) => replies,
        Err(fault) => vec![Err(fault); unresolved.len()],
    };
    for (pending, value) in unresolved.into_iter().zip(replies) {
        pending.reply(value);
    }
}

async fn get_lists(connection: Arc<Connection>, batch: Batch<Vec<String>, Vec<Reply>>) {
    let keys: Vec<&str> =
        batch.iter().flat_map(|pending| pending.request.iter().map(String::as_str)).collect();
    let mut found = match mget(&connection, &keys).await {
        Ok(found) => found.into_iter(),
        Err(fault) => return fail_all(batch, &fault),
    };
    for pending in batch {
        let own = found.by_ref().take(pending.request.len()).collect();
        pending.reply(Ok(own));
    }
}

async fn get_pipelines(connection: Arc<Connection>, mut batch: Batch<Vec<Command>, Vec<Reply>>) {
    let counts: Vec<usize> = batch.iter().map(|pending| pending.request.len()).collect();
    let commands =
        batch.iter_mut().flat_map(|pending| std::mem::take(&mut pending.request)).collect();
    let mut replies = match pipeline(&connection, commands).await {
        Ok(replies) => replies.into_iter(),
        Err(fault) => return fail_all(batch, &fault),
    };
    for (pending, count) in batch.into_iter().zip(counts) {
        let own: Vec<_> = replies.by_ref().take(count).collect();
        pending.reply(own.into_iter().collect());
    }
}

/// Reads without a [`Reader`], which does not exist yet when a store reads the time to connect.
pub(crate) async fn call(connection: &Connection, command: Command) -> Result<Reply, Fault> {
    let mut attempt = 1;
    loop {
        match connection.call(command.clone()).await {
            Err(Fault::Lost(_)) if attempt < ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}

async fn mget(connection: &Connection, keys: &[impl AsRef<str>]) -> Result<Vec<Reply>, Fault> {
    let mut attempt = 1;
    loop {
        match connection.mget(keys).await {
            Err(Fault::Lost(_)) if attempt < ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}

async fn pipeline(
    connection: &Connection,
    commands: Vec<Command>,
) -> Result<Vec<Result<Reply, Fault>>, Fault> {
    let mut attempt = 1;
    loop {
        let replies = connection.pipeline(commands.clone()).await;
        let lost = match &replies {
            Ok(replies) => replies.iter().any(|reply| matches!(reply, Err(Fault::Lost(_)))),
            Err(fault) => matches!(fault, Fault::Lost(_)),
        };
        if !lost || attempt == ATTEMPTS {
            return replies;
        }
        attempt += 1;
    }
}
