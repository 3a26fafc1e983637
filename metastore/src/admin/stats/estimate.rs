//! Estimates of totals from a sample.

use std::fmt;

use serde::Serialize;

/// The quantile of the normal distribution for 95 % on both sides.
const NORMAL_95: f64 = 1.96;

/// A total estimated from a sample of the items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The most likely total.
    pub value: u64,
    /// The half-width of the 95 % confidence interval; 0 if everything was measured.
    ///
    /// From the variance of two-stage sampling (Cochran, Sampling Techniques, chapter 10) and the
    /// normal distribution. A few items that are much larger than all others may be missed.
    pub error: u64,
}

/// A measured value, with its own variance if it is an estimate itself.
#[derive(Clone, Copy)]
pub(super) struct Sampled {
    pub(super) value: f64,
    pub(super) variance: f64,
}

impl Estimate {
    /// The sum over `all` items, from the values of some of them.
    pub(super) fn total(all: u64, values: impl Iterator<Item = Sampled>) -> Self {
        let values: Vec<Sampled> = values.collect();
        if values.is_empty() {
            return Self::default();
        }
        let (all, some) = (as_float(all), as_float(values.len() as u64));
        let mean = values.iter().map(|sampled| sampled.value).sum::<f64>() / some;
        let squares = values.iter().map(|sampled| (sampled.value - mean).powi(2)).sum::<f64>();
        let between = all * all * (1.0 - some / all) * squares / (some - 1.0).max(1.0) / some;
        let within = all / some * values.iter().map(|sampled| sampled.variance).sum::<f64>();
        Self {
            value: as_whole(all * mean),
            error: as_whole((NORMAL_95 * (between + within).sqrt()).ceil()),
        }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error {
            0 => write!(f, "{}", self.value),
            error => write!(f, "{} ± {error}", self.value),
        }
    }
}

/// Counts and bytes are far below 2^53, up to which a float represents integers exactly.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(super) fn as_float(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn as_whole(number: f64) -> u64 {
    number.round() as u64
}
