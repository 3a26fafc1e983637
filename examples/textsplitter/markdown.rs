//! The prose of a Markdown text, a paragraph at a time; code, tables and comments left out.
//!
//! A reader of what people write, not of the whole specification. Plain text is Markdown too.

use crate::inline;

/// Returns the paragraphs as plain text; headings and list items count as paragraphs.
pub(crate) fn paragraphs(text: &str) -> Vec<String> {
    let text = without_comments(without_front_matter(text));
    let mut blocks = Blocks::default();
    for line in text.lines() {
        blocks.line(line);
    }
    blocks.close();
    blocks.done
}

/// The paragraphs so far, the one that is being collected, and the fence of code around this line.
#[derive(Default)]
struct Blocks {
    done: Vec<String>,
    open: String,
    heading: usize,
    fence: Option<String>,
}

impl Blocks {
    fn line(&mut self, line: &str) {
        let text = line.trim().trim_start_matches("> ");
        if let Some(fence) = &self.fence {
            let is_end = text.starts_with(fence.as_str());
            if is_end && text.trim_start_matches(['`', '~']).is_empty() {
                self.fence = None;
            }
            return;
        }
        if text.starts_with("```") || text.starts_with("~~~") {
            self.close();
            let rest = text.trim_start_matches(&text[..1]);
            self.fence = Some(text[..text.len() - rest.len()].to_owned());
            return;
        }
        let bullet = after_bullet(text);
        let is_indented = line.starts_with("    ") || line.starts_with('\t');
        let is_code = is_indented && self.open.is_empty() && bullet.is_none();
        if text.is_empty() || is_code || is_rule(text) || is_table(text) || is_definition(text) {
            return self.close();
        }
        let rest = text.trim_start_matches('#');
        let level = text.len() - rest.len();
        match level {
            0 => {
                if bullet.is_some() {
                    self.close();
                }
                self.append(0, bullet.unwrap_or(text));
            }
            1..=6 if rest.starts_with(' ') => self.append(level, rest.trim_matches([' ', '#'])),
            _ => self.close(),
        }
    }

    /// Heading lines that follow one another are one paragraph: that is how configuration files
    /// write their prose.
    fn append(&mut self, heading: usize, text: &str) {
        if heading != self.heading {
            self.close();
        }
        self.heading = heading;
        self.open.push_str(text);
        self.open.push(' ');
    }

    fn close(&mut self) {
        let plain = inline::plain(&std::mem::take(&mut self.open));
        if !plain.is_empty() {
            self.done.push(plain);
        }
    }
}

/// What follows `- `, `* `, `+ ` or `1. `.
fn after_bullet(text: &str) -> Option<&str> {
    let rest = match text.trim_start_matches(|c: char| c.is_ascii_digit()) {
        rest if rest.len() < text.len() => rest.strip_prefix(['.', ')'])?,
        rest => rest.strip_prefix(['-', '*', '+'])?,
    };
    rest.strip_prefix(' ').map(str::trim_start)
}

/// A line across the page, or under a heading.
fn is_rule(text: &str) -> bool {
    text.len() >= 3 && ['-', '=', '*', '_'].iter().any(|&mark| text.chars().all(|c| c == mark))
}

fn is_table(text: &str) -> bool {
    text.starts_with('|')
}

/// The target of a reference link: `[name]: https://…`.
fn is_definition(text: &str) -> bool {
    let target = text.strip_prefix('[').and_then(|rest| rest.split_once("]:"));
    target.is_some_and(|(_, target)| target.contains("://") || !target.trim().contains(' '))
}

/// Settings of a site generator between two lines `---` at the very beginning.
fn without_front_matter(text: &str) -> &str {
    let front = text.strip_prefix("---\n").filter(|rest| !rest.starts_with('\n'));
    front.and_then(|rest| rest.split_once("\n---\n")).map_or(text, |(_, rest)| rest)
}

fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, comment)) = rest.split_once("<!--") {
        // One that never ends is more likely an example of one.
        let Some((_, after)) = comment.split_once("-->") else {
            break;
        };
        kept.push_str(before);
        rest = after;
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_kept_and_code_tables_and_comments_are_not() {
        let text = "---\ntitle: x\n---\n# A title #\nFirst line,\nsecond *line*.\n\n```rust\nlet x;\n\
            ```\n\n    indented code\n\n- an item\n  goes on\n- another\n\n| a | b |\n|---|---|\n\n\
            <!-- a\ncomment -->> quoted\n\n[the link]: https://example.com\n\nUnder\n-----\n1. last";
        let expected = ["A title", "First line, second line.", "an item goes on", "another"];
        let more = ["quoted", "Under", "last"];
        assert_eq!(paragraphs(text), [&expected[..], &more[..]].concat());
    }

    #[test]
    fn comments_of_a_configuration_file_read_as_paragraphs() {
        let text = "####### NETWORK #######\n\n# By default the server listens\n# everywhere.\n#\n\
            # bind 127.0.0.1\nport 6379\n";
        let expected = ["By default the server listens everywhere.", "bind 127.0.0.1", "port 6379"];
        assert_eq!(paragraphs(text), expected);
    }

    #[test]
    fn what_is_left_open_takes_nothing_with_it() {
        assert_eq!(paragraphs("a <!-- b"), ["a <!-- b"]);
        assert_eq!(paragraphs("a\n````\n```\ncode"), ["a"]);
        assert_eq!(paragraphs("---\n\na"), ["a"]);
    }
}
