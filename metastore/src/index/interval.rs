//! An interval of an index: all entries from one bound up to another.

/// The byte of an entry after its value.
const END: u8 = 0;

/// Greater than anything that follows [`END`] in an entry, and less than what follows a zero byte
/// in a value.
const PAST: u8 = b'g';

/// The entries from `lower` up to `upper`, which is excluded, in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) lower: Vec<u8>,
    pub(crate) upper: Vec<u8>,
    /// Whether all its entries have the same value, so that they are in the order of creation.
    pub(crate) exact: bool,
}

impl Interval {
    /// Whether it contains an entry.
    pub(crate) fn contains(&self, entry: &[u8]) -> bool {
        self.lower.as_slice() <= entry && entry < self.upper.as_slice()
    }

    /// The entries with exactly this value.
    pub(crate) fn exactly(value: &[u8]) -> Self {
        Self { lower: before(value), upper: after(value), exact: true }
    }

    /// All entries.
    pub(crate) fn everything() -> Self {
        Self { lower: Vec::new(), upper: vec![0xff], exact: false }
    }

    /// All entries but those of null.
    pub(crate) fn something() -> Self {
        Self { lower: after(b"0"), upper: vec![0xff], exact: false }
    }

    /// The entries between two values, both included.
    pub(crate) fn between(from: &[u8], to: &[u8]) -> Self {
        Self { lower: before(from), upper: after(to), exact: false }
    }

    /// The values of the same kind from this one on; without it unless `included`.
    pub(crate) fn from(value: &[u8], included: bool) -> Self {
        let lower = if included { before(value) } else { after(value) };
        Self { lower, upper: vec![kind(value) + 1], exact: false }
    }

    /// The values of the same kind up to this one; without it unless `included`.
    pub(crate) fn up_to(value: &[u8], included: bool) -> Self {
        let upper = if included { after(value) } else { before(value) };
        Self { lower: vec![kind(value)], upper, exact: false }
    }
}

fn kind(value: &[u8]) -> u8 {
    value.first().copied().unwrap_or_default()
}

fn before(value: &[u8]) -> Vec<u8> {
    [value, &[END]].concat()
}

fn after(value: &[u8]) -> Vec<u8> {
    [value, &[END, PAST]].concat()
}
