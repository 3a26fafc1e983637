//! The measurements of one item.

use super::estimate::{Sampled, as_float};
use crate::redis::command::Reply;

/// One item of the sample, as `sample.lua` returns it.
pub(super) struct Measured {
    pub(super) latest: u64,
    superseded: u64,
    looked_at: u64,
    existing: u64,
    bytes: u64,
    squares: u64,
    pub(super) mutations: u64,
    pub(super) transformations: u64,
    pub(super) audit: u64,
}

impl Measured {
    pub(super) fn from_reply(item: Reply) -> Option<Self> {
        let parts = item.into_array()?;
        let mut parts = parts.iter().map(Reply::as_u64);
        let mut next = || parts.next().flatten();
        Some(Self {
            latest: next()?,
            superseded: next()?,
            looked_at: next()?,
            existing: next()?,
            bytes: next()?,
            squares: next()?,
            mutations: next()?,
            transformations: next()?,
            audit: next()?,
        })
    }

    /// The number of versions.
    pub(super) fn versions(&self) -> Sampled {
        // Each version that was looked at counts 1 if it exists, so the sum of squares is the sum.
        let Sampled { value, variance } = self.scaled(self.existing, self.existing);
        Sampled { value: 1.0 + value, variance }
    }

    /// The bytes of the superseded versions.
    pub(super) fn version_bytes(&self) -> Sampled {
        self.scaled(self.bytes, self.squares)
    }

    /// The sum over all superseded versions, from the sum and the sum of squares over some of them.
    fn scaled(&self, sum: u64, squares: u64) -> Sampled {
        if self.looked_at == 0 {
            return Sampled { value: 0.0, variance: 0.0 };
        }
        let (all, some) = (as_float(self.superseded), as_float(self.looked_at));
        let mean = as_float(sum) / some;
        let spread = (as_float(squares) - some * mean * mean).max(0.0) / (some - 1.0).max(1.0);
        Sampled { value: all * mean, variance: all * all * (1.0 - some / all) * spread / some }
    }
}
