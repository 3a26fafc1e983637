//! The model: the expected contents of the store, and operations applied to both.

use std::collections::BTreeMap;

use metastore::{ErrorKind, Id, Item, Repo};
use metastore_tests::Server;

use super::operation::{Op, Thing};

/// The expected state of an item.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) versions: Vec<Thing>,
    pub(super) commit: String,
    pub(super) owner: usize,
    /// Operation, version and actor of each audit entry.
    pub(super) trail: Vec<(&'static str, u64, usize)>,
}

impl Expected {
    pub(super) fn current(&self) -> &Thing {
        self.versions.last().expect("an item has a version")
    }

    pub(super) fn version(&self) -> u64 {
        self.versions.len() as u64
    }
}

pub(super) const WRITERS: [&str; 2] = ["ann", "bob"];

/// The expected result of an operation.
#[derive(Debug, PartialEq)]
enum Outcome {
    Written,
    Unchanged,
    Invalid,
    Taken,
    Conflict { expected: u64, actual: u64 },
    Missing,
}

pub(super) struct World<'a> {
    server: &'a Server,
    pub(super) writers: [Repo<Thing>; 2],
    hands: [BTreeMap<Id, Item<Thing>>; 2],
    pub(super) items: BTreeMap<Id, Expected>,
    /// All ids ever used, so that operations also use those of deleted items.
    ids: Vec<Id>,
}

impl<'a> World<'a> {
    pub(super) fn new(server: &'a Server, writers: [Repo<Thing>; 2]) -> Self {
        Self { server, writers, hands: Default::default(), items: BTreeMap::new(), ids: Vec::new() }
    }

    /// The expected result of a write of this document.
    fn judge(&self, id: Option<&Id>, thing: &Thing) -> Outcome {
        let holder = |code| {
            self.items.iter().any(|(other, item)| Some(other) != id && item.current().code == code)
        };
        if thing.size > 9 {
            Outcome::Invalid
        } else if thing.code.is_some() && holder(thing.code) {
            Outcome::Taken
        } else {
            Outcome::Written
        }
    }

    fn pick(&self, item: u8) -> Option<Id> {
        (!self.ids.is_empty()).then(|| self.ids[usize::from(item) % self.ids.len()].clone())
    }

    fn add(&mut self, writer: usize, item: &Item<Thing>) {
        let trail = vec![("create", 1, writer)];
        let (versions, commit) = (vec![item.data.clone()], item.commit.clone());
        let expected = Expected { versions, commit, owner: writer, trail };
        self.items.insert(item.id.clone(), expected);
        if !self.ids.contains(&item.id) {
            self.ids.push(item.id.clone());
        }
        self.hands[writer].insert(item.id.clone(), item.clone());
    }

    pub(super) async fn run(&mut self, writer: usize, op: Op) {
        let repo = self.writers[writer].clone();
        match op {
            Op::Create(thing) => {
                let expected = self.judge(None, &thing);
                let result = repo.create(thing).await;
                assert_eq!(outcome(&result), expected);
                if let Ok(item) = result {
                    self.add(writer, &item);
                }
            }
            Op::CreateWithId(number, thing) => {
                let id = Id::new(&format!("own{number}")).expect("a good id");
                let mut expected = self.judge(Some(&id), &thing);
                if expected != Outcome::Invalid && self.items.contains_key(&id) {
                    expected = Outcome::Taken;
                }
                let result = repo.create_with_id(&id, thing).await;
                assert_eq!(outcome(&result), expected);
                if let Ok(item) = result {
                    self.add(writer, &item);
                }
            }
            Op::CreateMany(things) => {
                let results = repo.create_many(things.clone()).await;
                for (thing, result) in things.iter().zip(results) {
                    assert_eq!(outcome(&result), self.judge(None, thing));
                    if let Ok(item) = result {
                        self.add(writer, &item);
                    }
                }
            }
            Op::Get(item) => {
                let Some(id) = self.pick(item) else { return };
                let found = repo.get(&id).await.expect("reads");
                let found_data = found.as_ref().map(|item| (item.version, &item.data));
                let expected = self.items.get(&id);
                assert_eq!(found_data, expected.map(|item| (item.version(), item.current())));
                if let Some(found) = found {
                    self.hands[writer].insert(id, found);
                }
            }
            Op::UpdateInHand(item, change) => {
                let hand = &self.hands[writer];
                let Some(in_hand) = hand.values().nth(usize::from(item) % hand.len().max(1)) else {
                    return;
                };
                let in_hand = in_hand.clone();
                let mut after = in_hand.data.clone();
                change.apply(&mut after);
                let result = repo.update(&in_hand, change.patch()).await;
                self.changed(writer, "update", Some(&in_hand), &in_hand.id, after, result);
            }
            Op::UpdateById(item, change) => {
                let Some(id) = self.pick(item) else { return };
                let result = repo.update(&id, change.patch()).await;
                let mut after = self.items.get(&id).map(|item| item.current().clone());
                if let Some(after) = &mut after {
                    change.apply(after);
                }
                self.maybe_changed(writer, "update", &id, after, result);
            }
            Op::Replace(item, thing) => {
                let Some(id) = self.pick(item) else { return };
                let result = repo.replace(&id, thing.clone()).await;
                let after = self.items.get(&id).map(|_| thing);
                self.maybe_changed(writer, "update", &id, after, result);
            }
            Op::Revert(item, version) => {
                let Some(id) = self.pick(item) else { return };
                let result = repo.revert(&id, u64::from(version)).await;
                let item = self.items.get(&id);
                let after = item.and_then(|item| item.versions.get(usize::from(version) - 1));
                self.maybe_changed(writer, "revert", &id, after.cloned(), result);
            }
            Op::Delete(item) => {
                let Some(id) = self.pick(item) else { return };
                let deleted = repo.delete(&id).await.expect("deletes");
                assert_eq!(deleted, self.items.remove(&id).is_some());
            }
            Op::Expire(item) => {
                let Some(id) = self.pick(item) else { return };
                if let Some(item) = self.items.remove(&id) {
                    self.expire(&id, item.version()).await;
                }
            }
        }
    }

    /// Sets the deadline of an item, at its key and in the index, to a time in the past.
    async fn expire(&self, id: &Id, version: u64) {
        let deadline = self.writers[0].store().now().as_millis() - 10_000;
        let deadline = deadline.to_string();
        self.server
            .cli(&["ZADD", "idx:shop:model:things:expiry", "XX", deadline.as_str(), id.as_str()])
            .await;
        let versions = (1..version).map(|number| format!("version:{number}"));
        for part in versions.chain(["latest".to_owned()]) {
            let key = format!("shop:model:things:{id}:{part}");
            self.server.cli(&["PEXPIREAT", key.as_str(), deadline.as_str()]).await;
        }
    }

    fn maybe_changed(
        &mut self,
        writer: usize,
        operation: &'static str,
        id: &Id,
        after: Option<Thing>,
        result: metastore::Result<Item<Thing>>,
    ) {
        match after {
            Some(after) => self.changed(writer, operation, None, id, after, result),
            None => assert_eq!(outcome(&result), Outcome::Missing),
        }
    }

    /// Compares the result of a change to `after` with the expected one, and applies it to the
    /// model.
    fn changed(
        &mut self,
        writer: usize,
        operation: &'static str,
        in_hand: Option<&Item<Thing>>,
        id: &Id,
        after: Thing,
        result: metastore::Result<Item<Thing>>,
    ) {
        let before = in_hand.map(|item| &item.data);
        let verdict = self.judge(Some(id), &after);
        let expected = match (self.items.get(id), in_hand) {
            _ if verdict == Outcome::Invalid => Outcome::Invalid,
            (None, _) => Outcome::Missing,
            (Some(item), Some(hand)) if item.commit != hand.commit => {
                Outcome::Conflict { expected: hand.version, actual: item.version() }
            }
            (Some(item), _) if *before.unwrap_or(item.current()) == after => Outcome::Unchanged,
            _ => verdict,
        };
        assert_eq!(outcome(&result), expected, "{operation} of {id}");
        let Ok(written) = result else { return };
        let item = self.items.get_mut(id).expect("it was just written");
        if !written.unchanged {
            item.versions.push(after);
            item.commit.clone_from(&written.commit);
            let version = item.version();
            item.trail.push((operation, version, writer));
        }
        assert_eq!((written.version, &written.data), (item.version(), item.current()));
        self.hands[writer].insert(id.clone(), written);
    }
}

fn outcome(result: &metastore::Result<Item<Thing>>) -> Outcome {
    match result {
        Ok(item) if item.unchanged => Outcome::Unchanged,
        Ok(_) => Outcome::Written,
        Err(error) => match *error.kind() {
            ErrorKind::Validation(_) => Outcome::Invalid,
            ErrorKind::AlreadyExists { .. } => Outcome::Taken,
            ErrorKind::Conflict { expected, actual } => Outcome::Conflict { expected, actual },
            ErrorKind::NotFound => Outcome::Missing,
            _ => panic!("{error}"),
        },
    }
}
