//! The units of figures, and their formatting.

use std::fmt;

use serde::{Serialize, Serializer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    OperationsPerSecond,
    DocumentsPerSecond,
    JobsPerSecond,
    MicrosPerOperation,
    MicrosPerJob,
    /// The 99th percentile of a time.
    MicrosAtMost,
    ScriptCallsPerJob,
    BytesPerItem,
    BytesPerJob,
    Seconds,
}

impl Unit {
    /// Whether a larger figure is better: a speed, not a cost.
    pub(crate) fn more_is_better(self) -> bool {
        matches!(self, Self::OperationsPerSecond | Self::DocumentsPerSecond | Self::JobsPerSecond)
    }

    /// Whether a ratio, our figure divided by the peer's, reaches a goal.
    pub(crate) fn reaches(self, ratio: f64, goal: f64) -> bool {
        if self.more_is_better() { ratio >= goal } else { ratio <= goal }
    }

    /// Formats a figure: a large one in groups of three digits, a small one with decimals.
    pub(crate) fn show(self, figure: f64) -> String {
        let decimals = match self {
            Self::Seconds | Self::ScriptCallsPerJob => 2,
            Self::MicrosPerOperation | Self::MicrosPerJob | Self::MicrosAtMost => 1,
            _ => 0,
        };
        let digits = format!("{figure:.decimals$}");
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        let mut shown = String::new();
        for (position, digit) in whole.chars().enumerate() {
            if position > 0 && (whole.len() - position).is_multiple_of(3) {
                shown.push(',');
            }
            shown.push(digit);
        }
        if !fraction.is_empty() {
            shown.push('.');
            shown.push_str(fraction);
        }
        shown
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OperationsPerSecond => "op/s",
            Self::DocumentsPerSecond => "documents/s",
            Self::JobsPerSecond => "jobs/s",
            Self::MicrosPerOperation => "µs/op",
            Self::MicrosPerJob => "µs/job",
            Self::MicrosAtMost => "µs, p99",
            Self::ScriptCallsPerJob => "script calls/job",
            Self::BytesPerItem => "bytes/item",
            Self::BytesPerJob => "bytes/job",
            Self::Seconds => "s",
        })
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_should_be_high_and_a_cost_low() {
        assert!(Unit::JobsPerSecond.reaches(2.1, 2.0) && !Unit::JobsPerSecond.reaches(1.9, 2.0));
        assert!(Unit::BytesPerItem.reaches(1.2, 1.25) && !Unit::BytesPerItem.reaches(1.3, 1.25));
        assert!(Unit::Seconds.reaches(2.0, 2.0));
    }

    #[test]
    fn large_figures_are_grouped() {
        assert_eq!(Unit::OperationsPerSecond.show(7.4), "7");
        assert_eq!(Unit::OperationsPerSecond.show(123_456.7), "123,457");
        assert_eq!(Unit::JobsPerSecond.show(1_234_567.0), "1,234,567");
        assert_eq!(Unit::MicrosPerOperation.show(98.76), "98.8");
        assert_eq!(Unit::MicrosAtMost.show(12_345.67), "12,345.7");
    }
}
