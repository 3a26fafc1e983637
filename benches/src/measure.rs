//! Paired runs and their medians.
//!
//! The two sides take turns, A B then B A, so that a machine that becomes slower or faster favours
//! neither. The ratio is taken within each pair, and the result is the median of the ratios, which
//! a disturbed pair changes little.

use anyhow::Result;

/// The median of several figures, and their spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// All values are `NaN` without a figure.
    pub(crate) fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |position: usize| sorted.get(position).copied().unwrap_or(f64::NAN);
        let (lower, upper) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
        Self {
            median: f64::midpoint(at(lower), at(upper)),
            min: at(0),
            max: at(sorted.len().saturating_sub(1)),
        }
    }
}

/// Two sides after their pairs of runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) ours: Spread,
    pub(crate) peer: Spread,
    /// Our figure divided by the peer's, pair by pair.
    pub(crate) ratio: Spread,
    /// How many pairs there were.
    pub(crate) runs: usize,
}

impl Comparison {
    fn of(pairs: &[(f64, f64)]) -> Self {
        let (ours, peer): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let ratios: Vec<f64> = pairs.iter().map(|(ours, peer)| ours / peer).collect();
        Self {
            ours: Spread::of(&ours),
            peer: Spread::of(&peer),
            ratio: Spread::of(&ratios),
            runs: pairs.len(),
        }
    }
}

/// Warms up both sides and measures them in turns. Each call is one run and returns its figure.
pub(crate) async fn compare(
    pairs: usize,
    mut progress: impl FnMut(usize),
    mut ours: impl AsyncFnMut() -> Result<f64>,
    mut peer: impl AsyncFnMut() -> Result<f64>,
) -> Result<Comparison> {
    // The first run loads scripts, enlarges buffers and finds cold caches; it is discarded.
    ours().await?;
    peer().await?;
    let mut figures = Vec::with_capacity(pairs);
    for pair in 0..pairs {
        progress(pair + 1);
        figures.push(if pair % 2 == 0 {
            let our_figure = ours().await?;
            (our_figure, peer().await?)
        } else {
            let peer_figure = peer().await?;
            (ours().await?, peer_figure)
        });
    }
    Ok(Comparison::of(&figures))
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the figures are chosen to be exact")]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_order_and_outliers() {
        let spread = Spread::of(&[5.0, 1.0, 1_000.0, 3.0, 4.0]);
        assert_eq!(spread, Spread { median: 4.0, min: 1.0, max: 1_000.0 });
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 100.0]).median, 3.0);
        assert_eq!(Spread::of(&[7.0]), Spread { median: 7.0, min: 7.0, max: 7.0 });
    }

    #[test]
    fn a_spread_of_nothing_is_no_number() {
        assert!(Spread::of(&[]).median.is_nan());
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        // The machine was ten times slower during the last pair: of medians alone, 20 / 20 would
        // hide that we were twice as fast in every pair.
        let pairs = [(40.0, 20.0), (44.0, 22.0), (4.0, 2.0)];
        let comparison = Comparison::of(&pairs);
        assert_eq!(comparison.ratio, Spread { median: 2.0, min: 2.0, max: 2.0 });
        assert_eq!(comparison.ours.median, 40.0);
        assert_eq!(comparison.peer.median, 20.0);
    }

    #[tokio::test]
    async fn the_sides_take_turns_after_a_warm_up() {
        let order = std::cell::RefCell::new(String::new());
        let side = async |name: char| {
            order.borrow_mut().push(name);
            anyhow::Ok(1.0)
        };
        compare(3, |_| (), async || side('A').await, async || side('B').await)
            .await
            .expect("neither side fails");
        assert_eq!(*order.borrow(), "ABABBAAB");
    }
}
