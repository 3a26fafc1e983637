//! What a command has to show.

use std::fmt::Display;
use std::io::Write;

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;

/// A result, as text for people and as JSON for programs.
#[derive(Clone, Debug)]
pub struct Shown {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
}

impl Shown {
    /// Both.
    ///
    /// # Errors
    ///
    /// If the value cannot be written as JSON.
    pub fn new(value: impl Serialize, text: impl Into<String>) -> anyhow::Result<Self> {
        Ok(Self { text: text.into(), json: serde_json::to_value(value)? })
    }

    /// Prints one of the two.
    ///
    /// # Errors
    ///
    /// If standard output cannot be written to.
    pub fn print(&self, as_json: bool) -> anyhow::Result<()> {
        if as_json { print(&serde_json::to_string_pretty(&self.json)?) } else { print(&self.text) }
    }
}

/// Writes to standard output. Not `println!`, which panics when the reader has gone.
///
/// # Errors
///
/// If standard output cannot be written to.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{text}")
        .and_then(|()| output.flush())
        .context("cannot write to standard output")
}

/// A number with its noun.
#[must_use]
pub fn count(number: impl Display, one: &str, many: &str) -> String {
    let number = number.to_string();
    let noun = if number == "1" { one } else { many };
    format!("{number} {noun}")
}

/// On one line and without control characters: a text must not command the terminal that shows it.
#[must_use]
pub fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
