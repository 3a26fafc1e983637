//! What happened in a campaign, for finding out why it failed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Events with the time since the start.
#[derive(Clone, Debug)]
pub struct History(Arc<(Instant, Mutex<Inner>)>);

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<String>,
    faults: BTreeMap<&'static str, u64>,
}

impl Default for History {
    fn default() -> Self {
        Self(Arc::new((Instant::now(), Mutex::default())))
    }
}

impl History {
    pub(super) fn note(&self, what: impl AsRef<str>) {
        let at = self.0.0.elapsed().as_secs_f64();
        self.inner(|inner| inner.lines.push(format!("{at:9.3} s  {}", what.as_ref())));
    }

    /// Records and counts a fault.
    pub(super) fn fault(&self, kind: &'static str, detail: impl AsRef<str>) {
        self.note(format!("{kind} {}", detail.as_ref()));
        self.inner(|inner| *inner.faults.entry(kind).or_default() += 1);
    }

    pub(super) fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.inner(|inner| inner.faults.clone())
    }

    /// The findings followed by all events.
    pub(super) fn told(&self, seed: u64, problems: &[String]) -> String {
        let mut text = format!("seed {seed}\n");
        for problem in problems {
            let _ = writeln!(text, "PROBLEM  {problem}");
        }
        self.inner(|inner| {
            for line in &inner.lines {
                let _ = writeln!(text, "{line}");
            }
        });
        text
    }

    fn inner<R>(&self, act: impl FnOnce(&mut Inner) -> R) -> R {
        act(&mut self.0.1.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
