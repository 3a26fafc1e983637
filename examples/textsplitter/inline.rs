//! Marks inside a paragraph of Markdown: emphasis, code, links, images and HTML tags.

/// How far to look for the end of a link or a tag. It bounds the time for texts that were written
/// to be slow to read, and how deep links can be nested.
const FARTHEST: usize = 2_000;

/// Returns the text without its marks, with single spaces.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    append(text, &mut out);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn append(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        rest = match first {
            '`' => code(rest, out),
            '!' if after.starts_with('[') => match link(after) {
                Some((_, end)) => end,
                None => keep(first, after, out),
            },
            '[' => match link(rest) {
                Some((label, end)) => {
                    append(label, out);
                    end
                }
                None => keep(first, after, out),
            },
            '<' => tag(after).unwrap_or_else(|| keep(first, after, out)),
            '\\' => after,
            '*' | '_' if is_emphasis(out, after) => after,
            '~' if after.starts_with('~') => &after[1..],
            _ => keep(first, after, out),
        };
    }
}

fn keep<'a>(letter: char, after: &'a str, out: &mut String) -> &'a str {
    out.push(letter);
    after
}

/// Code between equal runs of backticks; what is in it stays as it is.
fn code<'a>(text: &'a str, out: &mut String) -> &'a str {
    let rest = text.trim_start_matches('`');
    let fence = &text[..text.len() - rest.len()];
    match rest.split_once(fence) {
        Some((code, after)) => {
            out.push_str(code.trim());
            after
        }
        None => rest,
    }
}

/// The label of `[label](target)` or `[label][target]`, and what follows.
fn link(text: &str) -> Option<(&str, &str)> {
    let (label, after) = bracketed(text, '[', ']')?;
    let (_, end) = bracketed(after, '(', ')').or_else(|| bracketed(after, '[', ']'))?;
    Some((label, end))
}

/// The text between a bracket and its counterpart, and the text after it.
fn bracketed(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    let inner = text.strip_prefix(open)?;
    let mut depth = 0;
    for (position, letter) in inner.char_indices().take(FARTHEST) {
        if letter == open {
            depth += 1;
        } else if letter == close && depth == 0 {
            return Some((&inner[..position], &inner[position + close.len_utf8()..]));
        } else if letter == close {
            depth -= 1;
        }
    }
    None
}

/// What follows a tag, whose `<` has been read.
fn tag(text: &str) -> Option<&str> {
    let looks_like_one = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let (end, _) = text.char_indices().take(FARTHEST).find(|&(_, letter)| letter == '>')?;
    looks_like_one.then(|| &text[end + 1..])
}

/// Emphasis touches a word on one side: `snake_case` and `2 * 3` have none.
fn is_emphasis(before: &str, after: &str) -> bool {
    let left = before.chars().next_back().unwrap_or(' ');
    let right = after.chars().next().unwrap_or(' ');
    let is_inside_a_word = left.is_alphanumeric() && right.is_alphanumeric();
    let is_alone = left.is_whitespace() && right.is_whitespace();
    !is_inside_a_word && !is_alone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        for (marked, expected) in [
            ("a **bold** and _soft_ ~~old~~  word", "a bold and soft old word"),
            ("`a_b<T>` and ``x ` y``, `open", "a_b<T> and x ` y, open"),
            ("see [the *docs*](https://a.b/(c)) or [this][1] [2]", "see the docs or this [2]"),
            ("[![badge](a.svg)](https://a.b) text", "text"),
            ("<b>bold</b> <https://a.b> 1 < 2 > 0", "bold 1 < 2 > 0"),
            ("snake_case, 2 * 3, 5 \\* 6!", "snake_case, 2 * 3, 5 * 6!"),
        ] {
            assert_eq!(plain(marked), expected, "{marked}");
        }
    }

    #[test]
    fn brackets_without_end_are_read_in_reasonable_time() {
        let brackets = "[".repeat(20_000) + &"]".repeat(20_000);
        assert_eq!(plain(&brackets), brackets);
    }
}
