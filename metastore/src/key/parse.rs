//! Parsing of keys: the inverse of formatting them.

use std::fmt;

use super::{Address, Id, Name, Segment};

/// A parsed key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The collection that it belongs to.
    pub address: Address,
    /// What the key holds.
    pub kind: KeyKind,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// The current version of an item.
    Latest(Id),
    /// A superseded version of an item.
    Version(Id, u64),
    /// The stored result of a mutation.
    Mutation(Id, Name),
    /// The record of a transformation.
    Transformation(Id, Name),
    /// The number of the oldest version that retention has not removed.
    Trimmed(Id),
    /// The index of all items.
    Index,
    /// The index of items by deadline.
    Expiry,
    /// The index entries of each item.
    Entries,
    /// The ids of commits whose effect was removed recently.
    Commits,
    /// One index: of a field, of owners, or of the items that have a derived value.
    Segment(Segment),
    /// The audit trail of an item.
    Audit(Id),
    /// The audit feed of all items.
    AuditFeed,
    /// The jobs of a transformation that wait for a worker: a list.
    Waiting(Name),
    /// The waiting jobs of high priority: a list.
    WaitingHigh(Name),
    /// The waiting jobs of low priority: a list.
    WaitingLow(Name),
    /// The settings of a transformation's queue: a hash.
    QueueControl(Name),
    /// The delayed jobs of a transformation: a sorted set.
    Delayed(Name),
    /// The jobs of a transformation that a worker has leased: a sorted set.
    Leased(Name),
    /// The dead jobs of a transformation: a sorted set.
    Dead(Name),
    /// The waiting jobs that may have crashed a worker: a list.
    Suspects(Name),
    /// The live jobs of a transformation: a hash.
    Jobs(Name),
    /// The workers that have room for jobs of a transformation: a sorted set.
    IdleWorkers(Name),
}

impl Key {
    /// Parses a key; `None` if it is not a key of this library.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let segments: Vec<&str> = key.split(':').collect();
        let (address, kind) = match segments[..] {
            ["idx", d, a, c] => (address(d, a, c)?, KeyKind::Index),
            ["idx", d, a, c, "expiry"] => (address(d, a, c)?, KeyKind::Expiry),
            ["idx", d, a, c, "commits"] => (address(d, a, c)?, KeyKind::Commits),
            ["idx", d, a, c, "entries"] => (address(d, a, c)?, KeyKind::Entries),
            ["idx", d, a, c, kind] => {
                (address(d, a, c)?, KeyKind::Segment(Segment::parse(kind, None)?))
            }
            ["idx", d, a, c, kind, field] => {
                (address(d, a, c)?, KeyKind::Segment(Segment::parse(kind, Some(field))?))
            }
            ["stream", "audit", d, a, c, id] => (address(d, a, c)?, KeyKind::Audit(parse_id(id)?)),
            ["stream", "audit", d, a, c] => (address(d, a, c)?, KeyKind::AuditFeed),
            ["queue", d, a, c, name, part] => {
                let name = Name::new(name).ok()?;
                let kind = match part {
                    "waiting" => KeyKind::Waiting(name),
                    "high" => KeyKind::WaitingHigh(name),
                    "low" => KeyKind::WaitingLow(name),
                    "control" => KeyKind::QueueControl(name),
                    "delayed" => KeyKind::Delayed(name),
                    "leased" => KeyKind::Leased(name),
                    "dead" => KeyKind::Dead(name),
                    "suspects" => KeyKind::Suspects(name),
                    "jobs" => KeyKind::Jobs(name),
                    "idle" => KeyKind::IdleWorkers(name),
                    _ => return None,
                };
                (address(d, a, c)?, kind)
            }
            [d, a, c, id, "latest"] => (address(d, a, c)?, KeyKind::Latest(parse_id(id)?)),
            [d, a, c, id, "trimmed"] => (address(d, a, c)?, KeyKind::Trimmed(parse_id(id)?)),
            [d, a, c, id, "version", n] => {
                (address(d, a, c)?, KeyKind::Version(parse_id(id)?, parse_version(n)?))
            }
            [d, a, c, id, "mutation", name] => {
                (address(d, a, c)?, KeyKind::Mutation(parse_id(id)?, Name::new(name).ok()?))
            }
            [d, a, c, id, "transformation", name] => {
                (address(d, a, c)?, KeyKind::Transformation(parse_id(id)?, Name::new(name).ok()?))
            }
            _ => return None,
        };
        Some(Self { address, kind })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = &self.address;
        f.write_str(&match &self.kind {
            KeyKind::Latest(id) => at.latest(id),
            KeyKind::Version(id, version) => at.version(id, *version),
            KeyKind::Mutation(id, name) => at.mutation(id, name.as_str()),
            KeyKind::Transformation(id, name) => at.transformation(id, name.as_str()),
            KeyKind::Trimmed(id) => at.trimmed(id),
            KeyKind::Index => at.index(),
            KeyKind::Expiry => at.expiry(),
            KeyKind::Entries => at.entries(),
            KeyKind::Commits => at.commits(),
            KeyKind::Segment(segment) => at.segment(segment),
            KeyKind::Audit(id) => at.audit(id),
            KeyKind::AuditFeed => at.audit_feed(),
            KeyKind::Waiting(name) => at.queue(name.as_str()).waiting,
            KeyKind::WaitingHigh(name) => at.queue(name.as_str()).high,
            KeyKind::WaitingLow(name) => at.queue(name.as_str()).low,
            KeyKind::QueueControl(name) => at.queue(name.as_str()).control,
            KeyKind::Delayed(name) => at.queue(name.as_str()).delayed,
            KeyKind::Leased(name) => at.queue(name.as_str()).leased,
            KeyKind::Dead(name) => at.queue(name.as_str()).dead,
            KeyKind::Suspects(name) => at.queue(name.as_str()).suspects,
            KeyKind::Jobs(name) => at.queue(name.as_str()).jobs,
            KeyKind::IdleWorkers(name) => at.queue(name.as_str()).idle,
        })
    }
}

fn address(domain: &str, app: &str, collection: &str) -> Option<Address> {
    Some(Address::new(
        &Name::domain(domain).ok()?,
        &Name::new(app).ok()?,
        &Name::new(collection).ok()?,
    ))
}

fn parse_id(id: &str) -> Option<Id> {
    Id::new(id).ok()
}

/// The id in the key of a version of an item, current or superseded; `None` for other keys. Nothing
/// is allocated or validated, because each read calls it.
pub(crate) fn item_id_in(key: &str) -> Option<&str> {
    let mut segments = key.split(':').skip(3);
    let (id, kind) = (segments.next()?, segments.next()?);
    matches!(kind, "latest" | "version").then_some(id)
}

/// A version number has exactly one form: from 1, without sign or leading zeros.
fn parse_version(text: &str) -> Option<u64> {
    let version: u64 = text.parse().ok()?;
    (version > 0 && version.to_string() == text).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id() -> impl Strategy<Value = Id> {
        "[A-Za-z0-9_.@+~-]{1,40}".prop_map(|s| Id::new(&s).expect("matches the rule"))
    }

    fn name() -> impl Strategy<Value = Name> {
        "[A-Za-z0-9][A-Za-z0-9_-]{0,20}".prop_map(|s| Name::new(&s).expect("matches the rule"))
    }

    fn key() -> impl Strategy<Value = Key> {
        let domain = name().prop_filter("reserved", |n| Name::domain(n.as_str()).is_ok());
        let address = (domain, name(), name()).prop_map(|(d, a, c)| Address::new(&d, &a, &c));
        let kind = prop_oneof![
            id().prop_map(KeyKind::Latest),
            (id(), 1u64..).prop_map(|(id, n)| KeyKind::Version(id, n)),
            (id(), name()).prop_map(|(id, n)| KeyKind::Mutation(id, n)),
            (id(), name()).prop_map(|(id, n)| KeyKind::Transformation(id, n)),
            id().prop_map(KeyKind::Trimmed),
            Just(KeyKind::Index),
            Just(KeyKind::Expiry),
            Just(KeyKind::Entries),
            Just(KeyKind::Commits),
            Just(KeyKind::Segment(Segment::Owner)),
            ".{0,12}".prop_map(|field| KeyKind::Segment(Segment::By(field))),
            ".{0,12}".prop_map(|field| KeyKind::Segment(Segment::Each(field))),
            ".{0,12}".prop_map(|field| KeyKind::Segment(Segment::Unique(field))),
            ".{0,12}".prop_map(|field| KeyKind::Segment(Segment::Held(field))),
            name().prop_map(|n| KeyKind::Segment(Segment::Mutation(n.to_string()))),
            name().prop_map(|n| KeyKind::Segment(Segment::Transformation(n.to_string()))),
            id().prop_map(KeyKind::Audit),
            Just(KeyKind::AuditFeed),
            name().prop_map(KeyKind::Waiting),
            name().prop_map(KeyKind::WaitingHigh),
            name().prop_map(KeyKind::WaitingLow),
            name().prop_map(KeyKind::QueueControl),
            name().prop_map(KeyKind::Delayed),
            name().prop_map(KeyKind::Leased),
            name().prop_map(KeyKind::Dead),
        ];
        (address, kind).prop_map(|(address, kind)| Key { address, kind })
    }

    proptest! {
        #[test]
        fn parsing_is_the_inverse_of_building(key in key()) {
            prop_assert_eq!(Key::parse(&key.to_string()), Some(key));
        }

        #[test]
        fn what_parses_is_spelt_as_it_would_be_built(text in "[a-z:0-9{}* ]{0,40}") {
            if let Some(key) = Key::parse(&text) {
                prop_assert_eq!(key.to_string(), text);
            }
        }

        #[test]
        fn different_ids_never_share_a_key(a in ".{0,20}", b in ".{0,20}") {
            let at = Address::new(
                &Name::new("d").unwrap(), &Name::new("a").unwrap(), &Name::new("c").unwrap());
            if let (Ok(x), Ok(y)) = (Id::new(&a), Id::new(&b)) && a != b {
                prop_assert_ne!(at.latest(&x), at.latest(&y));
                prop_assert_ne!(at.version(&x, 1), at.latest(&y));
            }
        }
    }

    #[test]
    fn the_grammar_is_exactly_the_documented_one() {
        let at = address("myapp", "textsplitter", "texts").unwrap();
        let id = Id::new("abc123").unwrap();
        assert_eq!(at.latest(&id), "myapp:textsplitter:texts:abc123:latest");
        assert_eq!(at.version(&id, 2), "myapp:textsplitter:texts:abc123:version:2");
        assert_eq!(
            at.mutation(&id, "wordcount"),
            "myapp:textsplitter:texts:abc123:mutation:wordcount"
        );
        assert_eq!(
            at.transformation(&id, "summarize"),
            "myapp:textsplitter:texts:abc123:transformation:summarize"
        );
        assert_eq!(at.index(), "idx:myapp:textsplitter:texts");
        assert_eq!(at.audit(&id), "stream:audit:myapp:textsplitter:texts:abc123");
        assert_eq!(at.audit_feed(), "stream:audit:myapp:textsplitter:texts");
    }

    #[test]
    fn foreign_keys_do_not_parse() {
        for foreign in ["", "a", "a:b:c", "a:b:c:d:version:01", "a:b:c:d:version:0", "idx:a:b:c:x"]
        {
            assert_eq!(Key::parse(foreign), None, "{foreign}");
        }
    }
}
