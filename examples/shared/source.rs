//! Reading one file: a text, or the revisions of one.

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::input::Input;

/// One revision of a text. What else is in a line of a file of revisions is of no use here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Revision {
    /// Its name, such as that of a commit.
    #[serde(default)]
    pub revision: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub date: Option<String>,
    /// What was changed.
    #[serde(default)]
    pub summary: Option<String>,
    /// The text.
    pub text: String,
}

/// Reads a file; returns the revisions of its text, the oldest first. Never nothing: a file that is
/// no file of revisions is one revision.
///
/// # Errors
///
/// If it cannot be read, is not UTF-8 or empty, or if a line of it is not a revision.
pub async fn read(input: &Input) -> anyhow::Result<Vec<Revision>> {
    let bytes = tokio::fs::read(&input.path).await?;
    let content = match String::from_utf8(bytes) {
        Ok(content) => content,
        Err(error) => bail!("not UTF-8, from byte {} on", error.utf8_error().valid_up_to()),
    };
    let content = content.strip_prefix('\u{feff}').unwrap_or(&content);
    ensure!(!content.trim().is_empty(), "empty");
    if input.path.extension().is_some_and(|extension| extension == "jsonl") {
        return revisions(content);
    }
    Ok(vec![Revision { text: content.to_owned(), ..Revision::default() }])
}

/// All lines are read before the first is stored, so that a broken file leaves nothing behind.
fn revisions(content: &str) -> anyhow::Result<Vec<Revision>> {
    let lines = content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("line {} is not a revision", index + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_read_in_order_and_a_broken_line_is_named() {
        let lines = "{\"revision\":\"a\",\"text\":\"one\"}\n\n{\"text\":\"two\"}\n";
        let found = revisions(lines).expect("reads");
        assert_eq!(found[0].revision.as_deref(), Some("a"));
        assert_eq!(found.into_iter().map(|found| found.text).collect::<Vec<_>>(), ["one", "two"]);
        let error = revisions("{\"text\":\"one\"}\n{\"content\":\"two\"}").expect_err("breaks");
        assert!(format!("{error:#}").starts_with("line 2 is not a revision"), "{error:#}");
    }
}
