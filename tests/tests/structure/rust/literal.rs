//! Comments and literals at the beginning of a text, which may contain what
//! looks like other tokens.

/// The length of a comment.
pub(super) fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if depth == 0 {
            return None;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    None
}

/// The length and the value of a string literal. Escapes other than `\"` and `\\`
/// are left as written.
pub(super) fn string(text: &str) -> Option<(usize, String)> {
    let prefixed = text.strip_prefix(['b', 'c']).unwrap_or(text);
    if let Some(raw) = prefixed.strip_prefix('r') {
        let quoted = raw.trim_start_matches('#');
        let end = ["\"", &"#".repeat(raw.len() - quoted.len())].concat();
        let value = quoted.strip_prefix('"')?;
        let value = &value[..value.find(&end)?];
        let before = text.len() - quoted.len() + 1;
        return Some((before + value.len() + end.len(), value.to_owned()));
    }
    let quoted = prefixed.strip_prefix('"')?;
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, next)) = characters.next() {
        match next {
            '"' => return Some((text.len() - quoted.len() + at + 1, value)),
            '\\' => match characters.next()?.1 {
                escaped @ ('"' | '\\') => value.push(escaped),
                escaped => value.extend(['\\', escaped]),
            },
            next => value.push(next),
        }
    }
    None
}

/// The length of a character literal or of a lifetime.
pub(super) fn character(text: &str) -> Option<usize> {
    let quoted = text.strip_prefix('b').unwrap_or(text).strip_prefix('\'')?;
    let before = text.len() - quoted.len();
    let first = quoted.chars().next()?;
    if first == '\\' {
        // The escaped character may be a quote.
        return Some(before + 2 + quoted.get(2..)?.find('\'')? + 1);
    }
    let length = first.len_utf8();
    let is_closed = quoted[length..].starts_with('\'');
    // A lifetime is no character; its name is not used either.
    let name = quoted.find(|part: char| !part.is_alphanumeric() && part != '_');
    Some(before + if is_closed { length + 1 } else { name.unwrap_or(quoted.len()) })
}
