//! Cutting a text into pieces: whole paragraphs as far as possible, none longer than a limit.

/// The most bytes of a piece: a few paragraphs, as search and language models like them.
const LONGEST: usize = 1_000;

/// Cuts a text at blank lines, and a paragraph that is too long between words.
pub(crate) fn pieces(content: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for paragraph in paragraphs(content) {
        match pieces.last_mut() {
            Some(last) if last.len() + 2 + paragraph.len() <= LONGEST => {
                last.push_str("\n\n");
                last.push_str(&paragraph);
            }
            _ => cut(&paragraph, &mut pieces),
        }
    }
    pieces
}

fn paragraphs(content: &str) -> Vec<String> {
    let lines: Vec<&str> = content.lines().map(str::trim_end).collect();
    let groups = lines.split(|line| line.is_empty()).filter(|group| !group.is_empty());
    groups.map(|group| group.join("\n")).collect()
}

fn cut(paragraph: &str, pieces: &mut Vec<String>) {
    let mut rest = paragraph;
    while rest.len() > LONGEST {
        let most = (0..=LONGEST).rfind(|&end| rest.is_char_boundary(end)).unwrap_or(0);
        // A word that is longer than a piece has to be cut itself.
        let end = rest[..most].rfind(char::is_whitespace).filter(|&end| end > 0).unwrap_or(most);
        pieces.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    if !rest.is_empty() {
        pieces.push(rest.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_paragraphs_share_a_piece_and_long_ones_are_cut_between_words() {
        assert_eq!(pieces("one\n\n\ntwo  \nthree\n"), ["one\n\ntwo\nthree"]);
        assert!(pieces(" \n\n").is_empty());
        let long = "grün ".repeat(1_000);
        let text = format!("first\n\n{long}\n\nlast");
        let cut = pieces(&text);
        assert!(cut.iter().all(|piece| piece.len() <= LONGEST));
        assert_eq!(cut.first().map(String::as_str), Some("first"));
        assert!(cut[1..cut.len() - 1].iter().all(|piece| piece.ends_with("grün")));
    }

    #[test]
    fn no_word_is_lost_however_long() {
        let text = format!("a {} b\n\nc d", "ü".repeat(3_000));
        let letters = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(letters(&pieces(&text).concat()), letters(&text));
        assert!(pieces(&text).iter().all(|piece| piece.len() <= LONGEST));
    }
}
