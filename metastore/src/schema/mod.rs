//! What the derive knows about a collection, as constant data: no I/O, no generics.

pub(crate) mod distinct;
pub(crate) mod json_schema;
pub(crate) mod lock;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::key::Segment;

const DAY: u64 = 24 * 60 * 60;

/// What kind of thing a collection holds; it decides how long an item lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ObjectType {
    /// Long-lived configuration: no time to live.
    Config,
    /// Settings of a user or an app: 30 days.
    Settings,
    /// Sessions and other passing state: 1 hour.
    State,
    /// Content that is kept with all its versions: no time to live.
    Texts,
}

impl ObjectType {
    /// How long an item of this type lives unless the collection says otherwise with `ttl`.
    #[must_use]
    pub const fn default_ttl(self) -> Option<Duration> {
        match self {
            Self::Config | Self::Texts => None,
            Self::Settings => Some(Duration::from_secs(30 * DAY)),
            Self::State => Some(Duration::from_secs(60 * 60)),
        }
    }
}

/// What an update does to the deadline of an item that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TtlOnUpdate {
    /// The item lives for its whole time to live again, counted from the update. The default.
    Reset,
    /// The deadline set at creation stays.
    Keep,
}

/// How a field is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum IndexKind {
    /// `#[index]`: finds the items with exactly this value.
    Equality,
    /// `#[index(range)]`: finds the items between two values.
    Range,
    /// `#[unique]`: at most one item has the value.
    Unique,
}

/// A hash of the shape of a document: the names, types and options of its fields in JSON, as the
/// derive sees them. Shown as 16 hexadecimal digits.
///
/// It is the same by every compiler and on every machine. The order of the fields, comments and rules
/// of validation are no part of it. Of a field's type only the name counts: what a nested struct looks
/// like inside is not seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// One field of a document.
#[derive(Clone, Copy, Debug)]
pub struct FieldSchema {
    /// The name in Rust, without `r#`.
    pub rust_name: &'static str,
    /// The name in JSON, after serde's renames; `None` when serde flattens the field.
    pub json_name: Option<&'static str>,
    /// Other names in JSON by which it is read.
    pub aliases: &'static [&'static str],
    /// The index on the field, if it has one.
    pub index: Option<IndexKind>,
    /// How many lists or maps the field's value has around a set, whose elements have no order of their own;
    /// `None` if there is no set in it.
    pub set: Option<u8>,
}

/// The constant part of a transformation.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TransformationSchema {
    /// The name, as it stands in keys.
    pub name: &'static str,
    /// How long one run may take; `None` leaves it to the worker.
    pub timeout: Option<Duration>,
    /// How often a failed run is repeated; `None` leaves it to the worker.
    pub retries: Option<u32>,
    /// How long to wait before the first repetition; `None` leaves it to the worker.
    pub retry_delay: Option<Duration>,
    /// How long a result lives; `None` means as long as its item.
    pub result_ttl: Option<Duration>,
    /// Whether it runs in the caller's process, and no worker takes it.
    pub inline: bool,
    /// The transformation whose end requests this one.
    pub after: Option<&'static str>,
    /// Whether the creation of an item requests it.
    pub on_create: bool,
    /// Whether each further version of an item requests it.
    pub on_update: bool,
}

impl TransformationSchema {
    /// A transformation with the worker's own timeout and retries.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            timeout: None,
            retries: None,
            retry_delay: None,
            result_ttl: None,
            inline: false,
            after: None,
            on_create: false,
            on_update: false,
        }
    }

    /// Sets how long one run may take, in milliseconds.
    #[must_use]
    pub const fn timeout_ms(mut self, millis: u64) -> Self {
        self.timeout = Some(Duration::from_millis(millis));
        self
    }

    /// Sets how often a failed run is repeated.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Sets how long to wait before the first repetition, in milliseconds.
    #[must_use]
    pub const fn retry_delay_ms(mut self, millis: u64) -> Self {
        self.retry_delay = Some(Duration::from_millis(millis));
        self
    }

    /// Sets how long a result lives, in milliseconds.
    #[must_use]
    pub const fn result_ttl_ms(mut self, millis: u64) -> Self {
        self.result_ttl = Some(Duration::from_millis(millis));
        self
    }

    /// Runs in the caller's process, not by a worker.
    #[must_use]
    pub const fn inline(mut self) -> Self {
        self.inline = true;
        self
    }

    /// Is requested when that transformation finishes.
    #[must_use]
    pub const fn after(mut self, transformation: &'static str) -> Self {
        self.after = Some(transformation);
        self
    }

    /// Is requested when an item is created.
    #[must_use]
    pub const fn on_create(mut self) -> Self {
        self.on_create = true;
        self
    }

    /// Is requested by each further version of an item.
    #[must_use]
    pub const fn on_update(mut self) -> Self {
        self.on_update = true;
        self
    }
}

/// Everything that is known about a collection at compile time.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CollectionSchema {
    /// The first segment of the collection's keys.
    pub domain: &'static str,
    /// The second segment.
    pub app: &'static str,
    /// The third segment.
    pub name: &'static str,
    /// The kind of objects, which decides the time to live.
    pub object_type: ObjectType,
    /// How long an item lives; `None` means for ever.
    pub ttl: Option<Duration>,
    /// What an update does to an item's deadline.
    pub ttl_on_update: TtlOnUpdate,
    /// How many versions of an item are kept, the current one among them; `None` keeps any number.
    pub keep: Option<u32>,
    /// How long a version is kept once it is superseded; `None` keeps it for ever. With both, a version
    /// goes as soon as one of the two lets it.
    pub keep_for: Option<Duration>,
    /// Whether writes are audited; `None` leaves it to the store.
    pub audit: Option<bool>,
    /// The number of the document's shape, stored with each version.
    pub version: u32,
    /// A hash of the document's shape, to tell when it changes.
    pub fingerprint: Fingerprint,
    /// Whether the document refuses fields that it does not know, by serde's `deny_unknown_fields`.
    /// Otherwise they are kept when a document is changed.
    pub denies_unknown_fields: bool,
    /// The name under which a document writes what it is called, by serde's `tag`.
    pub tag: Option<&'static str>,
    /// Whether it is known of all fields that what they write reads back. If not, each write reads what it
    /// is about to store.
    pub reads_back: bool,
    /// Whether serde may read another document than the one that was written, as by `from` and `into`: indexes
    /// then hold what will be read.
    pub reads_otherwise: bool,
    /// The document's fields, in their order.
    pub fields: &'static [FieldSchema],
    /// The names of the mutations, in their order.
    pub mutations: &'static [&'static str],
    /// The transformations, in their order.
    pub transformations: &'static [TransformationSchema],
}

impl CollectionSchema {
    /// A collection with the type's own time to live and no fields.
    #[must_use]
    pub const fn new(
        domain: &'static str,
        app: &'static str,
        name: &'static str,
        object_type: ObjectType,
    ) -> Self {
        Self {
            domain,
            app,
            name,
            object_type,
            ttl: object_type.default_ttl(),
            ttl_on_update: TtlOnUpdate::Reset,
            keep: None,
            keep_for: None,
            audit: None,
            version: 1,
            fingerprint: Fingerprint(0),
            denies_unknown_fields: false,
            tag: None,
            reads_back: false,
            reads_otherwise: false,
            fields: &[],
            mutations: &[],
            transformations: &[],
        }
    }

    /// Whether a document writes a member of this name by itself.
    pub(crate) fn writes(&self, name: &str) -> bool {
        self.tag == Some(name) || self.fields.iter().any(|field| field.json_name == Some(name))
    }

    /// Whether any field has an index.
    #[must_use]
    pub fn is_indexed(&self) -> bool {
        self.fields.iter().any(|field| field.index.is_some())
    }

    /// Whether any field is unique.
    #[must_use]
    pub fn has_unique(&self) -> bool {
        self.fields.iter().any(|field| field.index == Some(IndexKind::Unique))
    }

    /// The field, by its name in JSON, whose index this is.
    pub(crate) fn field_of_segment(&self, segment: &str) -> Option<&'static str> {
        self.fields.iter().filter_map(|field| field.json_name).find(|name| {
            let name = || (*name).to_owned();
            [
                Segment::By(name()),
                Segment::Each(name()),
                Segment::Unique(name()),
                Segment::Held(name()),
            ]
            .iter()
            .any(|own| own.to_string() == segment)
        })
    }

    /// Overrides the type's time to live, in milliseconds.
    #[must_use]
    pub const fn ttl_ms(mut self, millis: u64) -> Self {
        self.ttl = Some(Duration::from_millis(millis));
        self
    }

    /// Lets items live for ever, whatever their type.
    #[must_use]
    pub const fn no_ttl(mut self) -> Self {
        self.ttl = None;
        self
    }

    /// Keeps the deadline of an item on update.
    #[must_use]
    pub const fn keep_ttl_on_update(mut self) -> Self {
        self.ttl_on_update = TtlOnUpdate::Keep;
        self
    }

    /// Keeps this many versions of an item, the current one among them.
    ///
    /// # Panics
    ///
    /// If the number is zero, at compile time: the current version always stays.
    #[must_use]
    pub const fn keep(mut self, versions: u32) -> Self {
        assert!(versions > 0, "the current version counts, so at least 1 is kept");
        self.keep = Some(versions);
        self
    }

    /// Keeps a version for so long once it is superseded, in milliseconds.
    #[must_use]
    pub const fn keep_for_ms(mut self, millis: u64) -> Self {
        self.keep_for = Some(Duration::from_millis(millis));
        self
    }

    /// Whether there is anything that retention ever removes.
    pub(crate) const fn trims(&self) -> bool {
        self.keep.is_some() || self.keep_for.is_some()
    }

    /// Audits writes or does not, whatever the store says.
    #[must_use]
    pub const fn audit(mut self, on: bool) -> Self {
        self.audit = Some(on);
        self
    }

    /// Refuses fields that the document does not know.
    #[must_use]
    pub const fn deny_unknown_fields(mut self) -> Self {
        self.denies_unknown_fields = true;
        self
    }

    /// Says that a document writes its own name under this one.
    #[must_use]
    pub const fn tag(mut self, tag: &'static str) -> Self {
        self.tag = Some(tag);
        self
    }

    /// Says that whatever the document writes reads back.
    #[must_use]
    pub const fn reads_back(mut self) -> Self {
        self.reads_back = true;
        self
    }

    /// What is read may be another document than what was written.
    #[must_use]
    pub const fn reads_otherwise(mut self) -> Self {
        self.reads_otherwise = true;
        self
    }

    /// Sets the number of the document's shape.
    #[must_use]
    pub const fn version(mut self, number: u32) -> Self {
        self.version = number;
        self
    }

    /// Sets the hash of the document's shape.
    #[must_use]
    pub const fn fingerprint(mut self, hash: u64) -> Self {
        self.fingerprint = Fingerprint(hash);
        self
    }

    /// Sets the fields.
    #[must_use]
    pub const fn fields(mut self, fields: &'static [FieldSchema]) -> Self {
        self.fields = fields;
        self
    }

    /// Sets the names of the mutations.
    #[must_use]
    pub const fn mutations(mut self, mutations: &'static [&'static str]) -> Self {
        self.mutations = mutations;
        self
    }

    /// Sets the transformations.
    #[must_use]
    pub const fn transformations(
        mut self,
        transformations: &'static [TransformationSchema],
    ) -> Self {
        self.transformations = transformations;
        self
    }
}

/// A field without an index; what the derive writes for each field.
#[must_use]
pub const fn field(rust_name: &'static str, json_name: &'static str) -> FieldSchema {
    FieldSchema { rust_name, json_name: Some(json_name), aliases: &[], index: None, set: None }
}

/// A field that serde flattens into its parent.
#[must_use]
pub const fn flattened(rust_name: &'static str) -> FieldSchema {
    FieldSchema { rust_name, json_name: None, aliases: &[], index: None, set: None }
}

impl FieldSchema {
    /// Adds an index.
    #[must_use]
    pub const fn indexed(mut self, kind: IndexKind) -> Self {
        self.index = Some(kind);
        self
    }

    /// Adds names by which it is read, too.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Says that there is a set within so many lists or maps.
    #[must_use]
    pub const fn set(mut self, level: u8) -> Self {
        self.set = Some(level);
        self
    }
}
