//! Random operations, and the documents that they write.

use std::collections::BTreeSet;

use metastore::Collection;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "model", name = "things", object_type = state)]
pub(super) struct Thing {
    #[index]
    pub(super) place: Option<String>,
    #[index(range)]
    #[validate(range(max = 9))]
    pub(super) size: i8,
    #[index]
    pub(super) tags: BTreeSet<u8>,
    #[unique]
    pub(super) code: Option<u8>,
}

#[derive(Clone, Debug)]
pub(super) enum Op {
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
pub(super) enum Change {
    Place(Option<String>),
    Size(i8),
    Tags(BTreeSet<u8>),
    Code(Option<u8>),
}

impl Change {
    pub(super) fn apply(&self, thing: &mut Thing) {
        match self.clone() {
            Self::Place(place) => thing.place = place,
            Self::Size(size) => thing.size = size,
            Self::Tags(tags) => thing.tags = tags,
            Self::Code(code) => thing.code = code,
        }
    }

    pub(super) fn patch(&self) -> ThingPatch {
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
pub(super) fn step() -> impl Strategy<Value = (usize, Op)> {
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
