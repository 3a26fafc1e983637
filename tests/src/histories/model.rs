//! The sequential model of a collection: the answer to each call when calls come one after the
//! other.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::record::{Answer, Basis, Operation, Seen, UNSEEN, Value};

/// A version of an item and those before it.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) number: u64,
    /// `None` if no answer has shown it yet.
    commit: Option<String>,
    pub(super) value: Value,
    before: Option<Arc<Version>>,
    /// A hash of the whole, for fast comparison.
    hash: u64,
}

impl Version {
    fn new(commit: Option<String>, value: Value, before: Option<Arc<Self>>) -> Arc<Self> {
        let number = before.as_ref().map_or(1, |before| before.number + 1);
        let mut hasher = DefaultHasher::new();
        (number, &commit, &value, before.as_ref().map(|before| before.hash)).hash(&mut hasher);
        Arc::new(Self { number, commit, value, before, hash: hasher.finish() })
    }

    fn at(&self, number: u64) -> Option<&Self> {
        let mut version = self;
        while version.number > number {
            version = version.before.as_deref()?;
        }
        (version.number == number).then_some(version)
    }

    fn may_be(&self, commit: &str) -> bool {
        self.commit.as_deref().is_none_or(|own| own == commit)
    }

    fn shows(&self, seen: &Seen) -> bool {
        self.number == seen.version && self.value == seen.value && self.may_be(&seen.commit)
    }
}

/// The state: items by their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    items: BTreeMap<usize, Arc<Version>>,
}

/// The effect of a call on a state in which its answer is right.
pub(super) enum Step {
    /// The answer is wrong in this state.
    Wrong,
    /// It changes nothing.
    Same,
    /// It leads to this state.
    Next(State),
}

/// A call on items that have numbers.
#[derive(Clone, Debug)]
pub(super) struct Op {
    /// The item, if the call names one.
    pub(super) item: usize,
    pub(super) operation: Operation,
    pub(super) answer: Answer,
    /// The items in an answer, by number.
    pub(super) seen: Vec<(usize, Seen)>,
    pub(super) invoked: u64,
    /// `None` if the outcome is unknown.
    pub(super) returned: Option<u64>,
    /// Its position in the history.
    pub(super) call: usize,
}

impl Op {
    /// Whether both calls have the same effect.
    pub(super) fn does_the_same(&self, other: &Self) -> bool {
        self.item == other.item && self.operation == other.operation && self.answer == other.answer
    }
}

impl State {
    pub(super) fn fingerprint(&self) -> u128 {
        let half = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            for (item, version) in &self.items {
                (item, version.hash).hash(&mut hasher);
            }
            u128::from(hasher.finish())
        };
        half(1) << 64 | half(2)
    }

    pub(super) fn current(&self, item: usize) -> Option<&Version> {
        self.items.get(&item).map(|version| &**version)
    }

    fn with(&self, item: usize, version: Arc<Version>) -> Step {
        let mut next = self.clone();
        next.items.insert(item, version);
        Step::Next(next)
    }

    fn without(&self, item: usize) -> Step {
        let mut next = self.clone();
        next.items.remove(&item);
        Step::Next(next)
    }

    /// Whether another item has this value of the unique field.
    fn is_taken(&self, name: Option<&String>, item: usize) -> bool {
        name.is_some()
            && self
                .items
                .iter()
                .any(|(other, version)| *other != item && version.value.name.as_ref() == name)
    }

    /// The state after an answer has shown versions, whose commit ids are known then. `None` if
    /// they differ from the state.
    fn showing(&self, seen: &[(usize, Seen)]) -> Option<Step> {
        let mut next = None;
        for (item, seen) in seen {
            let version = self.items.get(item)?;
            if !version.shows(seen) {
                return None;
            }
            if version.commit.is_none() {
                let known = Version::new(
                    Some(seen.commit.clone()),
                    version.value.clone(),
                    version.before.clone(),
                );
                next.get_or_insert_with(|| self.clone()).items.insert(*item, known);
            }
        }
        Some(next.map_or(Step::Same, Step::Next))
    }

    fn write(
        &self,
        item: usize,
        value: Value,
        answer: &Answer,
        before: Option<&Arc<Version>>,
    ) -> Step {
        let commit = match answer {
            Answer::Item(seen) => {
                let number = before.map_or(1, |before| before.number + 1);
                if seen.version != number || seen.value != value {
                    return Step::Wrong;
                }
                Some(seen.commit.clone())
            }
            Answer::Unknown(commit) => commit.clone(),
            _ => return Step::Wrong,
        };
        self.with(item, Version::new(commit, value, before.cloned()))
    }

    /// Applies a call.
    pub(super) fn step(&self, op: &Op) -> Step {
        match &op.operation {
            Operation::Create(value) => self.create(op, value),
            Operation::Update(basis, change) => {
                self.update(op, basis, |current| Some(change.apply(&current.value)))
            }
            Operation::Revert(basis, to) => self
                .update(op, basis, |current| current.at(*to).map(|version| version.value.clone())),
            Operation::Delete(basis) => self.delete(op, basis),
            read => self.read(op, read),
        }
    }

    fn create(&self, op: &Op, value: &Value) -> Step {
        let current = self.items.get(&op.item);
        let taken = self.is_taken(value.name.as_ref(), op.item);
        match (&op.answer, current) {
            (Answer::AlreadyExists(None), Some(_)) => Step::Same,
            (Answer::AlreadyExists(Some(_)), None) if taken => Step::Same,
            (answer, None) if !taken => self.write(op.item, value.clone(), answer, None),
            _ => Step::Wrong,
        }
    }

    fn update(&self, op: &Op, basis: &Basis, change: impl Fn(&Version) -> Option<Value>) -> Step {
        let current = match (self.items.get(&op.item), &op.answer) {
            (None, Answer::NotFound) => return Step::Same,
            (None, _) => return Step::Wrong,
            (Some(current), _) => current,
        };
        if let Answer::Conflict { expected, actual } = &op.answer {
            let is_right = current.number == *actual
                && match basis {
                    Basis::Current => true,
                    // Equal numbers: another item under the same id, since it was read.
                    Basis::At(version) => version == expected,
                    Basis::InHand { version, commit } => {
                        let is_base = version == actual && current.commit.as_ref() == Some(commit);
                        version == expected && !is_base
                    }
                };
            return if is_right { Step::Same } else { Step::Wrong };
        }
        let Some(value) = change(current) else {
            return match op.answer {
                Answer::NotFound => Step::Same,
                _ => Step::Wrong,
            };
        };
        if !fits(basis, current) {
            return Step::Wrong;
        }
        let taken = self.is_taken(value.name.as_ref(), op.item);
        // Two versions that nobody has seen still differ.
        let unchanged = value == current.value && op.operation.token() != Some(UNSEEN);
        match &op.answer {
            Answer::AlreadyExists(Some(_)) if taken => Step::Same,
            Answer::Unchanged(_) if unchanged => self.showing(&op.seen).unwrap_or(Step::Wrong),
            _ if taken || unchanged => Step::Wrong,
            answer => self.write(op.item, value, answer, Some(current)),
        }
    }

    fn delete(&self, op: &Op, basis: &Basis) -> Step {
        match (self.items.get(&op.item), &op.answer) {
            (None, Answer::Deleted(false) | Answer::NotFound) => Step::Same,
            (Some(current), Answer::Deleted(true) | Answer::Unknown(_)) if fits(basis, current) => {
                self.without(op.item)
            }
            (Some(current), Answer::Conflict { expected, actual })
                if current.number == *actual && expected != actual =>
            {
                Step::Same
            }
            _ => Step::Wrong,
        }
    }

    fn read(&self, op: &Op, read: &Operation) -> Step {
        let shown = || self.showing(&op.seen).unwrap_or(Step::Wrong);
        let same = |is_right: bool| if is_right { Step::Same } else { Step::Wrong };
        let current = self.items.get(&op.item);
        match (read, &op.answer) {
            (Operation::Get, Answer::Item(_)) => shown(),
            (Operation::Get, Answer::Nothing) => same(current.is_none()),
            (Operation::GetVersion(number), answer) => {
                let version = current.and_then(|current| current.at(*number));
                match (version, answer) {
                    (None, Answer::Nothing) => Step::Same,
                    (Some(version), Answer::Item(seen)) => same(version.shows(seen)),
                    _ => Step::Wrong,
                }
            }
            (Operation::List, Answer::Items(items, _)) if items.len() == self.items.len() => {
                shown()
            }
            (Operation::Count, Answer::Count(count)) => same(*count == self.items.len() as u64),
            (Operation::GetBy(name), Answer::Item(seen)) => {
                if seen.value.name.as_ref() == Some(name) { shown() } else { Step::Wrong }
            }
            (Operation::GetBy(name), Answer::Nothing) => {
                same(!self.is_taken(Some(name), usize::MAX))
            }
            _ => Step::Wrong,
        }
    }
}

/// Whether an item is at the version that a write expects.
fn fits(basis: &Basis, current: &Version) -> bool {
    match basis {
        Basis::Current => true,
        Basis::At(version) => current.number == *version,
        Basis::InHand { version, commit } => current.number == *version && current.may_be(commit),
    }
}
