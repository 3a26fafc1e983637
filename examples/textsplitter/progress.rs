//! What is shown on the way: bars on a terminal, plain lines everywhere.

use std::cell::Cell;
use std::fmt::Display;
use std::io::{IsTerminal, Write};

use anyhow::Context;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bars, the lines between them, and the count of problems.
pub(crate) struct Progress {
    bars: MultiProgress,
    quiet: bool,
    problems: Cell<usize>,
}

impl Progress {
    /// With `quiet`, standard output is left to what is printed at the end.
    pub(crate) fn new(quiet: bool) -> Self {
        let on_terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let target = match on_terminal {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bars = MultiProgress::with_draw_target(target);
        Self { bars, quiet, problems: Cell::new(0) }
    }

    /// A bar for one step over `count` texts; it goes when it is dropped.
    pub(crate) fn bar(&self, step: &'static str, count: usize) -> Bar {
        let bar = self.bars.add(ProgressBar::new(count as u64));
        let template = "{msg:12} [{bar:40}] {pos}/{len} {elapsed}";
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.set_message(step);
        Bar(bar)
    }

    /// Says what was done.
    pub(crate) fn say(&self, line: &str) -> anyhow::Result<()> {
        if self.quiet {
            self.bars.suspend(|| eprintln!("{line}"));
            return Ok(());
        }
        self.print(line)
    }

    /// Says what was left out, and counts it.
    pub(crate) fn problem(&self, line: &str) {
        self.problems.set(self.problems.get() + 1);
        self.bars.suspend(|| eprintln!("problem: {line}"));
    }

    /// How many problems there were.
    pub(crate) fn problems(&self) -> usize {
        self.problems.get()
    }

    /// Writes to standard output. Not `println!`, which panics when the reader has gone.
    pub(crate) fn print(&self, text: &str) -> anyhow::Result<()> {
        self.bars.suspend(|| {
            let mut output = std::io::stdout().lock();
            writeln!(output, "{text}")
                .and_then(|()| output.flush())
                .context("cannot write to standard output")
        })
    }
}

/// A number with its noun.
pub(crate) fn count(number: impl Display, one: &str, many: &str) -> String {
    let number = number.to_string();
    let noun = if number == "1" { one } else { many };
    format!("{number} {noun}")
}

/// The bar of one step.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// One text is done.
    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
