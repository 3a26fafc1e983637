//! Index names as an argument of scripts.

use crate::key::Segment;

/// The names, separated by spaces, as scripts read them.
pub(super) fn joined(segments: &[Segment]) -> String {
    segments.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
