//! The progress of the benchmark: an updating line on a terminal, elsewhere only the results.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(lines: usize) -> Self {
        let bar = ProgressBar::new(lines as u64);
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {elapsed} [{pos}/{len}] {prefix}{msg}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows which row is being measured.
    pub(crate) fn next(&self, name: String) {
        self.0.inc(1);
        self.0.set_prefix(name);
        self.0.set_message(", getting ready");
    }

    pub(crate) fn pair(&self, pair: usize, pairs: usize) {
        self.0.set_message(format!(", pair {pair} of {pairs}"));
    }

    /// Prints a line that stays on the screen.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        self.0.suspend(|| eprintln!("{}", text.as_ref()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
