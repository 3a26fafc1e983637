//! The text of a document.

use std::io::IsTerminal;

use anyhow::Context;
use metastore::{Item, Timestamp};
use metastore_examples::shown::{Shown, line};

use crate::document::{self, Documents, no_version, retention};

pub(crate) async fn show(
    documents: &Documents,
    name: &str,
    version: Option<u64>,
    as_of: Option<Timestamp>,
) -> anyhow::Result<Shown> {
    let current = document::find(documents, name).await?;
    let item = match (version, as_of) {
        (Some(version), _) => documents
            .get_version(&current.id, version)
            .await?
            .with_context(|| no_version(&current, version))?,
        (None, Some(time)) => documents.as_of(&current.id, time).await?.with_context(|| {
            let name = line(&current.data.name);
            format!("nothing is left of {name} as of {time}: it is newer, or {}", retention())
        })?,
        (None, None) => current,
    };
    Shown::new(&item, text(&item))
}

/// The text as it is, for files and other programs; a terminal must not be commanded by it.
fn text(item: &Item<document::Document>) -> String {
    let text = item.data.text.strip_suffix('\n').unwrap_or(&item.data.text);
    if !std::io::stdout().is_terminal() {
        return text.to_owned();
    }
    let is_harmless = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
    text.chars().map(|c| if is_harmless(c) { c } else { ' ' }).collect()
}
