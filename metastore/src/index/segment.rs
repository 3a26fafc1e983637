//! The indexes that a field has.

use crate::key::Segment;
use crate::schema::{CollectionSchema, IndexKind};

/// The index from a field's values to the items.
pub(crate) fn segment(field: &str, kind: IndexKind) -> Segment {
    match kind {
        IndexKind::Equality | IndexKind::Range => Segment::By(field.to_owned()),
        IndexKind::Unique => Segment::Unique(field.to_owned()),
    }
}

/// All indexes of the fields of a collection, and the index of owners.
pub(crate) fn segments(schema: &CollectionSchema) -> Vec<Segment> {
    let fields = schema.fields.iter().filter_map(|field| Some((field.json_name?, field.index?)));
    let of_fields = fields.flat_map(|(name, kind)| {
        let further = match kind {
            IndexKind::Unique => Segment::Held(name.to_owned()),
            IndexKind::Equality | IndexKind::Range => Segment::Each(name.to_owned()),
        };
        [segment(name, kind), further]
    });
    of_fields.chain([Segment::Owner]).collect()
}
