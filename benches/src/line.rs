//! One line of the report: a row against one peer.

use std::fmt;

use serde::Serialize;

use crate::measure::Comparison;
use crate::peers::PeerName;
use crate::unit::Unit;

/// Figures are medians; `ratio` says how many times as fast as the peer metastore is, whether the
/// unit counts work or time.
#[derive(Serialize)]
pub(crate) struct Line {
    name: String,
    unit: Unit,
    ours: f64,
    ours_min: f64,
    ours_max: f64,
    peer_name: PeerName,
    peer: f64,
    peer_min: f64,
    peer_max: f64,
    ratio: f64,
    ratio_min: f64,
    ratio_max: f64,
    /// The ratio to be reached where one is set, and whether it is.
    goal: Option<f64>,
    ok: Option<bool>,
    runs: usize,
}

impl Line {
    pub(crate) fn new(name: String, unit: Unit, peer_name: PeerName, result: &Comparison) -> Self {
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
            goal: None,
            ok: None,
            runs,
        }
    }

    /// The cells of the table, in the order of its header.
    pub(crate) fn cells(&self) -> Vec<String> {
        let range = |min, max| format!("{}–{}", self.unit.show(min), self.unit.show(max));
        vec![
            self.name.clone(),
            self.unit.show(self.ours),
            range(self.ours_min, self.ours_max),
            self.peer_name.to_string(),
            self.unit.show(self.peer),
            range(self.peer_min, self.peer_max),
            format!("{:.2}", self.ratio),
            format!("{:.2}–{:.2}", self.ratio_min, self.ratio_max),
            self.unit.to_string(),
        ]
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, peer_name, ratio, .. } = self;
        let (ours, peer) = (unit.show(self.ours), unit.show(self.peer));
        write!(f, "{name}: {ours} against {peer} {unit} by {peer_name}, {ratio:.2} times as fast")
    }
}
