//! Group commit: unconditional writes that wait at the same moment leave as one MULTI … EXEC.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::args::Args;
use super::batcher::{Batch, BatchLimits, Batcher};
use super::command::{Command, Fault, Reply};
use super::conn::Connection;
use super::script::{RECORD, ScriptCall};
use crate::error::ErrorKind;
use crate::key::Id;

/// The size at which larger groups stopped being faster, and one that does not block the server.
const LIMITS: BatchLimits = BatchLimits { count: 128, bytes: 1024 * 1024 };

/// What a write adds, without regard to anything that is stored.
#[derive(Clone, Debug)]
pub(crate) struct Additions {
    /// A new key with its value, and the deadline if it has one.
    pub(crate) key: String,
    pub(crate) json: Bytes,
    pub(crate) deadline: Option<u64>,
    /// The index of all items, and the score and the member that the item has there.
    pub(crate) index: Bytes,
    pub(crate) created: u64,
    pub(crate) id: Id,
    /// Members of further sorted sets: key, score, member.
    pub(crate) members: Vec<(Bytes, u64, Bytes)>,
    /// Fields of hashes that must not be there yet: key, field, value.
    pub(crate) fields: Vec<(Bytes, Bytes, Bytes)>,
    /// The audit entries of the new items.
    pub(crate) entries: Vec<Entry>,
}

/// The audit entry of a new item; a script within the transaction writes it, if the item is written.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// How to audit: what `Repo::audit_pieces` gives, which is the same throughout a collection.
    pub(crate) audit: String,
    pub(crate) latest: String,
    pub(crate) trail: String,
    pub(crate) id: String,
    pub(crate) commit: String,
    pub(crate) actor: String,
}

impl Additions {
    /// The bytes of the document.
    pub(crate) fn bytes(&self) -> usize {
        self.json.len()
    }

    /// What takes the additions back.
    pub(crate) fn undo(&self) -> Vec<Command> {
        let trails = self.entries.iter().map(|entry| entry.trail.clone());
        let keys = std::iter::once(self.key.clone()).chain(trails);
        let remove = |(key, _, member): &(Bytes, u64, Bytes)| {
            Command::new("ZREM").arg(key.clone()).arg(member.clone())
        };
        let unlist = Command::new("ZREM").arg(self.index.clone()).arg(self.id.to_string());
        let delete = Command::new("DEL").args(keys);
        let clear = |(key, field, _): &(Bytes, Bytes, Bytes)| {
            Command::new("HDEL").arg(key.clone()).arg(field.clone())
        };
        [delete, unlist]
            .into_iter()
            .chain(self.members.iter().map(remove))
            .chain(self.fields.iter().map(clear))
            .collect()
    }
}

/// The queue before a connection.
pub(crate) struct Group(Batcher<Arc<Additions>, ()>);

impl Group {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        Self(Batcher::new(connection, LIMITS, |additions| additions.bytes(), write))
    }

    /// Writes the additions together with whatever else waits.
    ///
    /// A refusal is one of the whole group: nothing, all or a part of these additions may be written.
    pub(crate) async fn write(&self, additions: Arc<Additions>) -> Result<(), Fault> {
        self.0.call(additions).await
    }
}

async fn write(connection: Arc<Connection>, group: Batch<Arc<Additions>, ()>) {
    let writes: Vec<_> = group.iter().map(|waiting| waiting.load.clone()).collect();
    let written = transaction(&connection, &writes).await;
    for waiting in group {
        waiting.answer(written.clone());
    }
}

/// One pipelined MULTI … EXEC with all additions. fred's own transactions are not used: they wait for
/// every reply in flight first, and send everything again after a loss.
pub(crate) async fn transaction(
    connection: &Connection,
    writes: &[Arc<Additions>],
) -> Result<(), Fault> {
    let mut commands = vec![Command::new("MULTI")];
    commands.extend(merge(writes));
    let entries = entries(writes);
    commands.extend(entries.iter().map(|call| connection.within_transaction(call)));
    commands.push(Command::new("EXEC"));
    let mut replies = connection.pipeline(commands).await?;
    match replies.pop() {
        // MSETNX wrote nothing, since one of the keys was there.
        Some(Ok(Reply::Array(results))) if results.first() == Some(&Reply::Int(0)) => {
            Err(Fault::Refused(ErrorKind::AlreadyExists { field: None }))
        }
        Some(Ok(Reply::Array(_))) => {
            if !entries.is_empty() {
                connection.went_through(true);
            }
            Ok(())
        }
        Some(Err(fault)) => {
            connection.went_through(false);
            Err(fault)
        }
        other => Err(Fault::Lost(format!("no reply to EXEC: {other:?}"))),
    }
}

/// As few commands as will do, the strings first. They are set only if their keys do not exist, so that
/// not even a duplicate that the network delivers late overwrites a later version.
fn merge(writes: &[Arc<Additions>]) -> impl Iterator<Item = Command> {
    let bytes = writes.iter().map(|write| write.key.len() + write.bytes()).sum();
    let mut plain = Args::with_capacity(2 * writes.len(), bytes);
    let mut expiring = Vec::new();
    let mut sets: BTreeMap<&Bytes, Args> = BTreeMap::new();
    let mut fields = Vec::new();
    for write in writes {
        match write.deadline {
            None => {
                plain.push(write.key.as_bytes());
                plain.push_bytes(&write.json);
            }
            Some(deadline) => {
                let set = Command::new("SET").arg(write.key.clone()).arg(write.json.clone());
                expiring.push(set.arg("NX").arg("PXAT").int(deadline));
            }
        }
        let mut add = |key, score, member: &[u8]| {
            let set = sets.entry(key).or_insert_with(|| {
                let mut set = Args::with_capacity(2 * writes.len() + 1, 48 * writes.len());
                set.push_bytes(key);
                set
            });
            set.push_int(score);
            set.push(member);
        };
        add(&write.index, write.created, write.id.as_str().as_bytes());
        for (key, score, member) in &write.members {
            add(key, *score, member);
        }
        for (key, field, value) in &write.fields {
            let set = Command::new("HSETNX").arg(key.clone()).arg(field.clone());
            fields.push(set.arg(value.clone()));
        }
    }
    let plain = (!plain.is_empty()).then(|| Command { name: "MSETNX", args: plain.into_vec() });
    let set = |set: Args| Command { name: "ZADD", args: set.into_vec() };
    let sets: Vec<_> = sets.into_values().map(set).collect();
    plain.into_iter().chain(expiring).chain(sets).chain(fields)
}

/// The new items of one collection, and the keys that index them.
#[derive(Default)]
struct Record<'a> {
    sets: BTreeSet<&'a Bytes>,
    hashes: BTreeSet<&'a Bytes>,
    entries: Vec<&'a Entry>,
}

/// One script call for each collection whose new items are audited.
fn entries(writes: &[Arc<Additions>]) -> Vec<ScriptCall> {
    let mut records: BTreeMap<&str, Record<'_>> = BTreeMap::new();
    for write in writes {
        for entry in &write.entries {
            let record = records.entry(&entry.audit).or_default();
            record.sets.insert(&write.index);
            record.sets.extend(write.members.iter().map(|(key, ..)| key));
            record.hashes.extend(write.fields.iter().map(|(key, ..)| key));
            record.entries.push(entry);
        }
    }
    let call = |(audit, record): (&str, Record<'_>)| {
        let call = ScriptCall::new(&RECORD)
            .int(record.sets.len() as u64)
            .int(record.hashes.len() as u64)
            .arg(audit.to_owned());
        let indexes = record.sets.into_iter().chain(record.hashes);
        let call = indexes.fold(call, |call, key| call.key(key.clone()));
        record.entries.into_iter().fold(call, |call, entry| {
            call.key(entry.latest.clone())
                .key(entry.trail.clone())
                .arg(entry.id.clone())
                .arg(entry.commit.clone())
                .arg(entry.actor.clone())
        })
    };
    records.into_iter().map(call).collect()
}
