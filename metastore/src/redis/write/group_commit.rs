//! Group commit: creates new items. Concurrent ones of a collection share a script call.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::key::{Address, Id};
use crate::redis::coalesce::{Batch, BatchLimits, BatchQueue};
use crate::redis::command::{Fault, Reply, Verdict};
use crate::redis::connection::Connection;
use crate::redis::script::audit::AuditContext;
use crate::redis::script::{INSERT, ScriptCall, code};
use crate::redis::write::item::CreateItem;

/// Larger groups were not faster, and would block the server for longer.
const LIMITS: BatchLimits = BatchLimits { count: 128, bytes: 1024 * 1024 };

/// The most members that one command adds to a sorted set: Lua accepts up to 8,000 arguments.
const MAX_MEMBERS: usize = 2_000;

/// A new item with a generated id, which depends on nothing stored.
#[derive(Clone, Debug)]
pub(crate) struct Insert {
    pub(crate) address: Address,
    /// The key of the index of all items.
    pub(crate) index: Bytes,
    pub(crate) audit: AuditContext,
    pub(crate) latest: String,
    /// The key of the item's audit trail; empty if the collection is not audited.
    pub(crate) trail: String,
    pub(crate) id: Id,
    pub(crate) commit: String,
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

    /// The script call that creates this item alone.
    pub(crate) fn script(&self) -> ScriptCall {
        let create = CreateItem {
            address: &self.address,
            latest: &self.latest,
            id: &self.id,
            commit: &self.commit,
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
    let call = |group: &Batch<Arc<Insert>, bool>| {
        call(group.iter().map(|pending| &*pending.request).collect::<Vec<_>>().as_slice())
    };
    let calls: Vec<ScriptCall> = groups.iter().map(call).collect();
    let replies = connection.pipeline_scripts(&calls).await;
    for (reply, group) in replies.into_iter().zip(groups) {
        let written = reply.and_then(is_written);
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
    is_written(connection.script(&call(inserts)).await?)
}

fn is_written(reply: Reply) -> Result<bool, Fault> {
    match Verdict::from_reply(reply, "create") {
        Ok(verdict) => Ok(verdict.code == code::DONE),
        Err(_) => Err(Fault::unexpected_reply()),
    }
}

/// One call for items that can share it.
fn call(inserts: &[&Insert]) -> ScriptCall {
    let Some(first) = inserts.first() else { return ScriptCall::new(&INSERT) };
    let (audited, expiring) = (first.audit.settings.is_some(), first.deadline.is_some());
    let times = || inserts.iter().map(|insert| insert.created);
    let sets = further_sets(inserts);
    let entries = || inserts.iter().filter_map(|insert| Some((insert, insert.entries.as_ref()?)));

    let mut call = ScriptCall::new(&INSERT)
        .key(first.index.clone())
        .keys(inserts.iter().map(|insert| insert.latest.clone()))
        .address(&first.address)
        .int(inserts.len() as u64)
        .int(times().min().unwrap_or_default())
        .int(times().max().unwrap_or_default())
        .arg(first.audit.settings_arg())
        .arg(if expiring { "1" } else { "" })
        .int(sets.len() as u64)
        .int(entries().count() as u64)
        .args(inserts.iter().map(|insert| insert.document.clone()));
    if audited {
        call = call.keys(inserts.iter().map(|insert| insert.trail.clone()));
    }
    for insert in inserts {
        if let Some(deadline) = insert.deadline {
            call = call.int(deadline);
        }
    }
    for insert in inserts {
        call = call.int(insert.created).arg(insert.id.to_string());
    }
    for (key, members) in sets {
        call = call.key(key.clone()).int(members.len() as u64);
        for (score, member) in members {
            call = call.int(score).arg(member.clone());
        }
    }
    for (insert, entries) in entries() {
        call = call.arg(insert.id.to_string()).arg(entries.clone());
    }
    if audited {
        for insert in inserts {
            call = call.arg(insert.commit.clone()).arg(insert.audit.fields_arg());
        }
    }
    call
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
