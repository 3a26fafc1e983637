//! Reading an original as a document of the collection.

use std::borrow::Cow;

use serde_json::Value;

use crate::document::Document;
use crate::document::content::content;
use crate::document::encode::encode_json;
use crate::document::envelope;
use crate::document::header::Header;
use crate::document::item::Item;
use crate::document::unknown::UnknownFields;
use crate::error::{ErrorKind, Result};
use crate::json::Limits;
use crate::json::exact::Exact;
use crate::json::input::checked;
use crate::json::tree::same;
use crate::key::Id;
use crate::repo::Repo;

const OPERATION: &str = "import";

/// Reads an original, with the fields that `T` does not know. An error is the reason for the
/// report.
pub(super) fn read_document<T: Document>(
    repo: &Repo<T>,
    id: &Id,
    text: &[u8],
    map: Option<&(dyn Fn(Value) -> Result<Value, String> + Send + Sync)>,
    schema: u32,
) -> Result<Item<T>, String> {
    let text = checked(text, repo.limits()).map_err(|kind| match kind {
        ErrorKind::InvalidJson { path, message } if path.is_empty() => {
            format!("it does not hold JSON: {message}")
        }
        ErrorKind::InvalidJson { path, message } => {
            format!("it does not hold JSON that can be imported, at `{path}`: {message}")
        }
        kind => kind.to_string(),
    })?;
    let text = match map {
        None => Cow::Borrowed(text),
        Some(map) => {
            let (value, exact) = Exact::read(text).map_err(|error| error.to_string())?;
            Cow::Owned(exact.write(&map(value)?).map_err(|error| error.to_string())?)
        }
    };
    if !text.starts_with('{') {
        return Err("it does not hold a JSON object".to_owned());
    }
    let header = Header {
        version: 1,
        id: id.clone(),
        commit: String::new(),
        origin: None,
        expires: None,
        schema,
        created: repo.store().now(),
        updated: None,
        actor: None,
        owner: None,
    };
    let latest = repo.address().latest(id);
    envelope::decode(&encode_json(&header, &text), &latest, OPERATION)
        .map_err(|error| error.kind().to_string())
}

/// Whether a stored item has this content.
pub(super) fn is_same_content<T: Document>(
    stored: &Item<T>,
    document: &T,
    unknown: &UnknownFields,
    limits: Limits,
) -> bool {
    let text = |document: &T, unknown: &UnknownFields| {
        let json = content(document, unknown, limits, OPERATION).ok()?;
        String::from_utf8(json).ok()
    };
    let stored = text(&stored.data, stored.unknown());
    stored.zip(text(document, unknown)).is_some_and(|(stored, own)| same(&stored, &own))
}
