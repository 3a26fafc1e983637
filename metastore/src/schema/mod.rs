//! What the derive knows about a collection, as constant data: no I/O, no generics.

pub(crate) mod distinct;
mod field;
mod fingerprint;
pub(crate) mod json_schema;
pub(crate) mod lock;
mod object_type;
mod transformation;

use std::time::Duration;

pub use field::{FieldSchema, IndexKind, field, flattened};
pub use fingerprint::Fingerprint;
pub use object_type::{ObjectType, TtlOnUpdate};
pub use transformation::TransformationSchema;

use crate::key::Segment;

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
    /// The kind of objects, which decides the default time to live.
    pub object_type: ObjectType,
    /// How long an item lives; `None` means forever.
    pub ttl: Option<Duration>,
    /// What an update does to an item's deadline.
    pub ttl_on_update: TtlOnUpdate,
    /// How many versions of an item are kept, including the current one; `None` keeps all.
    pub keep: Option<u32>,
    /// How long a version is kept once it is superseded; `None` keeps it forever. With both, a
    /// version is removed as soon as either limit is passed.
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
    /// The name of the member that holds the type's name, by serde's `tag`.
    pub tag: Option<&'static str>,
    /// Whether all fields are known to read back as written. If not, each write decodes the
    /// document before it is sent.
    pub reads_back: bool,
    /// Whether serde may read another document than the one that was written, as with `from` and
    /// `into`: indexes then hold the values that will be read.
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

    /// Lets items live forever, whatever their type.
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

    /// Keeps this many versions of an item, including the current one.
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

    /// Keeps a version for this long after it is superseded, in milliseconds.
    #[must_use]
    pub const fn keep_for_ms(mut self, millis: u64) -> Self {
        self.keep_for = Some(Duration::from_millis(millis));
        self
    }

    /// Whether retention ever removes a version.
    pub(crate) const fn trims(&self) -> bool {
        self.keep.is_some() || self.keep_for.is_some()
    }

    /// Switches the audit on or off, overriding the store's setting.
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

    /// Sets the member that holds the type's name.
    #[must_use]
    pub const fn tag(mut self, tag: &'static str) -> Self {
        self.tag = Some(tag);
        self
    }

    /// Marks the document as known to read back as written.
    #[must_use]
    pub const fn reads_back(mut self) -> Self {
        self.reads_back = true;
        self
    }

    /// Marks that serde may read another document than the one that was written.
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
