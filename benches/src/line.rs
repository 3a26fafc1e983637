//! One line of the report: a row against one peer.

use std::fmt;

use serde::Serialize;

use crate::measure::Comparison;
use crate::side::Side;
use crate::unit::Unit;

/// Figures are medians; `ratio` is our figure divided by the peer's, so above 1 is good for a
/// speed and bad for a cost.
#[derive(Serialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) ours: f64,
    ours_min: f64,
    ours_max: f64,
    pub(crate) peer_name: Side,
    pub(crate) peer: f64,
    peer_min: f64,
    peer_max: f64,
    pub(crate) ratio: f64,
    ratio_min: f64,
    ratio_max: f64,
    /// The goal for the ratio if there is one, and whether it is met.
    goal: Option<f64>,
    ok: Option<bool>,
    runs: usize,
}

impl Line {
    pub(crate) fn new(
        name: String,
        unit: Unit,
        peer_name: Side,
        goal: Option<f64>,
        result: &Comparison,
    ) -> Self {
        let Comparison { ours, peer, ratio, runs } = *result;
        Self {
            name,
            unit,
            ours: ours.median,
            ours_min: ours.min,
            ours_max: ours.max,
            peer_name,
            peer: peer.median,
            peer_min: peer.min,
            peer_max: peer.max,
            ratio: ratio.median,
            ratio_min: ratio.min,
            ratio_max: ratio.max,
            goal,
            ok: goal.map(|goal| unit.reaches(ratio.median, goal)),
            runs,
        }
    }

    pub(crate) const HEADER: [&str; 9] =
        ["", "unit", "metastore", "against", "", "ratio", "spread", "goal", ""];

    /// The cells of the table, in the order of its header.
    pub(crate) fn cells(&self) -> [String; 9] {
        let sign = if self.unit.more_is_better() { '≥' } else { '≤' };
        [
            self.name.clone(),
            self.unit.to_string(),
            self.unit.show(self.ours),
            self.peer_name.to_string(),
            self.unit.show(self.peer),
            format!("{:.2}", self.ratio),
            format!("{:.2}–{:.2}", self.ratio_min, self.ratio_max),
            self.goal.map_or_else(String::new, |goal| format!("{sign} {goal}")),
            self.verdict(),
        ]
    }

    /// Whether the goal is met, or by how much it is missed.
    fn verdict(&self) -> String {
        match (self.goal, self.ok) {
            (Some(_), Some(true)) => "met".to_owned(),
            (Some(goal), _) => {
                format!(
                    "misses by {:.0} %",
                    ((self.ratio - goal) / goal * 100.0).abs().round().max(1.0)
                )
            }
            (None, _) => String::new(),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, peer_name, ratio, .. } = self;
        let (ours, peer) = (unit.show(self.ours), unit.show(self.peer));
        write!(f, "{name}: {ours} against {peer} {unit} by {peer_name}, ratio {ratio:.2}")?;
        match (self.goal, self.verdict()) {
            (Some(goal), verdict) => write!(f, ", goal {goal}: {verdict}"),
            (None, _) => Ok(()),
        }
    }
}

/// A line that cannot be measured on this machine.
#[derive(Serialize)]
pub(crate) struct LeftOut {
    pub(crate) name: String,
    pub(crate) peer_name: Side,
    pub(crate) reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Spread;

    fn line(unit: Unit, ratio: f64, goal: Option<f64>) -> Line {
        let spread = |median| Spread { median, min: median, max: median };
        let result =
            Comparison { ours: spread(ratio), peer: spread(1.0), ratio: spread(ratio), runs: 1 };
        Line::new("row".to_owned(), unit, Side::Fred, goal, &result)
    }

    #[test]
    fn a_missed_goal_stays_and_says_by_how_much() {
        assert_eq!(line(Unit::JobsPerSecond, 1.6, Some(2.0)).verdict(), "misses by 20 %");
        assert_eq!(line(Unit::Seconds, 2.5, Some(2.0)).verdict(), "misses by 25 %");
        assert_eq!(line(Unit::Seconds, 1.5, Some(2.0)).verdict(), "met");
        assert_eq!(line(Unit::Seconds, 1.5, None).verdict(), "");
    }
}
