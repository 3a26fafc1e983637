//! Reads: they change nothing, so a lost reply is simply asked for again.

use super::command::{Command, Fault, Reply};
use super::conn::Connection;

/// How often a read is sent before the loss is reported.
const ATTEMPTS: u32 = 3;

pub(crate) async fn call(connection: &Connection, command: Command) -> Result<Reply, Fault> {
    let mut attempt = 1;
    loop {
        match connection.call(command.clone()).await {
            Err(Fault::Lost(_)) if attempt < ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}

pub(crate) async fn mget(connection: &Connection, keys: Vec<String>) -> Result<Vec<Reply>, Fault> {
    let mut attempt = 1;
    loop {
        match connection.mget(keys.clone()).await {
            Err(Fault::Lost(_)) if attempt < ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}

/// Several reads at once; the first refusal stands for all.
pub(crate) async fn pipeline(
    connection: &Connection,
    commands: Vec<Command>,
) -> Result<Vec<Reply>, Fault> {
    let mut attempt = 1;
    loop {
        let replies = connection.pipeline(commands.clone()).await;
        match replies.and_then(|replies| replies.into_iter().collect::<Result<Vec<_>, _>>()) {
            Err(Fault::Lost(_)) if attempt < ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}
