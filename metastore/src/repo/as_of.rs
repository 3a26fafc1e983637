//! Reads an item as it was at a point in time.

use crate::document::Document;
use crate::document::envelope;
use crate::document::item::Item;
use crate::error::Result;
use crate::key::{Id, ToId};
use crate::repo::get::Stored;
use crate::repo::{Repo, checked_id};
use crate::time::Timestamp;

const OPERATION: &str = "as_of";

/// How many versions one round trip looks at: it divides the range by 16.
const PROBES: u64 = 15;

impl<T: Document> Repo<T> {
    /// Reads an item as it was at a point in time: the last version that was written at or before
    /// that time. Accepts a [`Timestamp`] or a [`SystemTime`](std::time::SystemTime); for a time in
    /// the future it returns the current version.
    ///
    /// `None` if the item does not exist (a deleted item has no versions), if it was created later,
    /// or if the version that was current then has expired or was removed by retention.
    ///
    /// One round trip if it is the current version. Otherwise two for an item with two versions,
    /// three for up to 17, four for up to 257, and one more for each further factor of 16: seven
    /// for a million. Those between the first and the last read the first bytes of up to 15
    /// versions.
    ///
    /// # Errors
    ///
    /// As [`Repo::get`].
    ///
    /// ```
    /// # use metastore::{Collection, Store, Timestamp};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let notes = Store::embedded().await?.repo::<Note>();
    /// let note = notes.create(Note { title: "Milk".into() }).await?;
    ///
    /// let then = notes.as_of(&note.id, note.created_at).await?;
    /// assert_eq!(then.map(|note| note.version), Some(1));
    /// let before: Timestamp = "2001-01-01T00:00:00Z".parse()?;
    /// assert!(notes.as_of(&note.id, before).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn as_of(
        &self,
        id: impl ToId,
        time: impl Into<Timestamp>,
    ) -> Result<Option<Item<T>>> {
        let id = checked_id(&id, OPERATION)?;
        let time = time.into();
        let Some((current, _)) = self.stored(&id, &[], OPERATION).await? else { return Ok(None) };
        let Stored { key, json, header } = current;
        if header.written() <= time {
            return envelope::decode(&json, &key, OPERATION).map(Some);
        }
        if header.created > time {
            return Ok(None);
        }
        let valid = self.version_at(&id, time, header.created, header.version).await?;
        let Some((_, mut found)) = self.stored(&id, &[valid], OPERATION).await? else {
            return Ok(None);
        };
        match found.pop().flatten() {
            // Not if the item was deleted meanwhile and created again.
            Some(old) if old.header.created == header.created => {
                envelope::decode(&old.json, &old.key, OPERATION).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The last version below `end` that was written at or before `time`: at least 1, because the
    /// first one was. It may have been removed.
    async fn version_at(
        &self,
        id: &Id,
        time: Timestamp,
        created: Timestamp,
        mut end: u64,
    ) -> Result<u64> {
        let mut start = 1;
        while end - start > 1 {
            let probes = probes(start, end);
            let keys = probes.iter().map(|version| self.address().version(id, *version)).collect();
            let headers = self.headers(keys, OPERATION).await?;
            for (version, header) in probes.into_iter().zip(headers) {
                match header {
                    Some(header) if header.created == created && header.written() > time => {
                        end = version;
                        break;
                    }
                    // The oldest versions are removed first, so a missing version precedes all that
                    // exist.
                    _ => start = version,
                }
            }
        }
        Ok(start)
    }
}

/// Up to [`PROBES`] versions between two others, evenly spaced.
fn probes(start: u64, end: u64) -> Vec<u64> {
    let distance = end - start;
    let pieces = distance.min(PROBES + 1);
    let place = |number| distance / pieces * number + distance % pieces * number / pieces;
    (1..pieces).map(|number| start + place(number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_leave_a_sixteenth_and_are_strictly_between() {
        assert!(probes(1, 1).is_empty() && probes(1, 2).is_empty());
        assert_eq!(probes(1, 3), [2]);
        assert_eq!(probes(4, 20), (5..20).collect::<Vec<_>>());
        for end in [21, 22, 257, 258, 1_000_001, u64::MAX] {
            let probes = probes(4, end);
            assert_eq!(probes.len(), 15);
            let all: Vec<u64> = [4].into_iter().chain(probes).chain([end]).collect();
            for pair in all.windows(2) {
                let piece = pair[1] - pair[0];
                assert!((1..=(end - 4).div_ceil(16)).contains(&piece), "{pair:?} up to {end}");
            }
        }
    }
}
