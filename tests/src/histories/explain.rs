//! Explains in a few lines what is wrong with a history.

use std::fmt::Write as _;

use super::linear::{Found, Longest, search};
use super::model::Op;
use super::partition::Partition;
use super::record::{Answer, Basis, Call, Change, Operation, Seen, Value};

/// How many calls before the wrong one are shown.
const SHOWN: usize = 14;

/// What is wrong with a part of a history; `None` if nothing is.
pub(super) fn check(partition: &Partition, calls: &[Call]) -> Result<(), Problem> {
    match search(&partition.ops) {
        Found::Order => Ok(()),
        Found::Undecided => Err(Problem::Undecided(partition.name.clone())),
        Found::None(_) => Err(Problem::Wrong(explain(partition, calls))),
    }
}

/// The result of the search for an order.
#[derive(Debug)]
pub(super) enum Problem {
    Wrong(String),
    Undecided(String),
}

fn explain(partition: &Partition, calls: &[Call]) -> String {
    let (ops, longest) = shortest_prefix(&partition.ops);
    let mut text = format!("{}: no order of its calls explains all answers\n", partition.name);
    let start = ops.iter().map(|op| op.invoked).min().unwrap_or(0);
    let place = |at: usize| longest.order.iter().position(|placed| *placed == at);
    let show = |text: &mut String, prefix: &str, op: &Op| {
        let call = &calls[op.call];
        let millis = |at: u64| at.saturating_sub(start) / 1_000;
        let until = op.returned.map_or("…".to_owned(), |at| thousands(millis(at)));
        let _ = writeln!(
            text,
            "  {prefix} {:>9}–{until:<9} p{}t{}  {} → {}",
            thousands(millis(op.invoked)),
            call.process,
            call.task,
            shown(op, call),
            answered(&op.answer),
        );
    };
    let _ = writeln!(text, "  in an order that explains most of them (times in ms):");
    let skipped = longest.order.len().saturating_sub(SHOWN);
    if skipped > 0 {
        let _ = writeln!(text, "  … {skipped} calls before");
    }
    for at in &longest.order[skipped..] {
        show(&mut text, "   ", &ops[*at]);
    }
    let mut items: Vec<usize> = ops.iter().map(|op| op.item).collect();
    items.sort_unstable();
    items.dedup();
    let states: Vec<String> = items
        .iter()
        .filter_map(|item| longest.state.current(*item))
        .map(|version| format!("version {} {}", version.number, value(&version.value)))
        .collect();
    let _ = writeln!(
        text,
        "  then: {}; these cannot follow:",
        if states.is_empty() { "absent".to_owned() } else { states.join("; ") }
    );
    let mut left: Vec<usize> = (0..ops.len()).filter(|at| place(*at).is_none()).collect();
    left.sort_by_key(|at| (ops[*at].returned.unwrap_or(u64::MAX), ops[*at].invoked));
    for at in left.iter().take(6) {
        show(&mut text, "  !", &ops[*at]);
    }
    text
}

/// The calls up to the first end at which no order exists any more, without the reads that do not
/// matter.
fn shortest_prefix(ops: &[Op]) -> (Vec<Op>, Longest) {
    let mut ends: Vec<u64> = ops.iter().filter_map(|op| op.returned).collect();
    ends.sort_unstable();
    let until = |end: u64| -> Vec<Op> {
        let cut = |op: &Op| {
            let mut op = op.clone();
            if op.returned.is_some_and(|returned| returned > end) {
                op.returned = None;
                op.answer = Answer::Unknown(None);
            }
            op
        };
        let begun = ops.iter().filter(|op| op.invoked <= end);
        let kept =
            begun.filter(|op| op.operation.writes() || op.returned.is_some_and(|at| at <= end));
        kept.map(cut).collect()
    };
    // An order of all calls up to an end is also one up to any earlier end.
    let (mut low, mut high) = (0, ends.len() - 1);
    while low < high {
        let middle = low.midpoint(high);
        match search(&until(ends[middle])) {
            Found::None(_) => high = middle,
            Found::Order | Found::Undecided => low = middle + 1,
        }
    }
    let mut kept = until(ends[low]);
    for at in (0..kept.len()).rev() {
        if !kept[at].operation.writes() {
            let read = kept.remove(at);
            if !matches!(search(&kept), Found::None(_)) {
                kept.insert(at, read);
            }
        }
    }
    match search(&kept) {
        Found::None(longest) => (kept, longest),
        Found::Order | Found::Undecided => (ops.to_vec(), Longest::default()),
    }
}

fn thousands(micros: u64) -> String {
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}

fn shown(op: &Op, call: &Call) -> String {
    let id = call.item().unwrap_or("(generated id)");
    let basis = |basis: &Basis| match basis {
        Basis::Current => String::new(),
        Basis::At(version) => format!(" at {version}"),
        Basis::InHand { version, commit } => {
            format!(" in hand {version} {}", short(commit))
        }
    };
    match &call.operation {
        Operation::Create(new) => format!("create {id} {}", value(new)),
        Operation::Update(on, change) => {
            let what = match change {
                Change::Token(token) => format!("update {id} token {token}"),
                Change::Rename(token, name) => format!("update {id} token {token} name {name:?}"),
                Change::Whole(new) => format!("replace {id} {}", value(new)),
                Change::Add(token) => format!("modify {id} token {token}"),
            };
            what + &basis(on)
        }
        Operation::Revert(on, to) => format!("revert {id} to {to}{}", basis(on)),
        Operation::Delete(on) => format!("delete {id}{}", basis(on)),
        Operation::Get => format!("get {id}"),
        Operation::GetVersion(version) => format!("get_version {id} {version}"),
        Operation::List if op.operation == Operation::Get => "list, of which this item".to_owned(),
        Operation::List => "list".to_owned(),
        Operation::Count => "count".to_owned(),
        Operation::GetBy(name) => format!("get_by {name}"),
    }
}

fn answered(answer: &Answer) -> String {
    let item = |seen: &Seen| {
        format!("version {} {} {}", seen.version, short(&seen.commit), value(&seen.value))
    };
    match answer {
        Answer::Item(seen) => item(seen),
        Answer::Unchanged(seen) => format!("unchanged, {}", item(seen)),
        Answer::Nothing => "nothing".to_owned(),
        Answer::Items(items, _) => {
            let items: Vec<String> =
                items.iter().map(|seen| format!("{} {}", seen.id, item(seen))).collect();
            format!("[{}]", items.join(", "))
        }
        Answer::Count(count) => count.to_string(),
        Answer::Deleted(true) => "deleted".to_owned(),
        Answer::Deleted(false) => "nothing to delete".to_owned(),
        Answer::NotFound => "not found".to_owned(),
        Answer::AlreadyExists(None) => "the id is taken".to_owned(),
        Answer::AlreadyExists(Some(field)) => format!("{field} is taken"),
        Answer::Conflict { expected, actual } => {
            format!("conflict, expected {expected}, found {actual}")
        }
        Answer::Unknown(commit) => {
            format!("unknown {}", commit.as_deref().map(short).unwrap_or_default())
        }
        Answer::Failed(why) => format!("not done: {why}"),
        Answer::Unexpected(why) => format!("unexpected: {why}"),
    }
}

/// The last characters of a commit id, in which neighbouring ids differ.
fn short(commit: &str) -> &str {
    commit.get(commit.len().saturating_sub(6)..).unwrap_or(commit)
}

fn value(value: &Value) -> String {
    let name = value.name.as_ref().map(|name| format!(" name {name}")).unwrap_or_default();
    format!("({} count {}{name})", value.token, value.count)
}
