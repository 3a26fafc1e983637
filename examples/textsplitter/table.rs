//! The results for people: a table, the newest versions, totals, keys.

use comfy_table::{ColumnConstraint, Width};
use metastore_examples::shown::{count, line};
use metastore_examples::table::{self, add_row, align_right};

use crate::results::{Results, TextResult};

/// How many versions to list of the text that has most.
const NEWEST: usize = 5;

const HEADER: [&str; 7] = ["text", "lang", "versions", "words", "pieces", "job", "summary"];

/// One line for each text.
pub(crate) fn table(results: &Results) -> String {
    let mut table = table::table(HEADER);
    for text in &results.texts {
        // A summary gets what is left of the line, and no second line.
        add_row(&mut table, cells(text));
    }
    for (position, column) in table.column_iter_mut().enumerate() {
        match position {
            0 => column.set_constraint(ColumnConstraint::UpperBoundary(Width::Percentage(25))),
            1..6 => column.set_constraint(ColumnConstraint::ContentWidth),
            _ => column,
        };
    }
    align_right(&mut table, 2..5);
    table.to_string()
}

fn cells(text: &TextResult) -> [String; 7] {
    let number = |count: Option<usize>| count.map_or("–".to_owned(), |count| count.to_string());
    let summary = text.summary.as_ref().and_then(|summary| summary.sentences.first());
    let job = text.job.as_ref().map(|job| match job.milliseconds {
        Some(time) => format!("{}, {time} ms", job.state),
        None => job.state.clone(),
    });
    [
        text.name.clone(),
        text.language.clone().unwrap_or("–".to_owned()),
        text.versions.to_string(),
        number(text.words),
        number(text.pieces),
        job.unwrap_or("–".to_owned()),
        summary.map_or("–".to_owned(), Clone::clone),
    ]
}

/// The newest versions of the text that has most.
pub(crate) fn versions(results: &Results) -> String {
    // The first of several; `max_by_key` would return the last.
    let most = results.texts.iter().rev().max_by_key(|text| text.versions);
    let Some(text) = most else {
        return String::new();
    };
    let mut lines = format!("newest versions of {}:", line(&text.name));
    for known in text.history.iter().take(NEWEST) {
        let actor = known.actor.as_ref().map_or("nobody", |actor| actor.as_str());
        lines += &format!("\n  {:>4}  {}  by {actor}", known.version, known.written_at);
    }
    lines
}

/// One line about all texts.
pub(crate) fn totals(results: &Results, problems: usize) -> String {
    let sum = |count: fn(&TextResult) -> usize| results.texts.iter().map(count).sum::<usize>();
    [
        count(results.texts.len(), "text", "texts"),
        count(sum(|text| text.versions), "version", "versions"),
        count(sum(|text| text.words.unwrap_or(0)), "word", "words"),
        count(sum(|text| text.pieces.unwrap_or(0)), "piece", "pieces"),
        count(results.texts.len() - results.failed(), "summary", "summaries"),
        count(problems, "problem", "problems"),
    ]
    .join(", ")
}

/// The keys, those of each text under its name.
pub(crate) fn keys(results: &Results) -> String {
    let mut lines = String::from("keys:");
    let collection = ("the collection".to_owned(), &results.keys);
    let texts = results.texts.iter().map(|text| (line(&text.name), &text.keys));
    for (name, keys) in std::iter::once(collection).chain(texts) {
        lines += &format!("\n  {name}");
        for key in keys {
            lines += &format!("\n    {key}");
        }
    }
    lines
}
