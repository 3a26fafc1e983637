//! The collection: a document, and how it is found.

use anyhow::{Context, anyhow};
use metastore::{Collection, Id, Item, Repo};
use metastore_examples::shown::line;
use serde::{Deserialize, Serialize};
use validator::Validate;

pub(crate) type Documents = Repo<Document>;

/// A document as one of its revisions left it.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "documents", name = "documents", object_type = texts, ttl = none, keep = 50)]
pub(crate) struct Document {
    #[validate(length(min = 1, max = 500, message = "a name has 1 to 500 characters"))]
    #[unique]
    pub(crate) name: String,
    /// How the name of its file ends.
    #[index]
    pub(crate) kind: Option<String>,
    #[index]
    pub(crate) tags: Vec<String>,
    #[index(range)]
    pub(crate) words: u64,
    /// What the revision is called where it comes from.
    pub(crate) revision: Option<String>,
    /// When it was made there.
    pub(crate) date: Option<String>,
    /// What it changed.
    pub(crate) summary: Option<String>,
    pub(crate) text: String,
}

/// The document with this name or id.
pub(crate) async fn find(documents: &Documents, name: &str) -> anyhow::Result<Item<Document>> {
    if let Some(found) = documents.get_by(Document::NAME, name).await? {
        return Ok(found);
    }
    let by_id = match Id::new(name) {
        Ok(id) => documents.get(&id).await?,
        Err(_) => None,
    };
    by_id.with_context(|| format!("there is no document {}", line(name)))
}

/// Why a document has no such version.
pub(crate) fn no_version(document: &Item<Document>, version: u64) -> anyhow::Error {
    let (name, newest) = (line(&document.data.name), document.version);
    if version == 0 || version > newest {
        return anyhow!("{name} has no version {version}; its newest is {newest}");
    }
    anyhow!("version {version} of {name} is gone: {}", retention())
}

/// How much of a history is kept.
pub(crate) fn retention() -> String {
    match Document::SCHEMA.keep {
        Some(versions) => format!("the last {versions} versions are kept"),
        None => "all versions are kept".to_owned(),
    }
}
