//! Summarising a text: the sentences whose words are most frequent in it.
//!
//! Extractive, after H. P. Luhn: what a text is about it says often. A sentence scores the mean
//! frequency of its words that carry meaning, so that it does not win by its length.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crate::language::is_stopword;
use crate::sentences::{is_complete, sentences};
use crate::text::{Summary, Text};
use crate::words::{may_carry_meaning, words};
use crate::{language, markdown};

/// How many sentences a summary has.
const SENTENCES: usize = 3;

/// How many keywords a summary has.
const KEYWORDS: usize = 5;

/// A sentence with fewer words of meaning is scored as if it had this many. Two frequent words
/// alone would beat every sentence that says something about them.
const SHORT: usize = 8;

/// One sentence of the text.
struct Candidate<'a> {
    sentence: &'a str,
    words: Vec<String>,
}

/// Summarises a text. A text without whole sentences gets a summary without sentences.
pub(crate) fn summarise(text: &Text) -> Summary {
    let language = text.language.as_deref().or_else(|| language::detect(&text.content));
    let paragraphs = markdown::paragraphs(&text.content);
    let candidates: Vec<Candidate<'_>> = paragraphs
        .iter()
        .flat_map(|paragraph| sentences(paragraph))
        .map(|sentence| Candidate { sentence, words: words_of_meaning(sentence, language) })
        .collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in candidates.iter().flat_map(|candidate| &candidate.words) {
        *counts.entry(word).or_default() += 1;
    }
    Summary {
        sentences: best_sentences(&candidates, &counts),
        words: paragraphs.iter().map(|paragraph| words(paragraph).count()).sum(),
        keywords: most_frequent(&counts),
    }
}

fn words_of_meaning(sentence: &str, language: Option<&str>) -> Vec<String> {
    words(sentence).filter(|word| may_carry_meaning(word) && !is_stopword(word, language)).collect()
}

fn best_sentences(candidates: &[Candidate<'_>], counts: &HashMap<&str, usize>) -> Vec<String> {
    let most = counts.values().copied().max().unwrap_or(1) as f64;
    let mean = |words: &[String]| {
        let sum: usize = words.iter().map(|word| counts[word.as_str()]).sum();
        sum as f64 / most / words.len().max(SHORT) as f64
    };
    let mut seen = HashSet::new();
    let mut scored: Vec<(f64, usize)> = candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| {
            // A text may repeat a sentence; its summary should not.
            !candidate.words.is_empty()
                && is_complete(candidate.sentence)
                && seen.insert(candidate.sentence)
        })
        .map(|(position, candidate)| (mean(&candidate.words), position))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.truncate(SENTENCES);
    scored.sort_by_key(|&(_, position)| position);
    scored.iter().map(|&(_, position)| candidates[position].sentence.to_owned()).collect()
}

fn most_frequent(counts: &HashMap<&str, usize>) -> Vec<String> {
    let mut words: Vec<(&str, usize)> =
        counts.iter().map(|(word, count)| (*word, *count)).collect();
    words.sort_unstable_by_key(|&(word, count)| (Reverse(count), word));
    words.iter().take(KEYWORDS).map(|(word, _)| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary_of(content: &str) -> Summary {
        let (name, content) = ("a name".to_owned(), content.to_owned());
        summarise(&Text { name, content, language: Some("en".to_owned()) })
    }

    #[test]
    fn the_sentences_of_the_most_frequent_words_are_chosen_in_order() {
        let summary = summary_of(
            "# Redis keys\n\nBreakfast was served late by somebody tall. Redis stores keys and \
             values quickly. The weather outside remained rather gloomy today. Keys and values of \
             Redis expire. Every Redis server stores many keys. Unrelated musings close a dull \
             chapter.",
        );
        assert_eq!(
            summary.sentences,
            [
                "Redis stores keys and values quickly.",
                "Keys and values of Redis expire.",
                "Every Redis server stores many keys.",
            ]
        );
        assert_eq!(summary.keywords[..4], ["keys", "redis", "stores", "values"]);
        assert_eq!(summary.words, 40);
    }

    #[test]
    fn headings_and_repetitions_are_not_chosen() {
        let sentence = "Redis stores keys and values quickly.";
        let summary = summary_of(&format!("# Redis stores keys quickly\n\n{sentence} {sentence}"));
        assert_eq!(summary.sentences, [sentence]);
    }

    #[test]
    fn a_text_without_sentences_has_an_empty_summary() {
        let summary = summary_of("```\nlet x = 1;\n```\n");
        let empty = Summary { sentences: Vec::new(), words: 0, keywords: Vec::new() };
        assert_eq!(summary, empty);
    }
}
