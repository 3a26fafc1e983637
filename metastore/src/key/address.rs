//! The address of a collection, and every key that is built from it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Id, InvalidName, Name, Segment};

/// Where a collection lives: `domain:app:collection`.
///
/// ```
/// use metastore::Address;
///
/// let address: Address = "myapp:textsplitter:texts".parse()?;
/// assert_eq!(address.app().as_str(), "textsplitter");
/// # Ok::<(), metastore::InvalidName>(())
/// ```
///
/// All keys of a collection are built here. A layout that spreads a collection over hash slots puts
/// its hash tag here, too: every method for an item takes the item's id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(Arc<str>);

impl Address {
    /// The address of a collection.
    #[must_use]
    pub fn new(domain: &Name, app: &Name, collection: &Name) -> Self {
        Self(format!("{domain}:{app}:{collection}").into())
    }

    /// The domain.
    #[must_use]
    pub fn domain(&self) -> Name {
        self.name_at(0)
    }

    /// The app.
    #[must_use]
    pub fn app(&self) -> Name {
        self.name_at(1)
    }

    /// The collection's own name.
    #[must_use]
    pub fn collection(&self) -> Name {
        self.name_at(2)
    }

    fn name_at(&self, position: usize) -> Name {
        Name::literal(self.0.split(':').nth(position).unwrap_or_default())
    }

    /// The current version of an item: a string, JSON.
    #[must_use]
    pub fn latest(&self, id: &Id) -> String {
        self.latest_parts(id).concat()
    }

    /// The parts of [`Address::latest`], to be joined by a caller that has many of them.
    pub(crate) fn latest_parts<'a>(&'a self, id: &'a Id) -> [&'a str; 4] {
        [self.as_str(), ":", id.as_str(), ":latest"]
    }

    /// As [`Address::latest`], for an id read from an index, which other programs may have written.
    #[must_use]
    pub(crate) fn latest_of(&self, id: &str) -> String {
        [self.as_str(), ":", id, ":latest"].concat()
    }

    /// A superseded version of an item: a string, JSON.
    #[must_use]
    pub fn version(&self, id: &Id, version: u64) -> String {
        self.version_parts(id, &version.to_string()).concat()
    }

    /// The parts of [`Address::version`], whose number is text.
    pub(crate) fn version_parts<'a>(&'a self, id: &'a Id, version: &'a str) -> [&'a str; 5] {
        [self.as_str(), ":", id.as_str(), ":version:", version]
    }

    /// The stored result of a mutation: a string, JSON.
    #[must_use]
    pub fn mutation(&self, id: &Id, mutation: &str) -> String {
        format!("{self}:{id}:mutation:{mutation}")
    }

    /// The record of a transformation, with the end of its last job and its last result: a string,
    /// JSON.
    #[must_use]
    pub fn transformation(&self, id: &Id, transformation: &str) -> String {
        format!("{self}:{id}:transformation:{transformation}")
    }

    /// The number of the oldest version that retention has not removed: a string.
    #[must_use]
    pub fn trimmed(&self, id: &Id) -> String {
        format!("{self}:{id}:trimmed")
    }

    /// The index of all items by creation time: a sorted set.
    #[must_use]
    pub fn index(&self) -> String {
        ["idx:", self.as_str()].concat()
    }

    /// The index of items by deadline, in collections with a time to live: a sorted set.
    #[must_use]
    pub fn expiry(&self) -> String {
        format!("idx:{self}:expiry")
    }

    /// The index entries of each item, so that exactly these can be removed: a hash by id.
    #[must_use]
    pub fn entries(&self) -> String {
        format!("idx:{self}:entries")
    }

    /// The ids of commits whose effect was removed within the last two minutes, for callers whose
    /// reply was lost: a sorted set by the time of removal.
    #[must_use]
    pub fn commits(&self) -> String {
        format!("idx:{self}:commits")
    }

    /// One index of a field, or the index of owners: a sorted set in the order of its bytes.
    #[must_use]
    pub fn segment(&self, segment: &Segment) -> String {
        self.index_named(&segment.to_string())
    }

    /// As [`Address::segment`], for the text of a segment as entries hold it.
    #[must_use]
    pub(crate) fn index_named(&self, segment: &str) -> String {
        format!("idx:{self}:{segment}")
    }

    /// The audit trail of an item: a stream.
    #[must_use]
    pub fn audit(&self, id: &Id) -> String {
        ["stream:audit:", self.as_str(), ":", id.as_str()].concat()
    }

    /// The audit feed of all items: a stream.
    #[must_use]
    pub fn audit_feed(&self) -> String {
        format!("stream:audit:{self}")
    }

    /// A scratch key: created and deleted within one atomic step.
    pub(crate) fn scratch(&self) -> String {
        format!("metastore:scratch:{self}")
    }

    /// The keys of the queue of a transformation.
    #[must_use]
    pub(crate) fn queue(&self, transformation: &str) -> TransformationKeys {
        let queue = format!("queue:{self}:{transformation}");
        TransformationKeys {
            high: format!("{queue}:high"),
            waiting: format!("{queue}:waiting"),
            low: format!("{queue}:low"),
            suspects: format!("{queue}:suspects"),
            jobs: format!("{queue}:jobs"),
            delayed: format!("{queue}:delayed"),
            leased: format!("{queue}:leased"),
            dead: format!("{queue}:dead"),
            control: format!("{queue}:control"),
            idle: format!("{queue}:idle"),
            changes: format!("{queue}:changes"),
            address: self.clone(),
            transformation: transformation.into(),
        }
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The keys and channels of one transformation's queue, and the names from which scripts build
/// them.
#[derive(Clone, Debug)]
pub(crate) struct TransformationKeys {
    pub(crate) high: String,
    pub(crate) waiting: String,
    pub(crate) low: String,
    /// The jobs that may have crashed a worker.
    pub(crate) suspects: String,
    /// The live jobs. Scripts declare this key, and build the others.
    pub(crate) jobs: String,
    pub(crate) delayed: String,
    pub(crate) leased: String,
    pub(crate) dead: String,
    pub(crate) control: String,
    /// The workers that have room.
    pub(crate) idle: String,
    /// The channel on which changes of jobs are published.
    pub(crate) changes: String,
    pub(crate) address: Address,
    pub(crate) transformation: Box<str>,
}

impl TransformationKeys {
    /// The lists of waiting jobs.
    pub(crate) fn lists(&self) -> [String; 4] {
        [&self.high, &self.waiting, &self.low, &self.suspects].map(Clone::clone)
    }

    /// The keys that exist only while there are jobs to run or to wait for.
    pub(crate) fn busy(&self) -> [String; 6] {
        let [high, waiting, low, suspects] = self.lists();
        [high, waiting, low, suspects, self.delayed.clone(), self.leased.clone()]
    }

    /// The channel on which one worker is told that the queue may have jobs for it.
    pub(crate) fn wake(&self, worker: &str) -> String {
        format!("queue:{}:{}:wake:{worker}", self.address, self.transformation)
    }

    /// The channel on which one worker is told that jobs which it runs have been cancelled.
    pub(crate) fn cancel(&self, worker: &str) -> String {
        format!("queue:{}:{}:cancel:{worker}", self.address, self.transformation)
    }
}

impl FromStr for Address {
    type Err = InvalidName;

    fn from_str(address: &str) -> Result<Self, InvalidName> {
        let segments: Vec<&str> = address.split(':').collect();
        let [domain, app, collection] = segments[..] else {
            let rule = "an address holds three, as in `myapp:textsplitter:texts`";
            return Err(InvalidName { name: address.to_owned(), rule });
        };
        Ok(Self::new(&Name::domain(domain)?, &Name::new(app)?, &Name::new(collection)?))
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.0)
    }
}
