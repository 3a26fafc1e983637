//! Reading one file: a text, or the revisions of one.

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::input::Input;

/// One line of a file of revisions. What else is in the line is of no use here.
#[derive(Deserialize)]
struct Revision {
    text: String,
}

/// Reads a file; gives its text, or the revisions of its text, the oldest first. Never nothing.
pub(crate) async fn read(input: &Input) -> anyhow::Result<Vec<String>> {
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
    Ok(vec![content.to_owned()])
}

/// All lines are read before the first is stored, so that a broken file leaves nothing behind.
fn revisions(content: &str) -> anyhow::Result<Vec<String>> {
    let lines = content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let revision: Revision = serde_json::from_str(line)
                .with_context(|| format!("line {} is not a revision", index + 1))?;
            Ok(revision.text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_read_in_order_and_a_broken_line_is_named() {
        let lines = "{\"revision\":\"a\",\"text\":\"one\"}\n\n{\"text\":\"two\"}\n";
        assert_eq!(revisions(lines).expect("reads"), ["one", "two"]);
        let error = revisions("{\"text\":\"one\"}\n{\"content\":\"two\"}").expect_err("breaks");
        assert!(format!("{error:#}").starts_with("line 2 is not a revision"), "{error:#}");
    }
}
