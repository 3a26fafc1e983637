//! Cutting a paragraph into sentences.

/// Words that end with a full stop in the middle of a sentence; those with one inside, such as
/// `e.g.`, need no entry.
const ABBREVIATIONS: [&str; 24] = [
    "approx", "bspw", "bzw", "ca", "cf", "dr", "ed", "etc", "evtl", "fig", "ggf", "inkl", "jr",
    "mr", "mrs", "ms", "no", "nr", "prof", "sr", "st", "usw", "vgl", "vs",
];

/// Returns the sentences in order; the text after the last full stop is one too.
pub(crate) fn sentences(paragraph: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (position, mark) in paragraph.char_indices().filter(|&(_, letter)| is_end_mark(letter)) {
        if position < start {
            continue;
        }
        let after = &paragraph[position + mark.len_utf8()..];
        let rest = after.trim_start_matches(|c| is_end_mark(c) || "\"'”’»)]".contains(c));
        let is_end = match rest.chars().next() {
            None => true,
            Some(next) if !next.is_whitespace() => false,
            Some(_) => !rest.trim_start().starts_with(char::is_lowercase),
        };
        if is_end && !(mark == '.' && is_abbreviation(&paragraph[start..position])) {
            let end = paragraph.len() - rest.len();
            sentences.push(paragraph[start..end].trim());
            start = end;
        }
    }
    sentences.push(paragraph[start..].trim());
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

/// Whether it ends like a sentence: a heading or an item of a list often does not.
pub(crate) fn is_complete(sentence: &str) -> bool {
    sentence.trim_end_matches(|c: char| "\"'”’»)]".contains(c)).ends_with(is_end_mark)
}

fn is_end_mark(letter: char) -> bool {
    matches!(letter, '.' | '!' | '?' | '…')
}

/// Whether the full stop after this belongs to its last word: `etc`, `e.g`, an initial, or the day
/// of a date.
fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    let is_day = word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit());
    let has_stop_inside = word.contains('.') && word.split('.').all(|part| part.len() <= 2);
    let is_listed = ABBREVIATIONS.contains(&word.to_lowercase().as_str());
    !word.is_empty() && (is_initial || is_day || has_stop_inside || is_listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_their_marks_and_not_at_abbreviations() {
        for (paragraph, expected) in [
            ("One. Two! Three? Four", &["One.", "Two!", "Three?", "Four"][..]),
            (
                "See e.g. Redis, i.e. the server. It is fast.",
                &["See e.g. Redis, i.e. the server.", "It is fast."],
            ),
            (
                "Visit redis.io or 1.5 times. \"Really?\" Yes…",
                &["Visit redis.io or 1.5 times.", "\"Really?\"", "Yes…"],
            ),
            (
                "Am 3. Oktober kam Dr. J. Weiß usw. Dann ging er.",
                &["Am 3. Oktober kam Dr. J. Weiß usw. Dann ging er."],
            ),
            ("Wait... what? (It works.) So.", &["Wait... what?", "(It works.)", "So."]),
            ("", &[]),
        ] {
            assert_eq!(sentences(paragraph), expected);
        }
    }

    #[test]
    fn a_complete_sentence_ends_with_a_mark() {
        assert!(is_complete("It works.") && is_complete("(Does it?)"));
        assert!(!is_complete("A heading"));
    }
}
