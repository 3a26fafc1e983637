//! What a figure counts, and how it is shown.

use std::fmt;

use serde::{Serialize, Serializer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    OperationsPerSecond,
    JobsPerSecond,
    MicrosPerOperation,
}

impl Unit {
    /// A speed per second in this unit.
    pub(crate) fn figure(self, per_second: f64) -> f64 {
        match self {
            Self::OperationsPerSecond | Self::JobsPerSecond => per_second,
            Self::MicrosPerOperation => 1_000_000.0 / per_second,
        }
    }

    /// How many times as fast as the peer, whether more or less is better in this unit.
    pub(crate) fn ratio(self, ours: f64, peer: f64) -> f64 {
        match self {
            Self::OperationsPerSecond | Self::JobsPerSecond => ours / peer,
            Self::MicrosPerOperation => peer / ours,
        }
    }

    /// A figure for people: a large one in groups of three digits, a small one with a decimal.
    pub(crate) fn show(self, figure: f64) -> String {
        if self == Self::MicrosPerOperation {
            return format!("{figure:.1}");
        }
        let digits = format!("{figure:.0}");
        let mut shown = String::new();
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                shown.push(',');
            }
            shown.push(digit);
        }
        shown
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OperationsPerSecond => "op/s",
            Self::JobsPerSecond => "jobs/s",
            Self::MicrosPerOperation => "µs/op",
        })
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the figures are chosen to be exact")]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_above_one_is_faster_in_every_unit() {
        assert_eq!(Unit::OperationsPerSecond.ratio(300.0, 200.0), 1.5);
        assert_eq!(Unit::JobsPerSecond.ratio(100.0, 200.0), 0.5);
        assert_eq!(Unit::MicrosPerOperation.ratio(100.0, 200.0), 2.0);
        assert_eq!(Unit::MicrosPerOperation.figure(10_000.0), 100.0);
    }

    #[test]
    fn large_figures_are_grouped() {
        assert_eq!(Unit::OperationsPerSecond.show(7.4), "7");
        assert_eq!(Unit::OperationsPerSecond.show(123_456.7), "123,457");
        assert_eq!(Unit::JobsPerSecond.show(1_234_567.0), "1,234,567");
        assert_eq!(Unit::MicrosPerOperation.show(98.76), "98.8");
    }
}
