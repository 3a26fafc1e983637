//! Reads: they change nothing, so a lost reply is simply asked for again.

use std::sync::Arc;

use super::coalesce::{Batch, BatchLimits, Batcher, fail_all};
use super::command::{Command, Fault, Reply};
use super::connection::Connection;
use super::script::ScriptCall;

/// How often a read is sent before the loss is reported.
const ATTEMPTS: u32 = 3;

/// The keys of one MGET: where larger ones stopped being faster, and what a reply may hold up.
const LIMITS: BatchLimits = BatchLimits { count: 128, bytes: usize::MAX };

/// The same for lists of two or three keys.
const LIST_LIMITS: BatchLimits = BatchLimits { count: 64, bytes: usize::MAX };

/// The same for several commands; what counts as its size is their number.
const PIPELINE_LIMITS: BatchLimits = BatchLimits { count: 64, bytes: 512 };

/// Reads from the server.
pub(crate) struct Reader {
    connection: Arc<Connection>,
    gets: Batcher<String, Reply>,
    lists: Batcher<Vec<String>, Vec<Reply>>,
    pipelines: Batcher<Vec<Command>, Vec<Reply>>,
}

impl Reader {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        let gets = Batcher::new(&connection, LIMITS, |_| 0, get_all);
        let lists = Batcher::new(&connection, LIST_LIMITS, |_| 0, get_lists);
        let pipelines = Batcher::new(&connection, PIPELINE_LIMITS, Vec::len, get_pipelines);
        Self { connection, gets, lists, pipelines }
    }

    /// Reads one string; what is asked for at the same moment is read by one MGET.
    pub(crate) async fn get(&self, key: String) -> Result<Reply, Fault> {
        self.gets.read(key).await
    }

    /// Reads a few strings, as [`Reader::mget`]; what is asked for at the same moment is read by one MGET.
    pub(crate) async fn list(&self, keys: Vec<String>) -> Result<Vec<Reply>, Fault> {
        self.lists.read(keys).await
    }

    pub(crate) async fn call(&self, command: Command) -> Result<Reply, Fault> {
        call(&self.connection, command).await
    }

    /// Reads by a script. What it removes of items that have expired may be removed twice.
    pub(crate) async fn script(&self, call: &ScriptCall) -> Result<Reply, Fault> {
        let mut attempt = 1;
        loop {
            match self.connection.script(call).await {
                Err(Fault::Lost(_)) if attempt < ATTEMPTS => attempt += 1,
                other => return other,
            }
        }
    }

    /// Reads several strings. One that is missing and a key of another type both give nothing.
    pub(crate) async fn mget(&self, keys: &[String]) -> Result<Vec<Reply>, Fault> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        mget(&self.connection, keys).await
    }

    /// Several reads at once, each with its own answer.
    pub(crate) async fn each(
        &self,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Reply, Fault>>, Fault> {
        pipeline(&self.connection, commands).await
    }

    /// Several reads at once, and with them what others ask for at the same moment. The first refusal of one
    /// of these stands for all of these.
    pub(crate) async fn pipeline(&self, commands: Vec<Command>) -> Result<Vec<Reply>, Fault> {
        self.pipelines.read(commands).await
    }
}

async fn get_all(connection: Arc<Connection>, batch: Batch<String, Reply>) {
    let get = |key: &String| Command::new("GET").arg(key.clone());
    if let [_] = batch[..] {
        for waiting in batch {
            let found = call(&connection, get(&waiting.load)).await;
            waiting.answer(found);
        }
        return;
    }
    let keys: Vec<&str> = batch.iter().map(|waiting| waiting.load.as_str()).collect();
    let found = match mget(&connection, &keys).await {
        Ok(found) => found,
        Err(fault) => return fail_all(batch, &fault),
    };
    let mut open = Vec::new();
    for (waiting, value) in batch.into_iter().zip(found) {
        match value {
            // MGET says nothing of a key of another type, which is not the same as a missing one.
            Reply::Nil => open.push(waiting),
            value => waiting.answer(Ok(value)),
        }
    }
    if open.is_empty() {
        return;
    }
    let commands = open.iter().map(|waiting| get(&waiting.load)).collect();
    let replies = match pipeline(&connection, commands).await {
        Ok(replies) => replies,
        Err(fault) => vec![Err(fault); open.len()],
    };
    for (waiting, value) in open.into_iter().zip(replies) {
        waiting.answer(value);
    }
}

async fn get_lists(connection: Arc<Connection>, batch: Batch<Vec<String>, Vec<Reply>>) {
    let keys: Vec<&str> =
        batch.iter().flat_map(|waiting| waiting.load.iter().map(String::as_str)).collect();
    let mut found = match mget(&connection, &keys).await {
        Ok(found) => found.into_iter(),
        Err(fault) => return fail_all(batch, &fault),
    };
    for waiting in batch {
        let own = found.by_ref().take(waiting.load.len()).collect();
        waiting.answer(Ok(own));
    }
}

async fn get_pipelines(connection: Arc<Connection>, mut batch: Batch<Vec<Command>, Vec<Reply>>) {
    let counts: Vec<usize> = batch.iter().map(|waiting| waiting.load.len()).collect();
    let commands = batch.iter_mut().flat_map(|waiting| std::mem::take(&mut waiting.load)).collect();
    let mut replies = match pipeline(&connection, commands).await {
        Ok(replies) => replies.into_iter(),
        Err(fault) => return fail_all(batch, &fault),
    };
    for (waiting, count) in batch.into_iter().zip(counts) {
        let own: Vec<_> = replies.by_ref().take(count).collect();
        waiting.answer(own.into_iter().collect());
    }
}

/// The first connection has no reader yet when it asks for the time.
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
