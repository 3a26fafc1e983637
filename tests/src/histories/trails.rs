//! Compares the audit with a history: each write exactly once, in the order of its versions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::record::{Answer, Call, Kind, Operation};
use crate::{Connection, Reply};

/// The commit ids of the versions of each item, from the first on, and when it was created.
pub(super) type Stored = BTreeMap<String, (u64, Vec<String>)>;

/// An entry of a trail.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    operation: String,
    version: u64,
    commit: String,
    id: Option<String>,
}

pub(super) async fn check(
    connection: &mut Connection,
    kind: Kind,
    calls: &[&Call],
    stored: &Stored,
    problems: &mut Vec<String>,
) {
    let feed_key = format!("stream:audit:tests:histories:{}", format!("{kind:?}").to_lowercase());
    let mut feed: HashMap<String, Vec<Entry>> = HashMap::new();
    for mut entry in entries(connection, &feed_key).await {
        let id = entry.id.take().unwrap_or_default();
        feed.entry(id).or_default().push(entry);
    }
    let named = calls.iter().filter_map(|call| call.item().map(str::to_owned));
    let ids: BTreeSet<String> =
        named.chain(stored.keys().cloned()).chain(feed.keys().cloned()).collect();
    for id in ids {
        let trail = entries(connection, &format!("{feed_key}:{id}")).await;
        let own: Vec<&Call> =
            calls.iter().copied().filter(|call| call.item() == Some(&id)).collect();
        let mut found = |what: String| {
            let told: Vec<String> = trail
                .iter()
                .map(|entry| format!("{} {} {}", entry.operation, entry.version, entry.commit))
                .collect();
            problems.push(format!("{kind:?} {id}: {what}; the trail: {}", told.join(", ")));
        };
        if feed.get(&id).is_none_or(|feed| *feed != trail) && !trail.is_empty() {
            found("the feed and the trail differ".to_owned());
        }
        check_sequence(&trail, stored.get(&id), &mut found);
        check_answers(&trail, &own, calls, &mut found);
    }
}

async fn entries(connection: &mut Connection, key: &str) -> Vec<Entry> {
    let read = connection.call(&["XRANGE", key, "-", "+"]).await.expect("the server answers");
    let entry = |reply: &Reply| {
        let texts = reply.as_array()[1].as_strings();
        let fields: HashMap<&str, &str> = texts.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        let text = |name| fields.get(name).map(|text| (*text).to_owned());
        Entry {
            operation: text("op").unwrap_or_default(),
            version: text("version").and_then(|number| number.parse().ok()).unwrap_or(0),
            commit: text("commit").unwrap_or_default(),
            id: text("id"),
        }
    };
    read.as_array().iter().map(entry).collect()
}

/// The entries are consecutive and end at what is stored.
fn check_sequence(
    trail: &[Entry],
    stored: Option<&(u64, Vec<String>)>,
    found: &mut impl FnMut(String),
) {
    let mut commits: Vec<&String> = Vec::new();
    let mut all = HashSet::new();
    for entry in trail {
        let version = commits.len() as u64;
        let is_right = match entry.operation.as_str() {
            "create" => version == 0 && entry.version == 1,
            "delete" => version > 0 && entry.version == version,
            _ => version > 0 && entry.version == version + 1,
        };
        if !is_right {
            found(format!("{} {} follows on version {version}", entry.operation, entry.version));
            return;
        }
        if entry.operation == "delete" {
            commits.clear();
        } else {
            commits.push(&entry.commit);
        }
        if !all.insert(&entry.commit) {
            found(format!("commit {} was applied twice", entry.commit));
        }
    }
    let none = Vec::new();
    let stored = stored.map_or(&none, |(_, commits)| commits);
    if !commits.iter().copied().eq(stored) {
        found(format!("stored is {stored:?}"));
    }
}

/// Each answer has an entry, and each entry has a call that can have written it.
fn check_answers(trail: &[Entry], own: &[&Call], all: &[&Call], found: &mut impl FnMut(String)) {
    let mut written: HashMap<&str, &Call> = HashMap::new();
    for call in own.iter().filter(|call| call.operation.writes()) {
        if let Answer::Item(seen) = &call.answer {
            written.insert(&seen.commit, call);
            if !trail
                .iter()
                .any(|entry| entry.commit == seen.commit && entry.version == seen.version)
            {
                found(format!("version {} {} has no entry", seen.version, seen.commit));
            }
        }
    }
    // The latest start of the calls before an entry: none after it may have ended earlier.
    let mut begun = 0;
    for entry in trail {
        if let Some(call) = written.get(entry.commit.as_str()) {
            if call.returned.is_some_and(|returned| returned < begun) {
                found(format!("commit {} stands after one that began after its end", entry.commit));
            }
            begun = begun.max(call.invoked);
        }
    }
    // Creations without an answer have no id.
    let open = |call: &&&Call| {
        call.is_open()
            && (call.item().is_none() || own.iter().any(|own| std::ptr::eq(**call, *own)))
    };
    let open: Vec<&&Call> = all.iter().filter(open).collect();
    let told: HashSet<&str> = open
        .iter()
        .filter_map(|call| match &call.answer {
            Answer::Unknown(Some(commit)) => Some(commit.as_str()),
            _ => None,
        })
        .collect();
    for operation in ["create", "update", "revert", "delete"] {
        let entries = trail.iter().filter(|entry| entry.operation == operation);
        let unexplained: Vec<&str> = entries
            .map(|entry| entry.commit.as_str())
            .filter(|commit| !written.contains_key(commit) && !told.contains(commit))
            .collect();
        let is_one = |call: &Call| {
            operation
                == match call.operation {
                    Operation::Create(_) => "create",
                    Operation::Update(..) => "update",
                    Operation::Revert(..) => "revert",
                    _ => "delete",
                }
        };
        let silent =
            open.iter().filter(|call| is_one(call) && call.answer == Answer::Unknown(None));
        let mut most = silent.count();
        if operation == "delete" {
            // The answer to a deletion does not name its commit.
            let sure = own.iter().filter(|call| call.answer == Answer::Deleted(true)).count();
            if unexplained.len() < sure {
                found(format!(
                    "{sure} deletions were answered, {} have entries",
                    unexplained.len()
                ));
            }
            most += sure;
        }
        if unexplained.len() > most {
            found(format!(
                "{} entries `{operation}` belong to no call, of {}",
                unexplained.len() - most,
                unexplained.join(" ")
            ));
        }
    }
}
