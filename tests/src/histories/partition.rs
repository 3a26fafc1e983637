//! The parts of a history that can be checked separately: each item, or a whole collection if it
//! has a unique field.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::model::Op;
use super::record::{Answer, Call, Kind, Operation, Seen};

/// Calls that are independent of all others.
#[derive(Debug)]
pub(super) struct Partition {
    /// Its description.
    pub(super) name: String,
    /// Sorted by start.
    pub(super) ops: Vec<Op>,
}

/// Splits a history.
pub(super) fn split(calls: &[Call]) -> Vec<Partition> {
    let ids = Ids::of(calls);
    let mut partitions = Vec::new();
    for kind in [Kind::Plain, Kind::Audited] {
        let items = ids.items.iter().filter(|((of, _), _)| *of == kind);
        partitions.extend(items.map(|((_, id), item)| by_item(calls, &ids, kind, id, *item)));
    }
    let ops = calls.iter().enumerate().filter(|(_, call)| call.kind == Kind::Unique);
    let ops = ops.filter_map(|(at, call)| ids.op(call, at)).collect();
    partitions.push(Partition { name: "Unique, all items".to_owned(), ops });
    for partition in &mut partitions {
        partition.ops.sort_by_key(|op| op.invoked);
    }
    partitions
}

fn by_item(calls: &[Call], ids: &Ids, kind: Kind, id: &str, item: usize) -> Partition {
    let mut ops = Vec::new();
    for (at, call) in calls.iter().enumerate().filter(|(_, call)| call.kind == kind) {
        match &call.answer {
            // For an item, a list is a read of it.
            Answer::Items(items, is_whole) => {
                let own: Vec<_> = items.iter().filter(|seen| seen.id == id).cloned().collect();
                let answer = match own.first() {
                    Some(seen) => Answer::Item(seen.clone()),
                    None if *is_whole => Answer::Nothing,
                    None => continue,
                };
                let seen = own.into_iter().map(|seen| (item, seen)).collect();
                let (operation, call_at) = (Operation::Get, at);
                let (invoked, returned) = (call.invoked, call.returned);
                ops.push(Op { item, operation, answer, seen, invoked, returned, call: call_at });
            }
            Answer::Count(_) => {}
            _ => ops.extend(ids.op(call, at).filter(|op| op.item == item)),
        }
    }
    Partition { name: format!("{kind:?} {id}"), ops }
}

/// Numbers for items, also for those whose creation was never answered.
#[derive(Default)]
struct Ids {
    items: BTreeMap<(Kind, String), usize>,
    /// Creations whose own answer did not contain the id.
    by_token: HashMap<(Kind, String), String>,
    /// The tokens and the commits that an answer has shown.
    seen: HashSet<(Kind, String)>,
    commits: HashSet<String>,
}

impl Ids {
    fn of(calls: &[Call]) -> Self {
        let mut ids = Self::default();
        for call in calls {
            for seen in call.seen() {
                let token = (call.kind, seen.value.token.clone());
                ids.seen.insert(token.clone());
                ids.commits.insert(seen.commit.clone());
                ids.by_token.entry(token).or_insert_with(|| seen.id.clone());
                ids.number(call.kind, &seen.id);
            }
            if let Some(id) = call.item() {
                ids.number(call.kind, id);
            }
        }
        for (at, call) in calls.iter().enumerate() {
            // One that was never seen may still hold a unique value.
            if let (Operation::Create(value), None) = (&call.operation, call.item())
                && !ids.by_token.contains_key(&(call.kind, value.token.clone()))
            {
                let id = format!("?{at}");
                ids.number(call.kind, &id);
                ids.by_token.insert((call.kind, value.token.clone()), id);
            }
        }
        ids
    }

    fn number(&mut self, kind: Kind, id: &str) {
        let next = self.items.len();
        self.items.entry((kind, id.to_owned())).or_insert(next);
    }

    /// The call for the model; `None` if it cannot have had an effect and shows nothing.
    fn op(&self, call: &Call, at: usize) -> Option<Op> {
        let is_read = !call.operation.writes();
        match &call.answer {
            Answer::Failed(_) | Answer::Unexpected(_) => return None,
            Answer::Unknown(_) if is_read => return None,
            // An item that is not on the page may be anywhere.
            Answer::Items(_, false) => return None,
            _ => {}
        }
        let token = call.operation.token().map(|token| (call.kind, token.to_owned()));
        let by_token = token.as_ref().and_then(|token| self.by_token.get(token));
        let id = call.item().or(by_token.map(String::as_str));
        let item = match id {
            Some(id) => self.items[&(call.kind, id.to_owned())],
            None => usize::MAX,
        };
        let number = |seen: &Seen| self.items[&(call.kind, seen.id.clone())];
        let seen = call.seen().iter().map(|seen| (number(seen), seen.clone())).collect();
        let returned = if call.is_open() { None } else { call.returned };
        let (mut operation, mut answer) = (call.operation.clone(), call.answer.clone());
        // Unseen writes cannot be distinguished, so the search need not try each.
        if call.is_open() && !token.is_some_and(|token| self.seen.contains(&token)) {
            operation = operation.unseen();
            answer = match answer {
                Answer::Unknown(Some(commit)) if self.commits.contains(&commit) => {
                    Answer::Unknown(Some(commit))
                }
                _ => Answer::Unknown(None),
            };
        }
        Some(Op { item, operation, answer, seen, invoked: call.invoked, returned, call: at })
    }
}
