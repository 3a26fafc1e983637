//! Random operations of two writers, compared with a simple model: documents, versions, indexes,
//! unique claims, counts and the audit trail agree with it.
//!
//! The seed of a run is printed; `METASTORE_SEED` runs one again.

use std::collections::{BTreeMap, BTreeSet};

use metastore::{Actor, AuditEntry, Collection, ErrorKind, Id, Item, Repo, Store};
use metastore_tests::Server;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "model", name = "things", object_type = state)]
struct Thing {
    #[index]
    place: Option<String>,
    #[index(range)]
    #[validate(range(max = 9))]
    size: i8,
    #[index]
    tags: BTreeSet<u8>,
    #[unique]
    code: Option<u8>,
}

#[derive(Clone, Debug)]
enum Op {
    Create(Thing),
    CreateWithId(u8, Thing),
    CreateMany(Vec<Thing>),
    /// Reads an item and keeps it in hand, where it may become stale.
    Get(u8),
    UpdateInHand(u8, Change),
    UpdateById(u8, Change),
    Replace(u8, Thing),
    Revert(u8, u8),
    Delete(u8),
    /// The deadline of an item passes.
    Expire(u8),
}

#[derive(Clone, Debug)]
enum Change {
    Place(Option<String>),
    Size(i8),
    Tags(BTreeSet<u8>),
    Code(Option<u8>),
}

impl Change {
    fn apply(&self, thing: &mut Thing) {
        match self.clone() {
            Self::Place(place) => thing.place = place,
            Self::Size(size) => thing.size = size,
            Self::Tags(tags) => thing.tags = tags,
            Self::Code(code) => thing.code = code,
        }
    }

    fn patch(&self) -> ThingPatch {
        match self.clone() {
            Self::Place(place) => Thing::patch().place(place),
            Self::Size(size) => Thing::patch().size(size),
            Self::Tags(tags) => Thing::patch().tags(tags),
            Self::Code(code) => Thing::patch().code(code),
        }
    }
}

fn place() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof!["[a-c]?", Just("a:b\0é".to_owned())])
}

fn tags() -> impl Strategy<Value = BTreeSet<u8>> {
    proptest::collection::btree_set(0..4u8, 0..3)
}

fn code() -> impl Strategy<Value = Option<u8>> {
    proptest::option::of(0..6u8)
}

fn thing() -> impl Strategy<Value = Thing> {
    (place(), -9..=10i8, tags(), code()).prop_map(|(place, size, tags, code)| Thing {
        place,
        size,
        tags,
        code,
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        place().prop_map(Change::Place),
        (-9..=10i8).prop_map(Change::Size),
        tags().prop_map(Change::Tags),
        code().prop_map(Change::Code),
    ]
}

/// The writer and its operation.
fn step() -> impl Strategy<Value = (usize, Op)> {
    let op = prop_oneof![
        3 => thing().prop_map(Op::Create),
        2 => (0..3u8, thing()).prop_map(|(id, thing)| Op::CreateWithId(id, thing)),
        1 => proptest::collection::vec(thing(), 0..4).prop_map(Op::CreateMany),
        2 => any::<u8>().prop_map(Op::Get),
        4 => (any::<u8>(), change()).prop_map(|(item, change)| Op::UpdateInHand(item, change)),
        3 => (any::<u8>(), change()).prop_map(|(item, change)| Op::UpdateById(item, change)),
        1 => (any::<u8>(), thing()).prop_map(|(item, thing)| Op::Replace(item, thing)),
        1 => (any::<u8>(), 1..4u8).prop_map(|(item, version)| Op::Revert(item, version)),
        2 => any::<u8>().prop_map(Op::Delete),
        1 => any::<u8>().prop_map(Op::Expire),
    ];
    (0..2usize, op)
}

/// The expected state of an item.
#[derive(Clone, Debug)]
struct Expected {
    versions: Vec<Thing>,
    commit: String,
    owner: usize,
    /// Operation, version and actor of each audit entry.
    trail: Vec<(&'static str, u64, usize)>,
}

impl Expected {
    fn current(&self) -> &Thing {
        self.versions.last().expect("an item has a version")
    }

    fn version(&self) -> u64 {
        self.versions.len() as u64
    }
}

const WRITERS: [&str; 2] = ["ann", "bob"];

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

struct World<'a> {
    server: &'a Server,
    writers: [Repo<Thing>; 2],
    hands: [BTreeMap<Id, Item<Thing>>; 2],
    items: BTreeMap<Id, Expected>,
    /// All ids ever used, so that operations also use those of deleted items.
    ids: Vec<Id>,
}

impl World<'_> {
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

    async fn run(&mut self, writer: usize, op: Op) {
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

    /// The audit of each item; checks that trails and feed agree.
    async fn trails(&self) -> BTreeMap<Id, Vec<AuditEntry>> {
        let repo = &self.writers[0];
        let mut told: BTreeMap<Id, Vec<AuditEntry>> = BTreeMap::new();
        for entry in repo.audit_feed().limit(1_000).await.expect("reads").entries {
            told.entry(entry.id.clone()).or_default().push(entry);
        }
        for (id, entries) in &told {
            let trail = repo.audit(id).oldest_first().limit(1_000).await.expect("reads").entries;
            let said = |entry: &AuditEntry| {
                (
                    entry.operation.clone(),
                    entry.version,
                    entry.commit.clone(),
                    entry.changed.clone(),
                )
            };
            assert!(trail.iter().map(said).eq(entries.iter().map(said)), "{trail:?}, {entries:?}");
        }
        told
    }

    /// Checks that every read agrees with the model.
    async fn check(&self) {
        let repo = &self.writers[0];
        assert_eq!(repo.count().await.expect("counts"), self.items.len() as u64);
        assert_eq!(self.found(repo.list()).await, self.all(|_| true));
        let trails = self.trails().await;
        for (id, item) in &self.items {
            let found = repo.get(id).await.expect("reads").expect("is there");
            assert_eq!((found.version, &found.data), (item.version(), item.current()));
            assert_eq!(found.owner.as_ref().map(Actor::as_str), Some(WRITERS[item.owner]));
            for (number, thing) in (1..).zip(&item.versions) {
                let version = repo.get_version(id, number).await.expect("reads");
                assert_eq!(&version.expect("versions are kept").data, thing, "{id} {number}");
            }
            assert_eq!(repo.versions(id).await.expect("lists").len(), item.versions.len());
            let trail = trails.get(id).expect("each item is audited");
            let entries: Vec<_> = trail
                .iter()
                .map(|entry| {
                    let actor = entry.actor.as_ref().map(Actor::as_str);
                    (entry.operation.as_str(), entry.version, actor)
                })
                .collect();
            let expected: Vec<_> = item
                .trail
                .iter()
                .map(|(op, version, by)| (*op, Some(*version), Some(WRITERS[*by])))
                .collect();
            // An earlier item under the same id has left its own trail.
            assert!(entries.ends_with(&expected), "{id}: {entries:?}, expected {expected:?}");
        }
        for place in [None, Some(""), Some("a"), Some("b"), Some("c"), Some("a:b\0é")] {
            let place = place.map(ToOwned::to_owned);
            let found = self.found(repo.find(Thing::PLACE.eq(place.clone()))).await;
            assert_eq!(found, self.all(|thing| thing.place == place), "{place:?}");
        }
        for (from, to) in [(-9, 9), (-3, 3), (0, 0), (5, -5)] {
            let query = || repo.find(Thing::SIZE.between(from, to));
            let expected = self.all(|thing| (from..=to).contains(&thing.size));
            assert_eq!(query().count().await.expect("counts"), expected.len() as u64);
            assert_eq!(self.found(query()).await, expected, "{from}..={to}");
            let both = Thing::SIZE.between(from, to).and(Thing::TAGS.contains(1u8));
            let expected =
                self.all(|thing| (from..=to).contains(&thing.size) && thing.tags.contains(&1));
            assert_eq!(self.found(repo.find(both)).await, expected);
        }
        for tag in 0..4u8 {
            let found = self.found(repo.find(Thing::TAGS.contains(tag))).await;
            assert_eq!(found, self.all(|thing| thing.tags.contains(&tag)), "tag {tag}");
        }
        for code in 0..6u8 {
            let found = repo.get_by(Thing::CODE, code).await.expect("reads");
            let found = found.map(|item| item.id.clone()).into_iter().collect();
            assert_eq!(self.all(|thing| thing.code == Some(code)), found, "code {code}");
        }
        for (number, writer) in WRITERS.iter().enumerate() {
            let found = self.found(repo.list().owned_by(*writer)).await;
            let own = self.items.iter().filter(|(_, item)| item.owner == number);
            assert_eq!(found, own.map(|(id, _)| id.clone()).collect(), "{writer}");
        }
        let report = repo.verify().await.expect("verifies");
        assert!(report.is_clean(), "{report:?}");
    }

    fn all(&self, meets: impl Fn(&Thing) -> bool) -> BTreeSet<Id> {
        let found = self.items.iter().filter(|(_, item)| meets(item.current()));
        found.map(|(id, _)| id.clone()).collect()
    }

    /// The ids that a query finds, in pages of three.
    async fn found(&self, query: metastore::Query<'_, Thing>) -> BTreeSet<Id> {
        use futures_util::TryStreamExt as _;
        let pages: Vec<_> = query.limit(3).pages().try_collect().await.expect("finds");
        let ids: Vec<Id> =
            pages.into_iter().flat_map(|page| page.items).map(|item| item.id.clone()).collect();
        let found: BTreeSet<Id> = ids.iter().cloned().collect();
        assert_eq!(found.len(), ids.len(), "an item was found twice");
        found
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

#[test]
fn everything_agrees_with_the_model_whatever_two_writers_do() {
    let seed = match std::env::var("METASTORE_SEED") {
        Ok(seed) => seed.parse().expect("METASTORE_SEED is a number"),
        Err(_) => u64::from(std::time::UNIX_EPOCH.elapsed().expect("a clock").subsec_nanos()),
    };
    eprintln!("METASTORE_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (server, stores) = runtime.block_on(async {
        let server = Server::start().await;
        let connect = || async {
            let options = Store::options().audit(true);
            options.connect(server.url()).await.expect("connects")
        };
        let stores = [connect().await, connect().await];
        (server, stores)
    });
    let steps = proptest::collection::vec(step(), 1..40);
    let result = runner.run(&steps, |steps| {
        runtime.block_on(async {
            server.cli(&["FLUSHALL"]).await;
            let writer = |number: usize| {
                stores[number].repo::<Thing>().as_user(WRITERS[number]).expect("a good name")
            };
            let mut world = World {
                server: &server,
                writers: [writer(0), writer(1)],
                hands: Default::default(),
                items: BTreeMap::new(),
                ids: Vec::new(),
            };
            for (writer, op) in steps {
                world.run(writer, op).await;
            }
            world.check().await;
        });
        Ok(())
    });
    if let Err(error) = result {
        panic!("METASTORE_SEED={seed}: {error}");
    }
}
