//! Group commit: new items that wait at the same moment leave as one script call for each collection.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::key::Id;
use crate::redis::coalesce::{Batch, BatchLimits, Batcher};
use crate::redis::command::{Fault, Reply, Verdict};
use crate::redis::connection::Connection;
use crate::redis::script::{INSERT, ScriptCall};

/// The size at which larger groups stopped being faster, and one that does not block the server.
const LIMITS: BatchLimits = BatchLimits { count: 128, bytes: 1024 * 1024 };

/// The most members that one command adds to a sorted set: Lua takes up to 8,000 arguments.
const MAX_MEMBERS: usize = 2_000;

/// A new item with a generated id: nothing that is stored decides about it.
#[derive(Clone, Debug)]
pub(crate) struct Insert {
    /// The index of all items.
    pub(crate) index: Bytes,
    /// How to audit: what `Repo::audit_pieces` gives.
    pub(crate) audit: String,
    pub(crate) latest: String,
    pub(crate) trail: String,
    pub(crate) id: Id,
    pub(crate) commit: String,
    pub(crate) actor: String,
    pub(crate) json: Bytes,
    /// When the item is created, by the server's time in milliseconds.
    pub(crate) created: u64,
    pub(crate) deadline: Option<u64>,
    /// Members of further sorted sets: key, score, member.
    pub(crate) members: Vec<(Bytes, u64, Bytes)>,
    /// What the item has in the indexes of fields.
    pub(crate) entries: Option<Bytes>,
}

impl Insert {
    /// Whether both can be written by one call.
    fn goes_with(&self, other: &Self) -> bool {
        self.index == other.index
            && self.audit == other.audit
            && self.deadline.is_some() == other.deadline.is_some()
    }
}

/// The queue before a connection.
pub(crate) struct Inserts(Batcher<Arc<Insert>, bool>);

impl Inserts {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        Self(Batcher::new(connection, LIMITS, |insert| insert.json.len(), write))
    }

    /// Writes a new item together with whatever else waits. False if nothing was done, because something
    /// stands in the way of one of them.
    ///
    /// A refusal is one of the whole call, and nothing is written then.
    pub(crate) async fn write(&self, insert: Arc<Insert>) -> Result<bool, Fault> {
        self.0.call(insert).await
    }
}

async fn write(connection: Arc<Connection>, batch: Batch<Arc<Insert>, bool>) {
    let mut groups: Vec<Batch<Arc<Insert>, bool>> = Vec::with_capacity(1);
    for waiting in batch {
        let fits = |group: &&mut Batch<Arc<Insert>, bool>| {
            group.first().is_some_and(|first| first.load.goes_with(&waiting.load))
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(waiting),
            None => groups.push(vec![waiting]),
        }
    }
    let call = |group: &Batch<Arc<Insert>, bool>| {
        call(group.iter().map(|waiting| &*waiting.load).collect::<Vec<_>>().as_slice())
    };
    let calls: Vec<ScriptCall> = groups.iter().map(call).collect();
    let replies = match &calls[..] {
        [call] => vec![connection.script(call).await],
        calls => match connection.scripts_apart(&calls.iter().collect::<Vec<_>>()).await {
            Ok(replies) => replies,
            Err(fault) => vec![Err(fault); calls.len()],
        },
    };
    for (reply, group) in replies.into_iter().zip(groups) {
        let written = reply.and_then(is_written);
        for waiting in group {
            waiting.answer(written.clone());
        }
    }
}

/// Writes new items at once, in one step for each collection; whether all of them are written.
pub(crate) async fn insert_all(
    connection: &Connection,
    inserts: &[Arc<Insert>],
) -> Result<bool, Fault> {
    let inserts: Vec<&Insert> = inserts.iter().map(|insert| &**insert).collect();
    is_written(connection.script(&call(&inserts)).await?)
}

fn is_written(reply: Reply) -> Result<bool, Fault> {
    match Verdict::from_reply(reply, "create") {
        Ok(verdict) => Ok(verdict.code == 1),
        Err(_) => Err(Fault::Lost("a reply of another shape".to_owned())),
    }
}

/// One call for items that go together.
fn call(inserts: &[&Insert]) -> ScriptCall {
    let Some(first) = inserts.first() else { return ScriptCall::new(&INSERT) };
    let (audited, expiring) = (!first.audit.is_empty(), first.deadline.is_some());
    let times = || inserts.iter().map(|insert| insert.created);
    let sets = further_sets(inserts);
    let entries = || inserts.iter().filter_map(|insert| Some((insert, insert.entries.as_ref()?)));

    let mut call = ScriptCall::new(&INSERT)
        .key(first.index.clone())
        .keys(inserts.iter().map(|insert| insert.latest.clone()))
        .int(inserts.len() as u64)
        .int(times().min().unwrap_or_default())
        .int(times().max().unwrap_or_default())
        .arg(first.audit.clone())
        .arg(if expiring { "1" } else { "" })
        .int(sets.len() as u64)
        .int(entries().count() as u64)
        .args(inserts.iter().map(|insert| insert.json.clone()));
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
            call = call.arg(insert.commit.clone()).arg(insert.actor.clone());
        }
    }
    call
}

type Members<'a> = Vec<(u64, &'a Bytes)>;

/// The members of sorted sets beside the index, by set.
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
