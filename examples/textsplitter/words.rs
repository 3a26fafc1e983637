//! Words, as they are compared and counted.

/// Returns the words in lower case, without marks; parts of `l'index` and `full-text` are words
/// too.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| word.chars().any(char::is_alphanumeric)).map(str::to_lowercase)
}

/// Whether a word can carry meaning: it is no number and no single letter.
pub(crate) fn may_carry_meaning(word: &str) -> bool {
    word.chars().nth(1).is_some() && word.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_stands_between_marks() {
        let found: Vec<String> = words("Full-text L'INDEX, snake_case — Größe 7!").collect();
        assert_eq!(found, ["full", "text", "l", "index", "snake_case", "größe", "7"]);
        assert!(may_carry_meaning("7th") && !may_carry_meaning("7") && !may_carry_meaning("l"));
    }
}
