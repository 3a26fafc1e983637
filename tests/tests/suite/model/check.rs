//! Compares everything that can be read from the store with the model.

use std::collections::{BTreeMap, BTreeSet};

use metastore::{Actor, AuditEntry, Id};

use super::operation::Thing;
use super::world::{WRITERS, World};

impl World<'_> {
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
    pub(super) async fn check(&self) {
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
