//! Telling the language of a text by its most frequent words.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::markdown;
use crate::stopwords::STOPWORDS;
use crate::words::words;

/// A language and its frequent words.
type Language = (&'static str, HashSet<&'static str>);

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    STOPWORDS.iter().map(|(code, list)| (*code, list.split_whitespace().collect())).collect()
});

/// This many words identify the language as well as all of them.
const SAMPLE: usize = 2_000;

/// Returns the code of the language of a Markdown text, for example `en`; `None` if it is
/// uncertain.
pub(crate) fn detect(text: &str) -> Option<&'static str> {
    let prose = markdown::paragraphs(text);
    let sample: Vec<String> =
        prose.iter().flat_map(|paragraph| words(paragraph)).take(SAMPLE).collect();
    let count = |list: &HashSet<&str>| sample.iter().filter(|w| list.contains(w.as_str())).count();
    let mut hits: Vec<(usize, &str)> =
        LANGUAGES.iter().map(|(code, list)| (count(list), *code)).collect();
    hits.sort_unstable_by(|a, b| b.cmp(a));
    let [(best, code), (second, _), ..] = hits[..] else {
        return None;
    };
    // Enough of them, a fair part of all words, and clearly more than of any other language: the
    // languages share short words such as `de` and `in`.
    let is_sure = best >= 3 && best * 6 >= sample.len() && best * 2 >= second * 3;
    is_sure.then_some(code)
}

/// Whether a word is frequent in the language, or in any if the language is not known.
pub(crate) fn is_stopword(word: &str, language: Option<&str>) -> bool {
    let lists = LANGUAGES.iter().filter(|(code, _)| language.is_none_or(|known| known == *code));
    lists.map(|(_, list)| list).any(|list| list.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_told_or_left_open() {
        for (text, expected) in [
            ("This is the text of a small server, and it is not long.", Some("en")),
            ("Das ist der Text für einen kleinen Server, und er ist nicht lang.", Some("de")),
            ("Ceci est le texte pour un petit serveur, et il n'est pas très long.", Some("fr")),
            ("Este es el texto para un servidor pequeño, y no es muy largo.", Some("es")),
            ("fn main() { println!(\"hello\"); }", None),
            ("Redis 7.0.15", None),
            ("", None),
        ] {
            assert_eq!(detect(text), expected, "{text}");
        }
    }

    #[test]
    fn the_words_of_code_do_not_count() {
        let text = "```\nthe of and is not to in\n```\nDas ist der Text und nicht der Kode.";
        assert_eq!(detect(text), Some("de"));
    }

    #[test]
    fn an_unknown_language_has_the_frequent_words_of_all() {
        assert!(is_stopword("the", None) && is_stopword("und", None));
        assert!(is_stopword("the", Some("en")) && !is_stopword("und", Some("en")));
    }
}
