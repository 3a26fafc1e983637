//! Group commit: creates new items. Concurrent ones of a collection share a script call.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use ulid::ULID_LEN;

use crate::document::header::first_commit;
use crate::key::{Address, Id};
use crate::redis::args::Args;
use crate::redis::coalesce::{Batch, BatchLimits, BatchQueue};
use crate::redis::command::{Command, Fault, Reply, Verdict};
use crate::redis::connection::Connection;
use crate::redis::script::audit::AuditContext;
use crate::redis::script::{INSERT, ScriptCall, code};
use crate::redis::write::item::CreateItem;

/// Larger groups were not faster, and would block the server for longer.
const LIMITS: BatchLimits = BatchLimits { count: 128, bytes: 1024 * 1024 };

/// From this size on, a group is a transaction, in which the documents do not pass through Lua.
/// That takes more commands, which cost as much as Lua does in a smaller group.
const MIN_TRANSACTION: usize = 32;

/// The most members that one command adds to a sorted set: Lua accepts up to 8,000 arguments.
const MAX_MEMBERS: usize = 2_000;

/// A new item with a generated id, which depends on nothing stored.
#[derive(Clone, Debug)]
pub(crate) struct Insert {
    pub(crate) address: Address,
    /// The key of the index of all items.
    pub(crate) index: Bytes,
    pub(crate) audit: AuditContext,
    pub(crate) id: Id,
    /// The first version, whose header contains the commit id.
    pub(crate) document: Bytes,
    /// When the item is created, by the server's time in milliseconds.
    pub(crate) created: u64,
    pub(crate) deadline: Option<u64>,
    /// Members of further sorted sets: key, score, member.
    pub(crate) members: Vec<(Bytes, u64, Bytes)>,
    /// The entries of the item in the indexes of fields.
    pub(crate) entries: Option<Bytes>,
}

impl Insert {
    /// Whether both can be written by one call.
    fn can_share_call(&self, other: &Self) -> bool {
        self.index == other.index
            && self.audit.settings == other.audit.settings
            && self.deadline.is_some() == other.deadline.is_some()
    }

    pub(crate) fn commit(&self) -> &str {
        std::str::from_utf8(first_commit(&self.document, &self.id)).unwrap_or_default()
    }

    /// The script call that creates this item alone.
    pub(crate) fn script(&self) -> ScriptCall {
        let create = CreateItem {
            address: &self.address,
            id: &self.id,
            commit: self.commit(),
            document: &self.document,
            created: self.created,
            deadline: self.deadline,
            audit: &self.audit,
            entries: self.entries.clone().unwrap_or_default(),
        };
        create.script()
    }
}

/// The queue of a connection.
pub(crate) struct InsertQueue(BatchQueue<Arc<Insert>, bool>);

impl InsertQueue {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        Self(BatchQueue::new(connection, LIMITS, |insert| insert.document.len(), send))
    }

    /// Creates an item together with concurrent ones. False if nothing was written, because one of
    /// them cannot be written in this way.
    ///
    /// A refusal is that of the whole call, and nothing was written.
    pub(crate) async fn call(&self, insert: Arc<Insert>) -> Result<bool, Fault> {
        self.0.call(insert).await
    }
}

async fn send(connection: Arc<Connection>, batch: Batch<Arc<Insert>, bool>) {
    let mut groups: Vec<Batch<Arc<Insert>, bool>> = Vec::with_capacity(1);
    for pending in batch {
        let fits = |group: &&mut Batch<Arc<Insert>, bool>| {
            group.first().is_some_and(|first| first.request.can_share_call(&pending.request))
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(pending),
            None => groups.push(vec![pending]),
        }
    }
    let written = groups.iter().map(|group| {
        let inserts: Vec<&Insert> = group.iter().map(|pending| &*pending.request).collect();
        let connection = &connection;
        async move { insert_all(connection, &inserts).await }
    });
    let written = join_all(written).await;
    for (written, group) in written.into_iter().zip(groups) {
        for pending in group {
            pending.reply(written.clone());
        }
    }
}

/// Creates items of one collection in one atomic step. False if nothing was written.
pub(crate) async fn insert_all(
    connection: &Connection,
    inserts: &[&Insert],
) -> Result<bool, Fault> {
    let Some(first) = inserts.first() else { return Ok(true) };
    let joined = Joined::of(inserts);
    if inserts.len() < MIN_TRANSACTION || first.deadline.is_some() {
        return is_written(connection.script(&call(first, inserts, &joined, Step::All)).await?);
    }
    let (check, rest) =
        (call(first, inserts, &joined, Step::Check), call(first, inserts, &joined, Step::Rest));
    let scratch = first.address.scratch();
    let commands = |command: fn(&ScriptCall) -> Command| {
        let lock = Command::new("SET").arg(scratch.clone()).arg("");
        vec![lock, command(&check), documents(&scratch, inserts), command(&rest)]
    };
    let mut replies = connection.guarded_transaction(commands).await?;
    is_written(replies.pop().unwrap_or(Reply::Nil))
}

fn is_written(reply: Reply) -> Result<bool, Fault> {
    match Verdict::from_reply(reply, "create") {
        Ok(verdict) => Ok(verdict.code == code::DONE),
        Err(_) => Err(Fault::unexpected_reply()),
    }
}

/// The part of a group commit that a script call does; insert.lua explains them.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    All,
    Check,
    Rest,
}

impl Step {
    fn arg(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Check => "check",
            Self::Rest => "rest",
        }
    }
}

/// What a script call has of all items, as texts of parts of the same length.
struct Joined {
    ids: Bytes,
    times: Bytes,
    commits: Bytes,
}

impl Joined {
    fn of(inserts: &[&Insert]) -> Self {
        // Ids and commit ids are ULIDs.
        let texts = || Vec::with_capacity(inserts.len() * ULID_LEN);
        let (mut ids, mut times, mut commits) = (texts(), texts(), texts());
        for insert in inserts {
            ids.extend_from_slice(insert.id.as_str().as_bytes());
            commits.extend_from_slice(first_commit(&insert.document, &insert.id));
            // Leading zeros do not count. Writing to memory does not fail.
            let _ = write!(times, "{:016}", insert.created);
        }
        Self { ids: ids.into(), times: times.into(), commits: commits.into() }
    }
}

/// One script call for items that can share it.
fn call(first: &Insert, inserts: &[&Insert], joined: &Joined, step: Step) -> ScriptCall {
    let times = || inserts.iter().map(|insert| insert.created);
    let sets = further_sets(inserts);
    let entries = || inserts.iter().filter_map(|insert| Some((insert, insert.entries.as_ref()?)));

    let mut call = ScriptCall::new(&INSERT)
        .key(first.index.clone())
        .keys(sets.iter().map(|(key, _)| (*key).clone()))
        .arg(step.arg())
        .address(&first.address)
        .int(inserts.len() as u64)
        .int(times().min().unwrap_or_default())
        .int(times().max().unwrap_or_default())
        .arg(first.audit.settings_arg())
        .arg(if first.deadline.is_some() { "1" } else { "" })
        .int(sets.len() as u64)
        .int(entries().count() as u64)
        .args([&joined.ids, &joined.times, &joined.commits].map(Bytes::clone));
    if step == Step::All {
        call = call
            .keys(inserts.iter().map(|insert| insert.address.latest(&insert.id)))
            .args(inserts.iter().map(|insert| insert.document.clone()));
        for deadline in inserts.iter().filter_map(|insert| insert.deadline) {
            call = call.int(deadline);
        }
    }
    if step == Step::Check {
        return call;
    }
    for (_, members) in sets {
        call = call.int(members.len() as u64);
        for (score, member) in members {
            call = call.int(score).arg(member.clone());
        }
    }
    for (insert, entries) in entries() {
        call = call.arg(insert.id.to_string()).arg(entries.clone());
    }
    if first.audit.settings.is_some() {
        call = call.args(inserts.iter().map(|insert| insert.audit.fields_arg()));
    }
    call
}

/// The command that writes the documents and the scratch key, unless one of the keys exists.
fn documents(scratch: &str, inserts: &[&Insert]) -> Command {
    let bytes =
        |insert: &&Insert| insert.document.len() + 2 * scratch.len() + insert.id.as_str().len();
    let mut args = Args::with_capacity(2 + 2 * inserts.len(), inserts.iter().map(bytes).sum());
    args.push(scratch.as_bytes());
    args.push(b"1");
    for insert in inserts {
        args.push_parts(insert.address.latest_parts(&insert.id));
        args.push_bytes(&insert.document);
    }
    Command { name: "MSETNX", args: args.into_vec() }
}

type Members<'a> = Vec<(u64, &'a Bytes)>;

/// The members of sorted sets other than the index, by set.
fn further_sets<'a>(inserts: &[&'a Insert]) -> Vec<(&'a Bytes, Members<'a>)> {
    let mut sets: BTreeMap<&Bytes, Members<'_>> = BTreeMap::new();
    for (key, score, member) in inserts.iter().flat_map(|insert| &insert.members) {
        sets.entry(key).or_default().push((*score, member));
    }
    let pieces = |(key, members): (&'a Bytes, Members<'a>)| {
        let piece = move |members: &[(u64, &'a Bytes)]| (key, members.to_vec());
        members.chunks(MAX_MEMBERS).map(piece).collect::<Vec<_>>()
    };
    sets.into_iter().flat_map(pieces).collect()
}
