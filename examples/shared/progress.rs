//! What is shown on the way: bars on a terminal, plain lines everywhere.

use std::cell::Cell;
use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::shown;

/// The bars, the lines between them, and the count of problems.
pub struct Progress {
    bars: MultiProgress,
    quiet: bool,
    problems: Cell<usize>,
}

impl Progress {
    /// Nothing yet. With `quiet`, standard output is left to what is printed at the end.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let on_terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let target = match on_terminal {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bars = MultiProgress::with_draw_target(target);
        Self { bars, quiet, problems: Cell::new(0) }
    }

    /// A bar for one step over `count` things; it goes when it is dropped.
    pub fn bar(&self, step: &'static str, count: usize) -> Bar {
        let bar = self.bars.add(ProgressBar::new(count as u64));
        let template = "{msg:12} [{bar:40}] {pos}/{len} {elapsed}";
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.set_message(step);
        Bar(bar)
    }

    /// Says what was done.
    ///
    /// # Errors
    ///
    /// If standard output cannot be written to.
    pub fn say(&self, line: &str) -> anyhow::Result<()> {
        if self.quiet {
            self.bars.suspend(|| eprintln!("{line}"));
            return Ok(());
        }
        self.print(line)
    }

    /// Says what was left out, and counts it.
    pub fn problem(&self, line: &str) {
        self.problems.set(self.problems.get() + 1);
        self.bars.suspend(|| eprintln!("problem: {line}"));
    }

    /// How many problems there were.
    #[must_use]
    pub fn problems(&self) -> usize {
        self.problems.get()
    }

    /// Writes to standard output.
    ///
    /// # Errors
    ///
    /// If it cannot be written to.
    pub fn print(&self, text: &str) -> anyhow::Result<()> {
        self.bars.suspend(|| shown::print(text))
    }
}

/// The bar of one step.
pub struct Bar(ProgressBar);

impl Bar {
    /// One thing is done.
    pub fn advance(&self) {
        self.0.inc(1);
    }

    /// There is more to be done than was known at first.
    pub fn extend(&self, by: usize) {
        self.0.inc_length(by as u64);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
