//! Comparing versions, going back to one, and deleting all.

use anyhow::bail;
use metastore::{ErrorKind, Item};
use metastore_examples::shown::{Shown, line};

use crate::document::{self, Document, Documents, no_version};

pub(crate) async fn diff(
    documents: &Documents,
    name: &str,
    from: u64,
    to: u64,
) -> anyhow::Result<Shown> {
    let document = document::find(documents, name).await?;
    match documents.diff(&document.id, from, to).await {
        Ok(diff) if diff.is_empty() => Shown::new(&diff, "no difference"),
        Ok(diff) => Shown::new(&diff, diff.to_string().trim_end()),
        Err(error) => bail!(missing(documents, &document, &[from, to], error).await),
    }
}

pub(crate) async fn revert(
    documents: &Documents,
    name: &str,
    version: u64,
) -> anyhow::Result<Shown> {
    let document = document::find(documents, name).await?;
    // With the item in hand, a version that somebody else has added since it was read is not
    // reverted.
    let reverted = match documents.revert(&document, version).await {
        Ok(reverted) => reverted,
        Err(error) => bail!(missing(documents, &document, &[version], error).await),
    };
    let name = line(&reverted.data.name);
    let text = match reverted.unchanged {
        true => format!("{name} is as in version {version} already"),
        false => {
            format!("{name} is as in version {version} again, as version {}", reverted.version)
        }
    };
    Shown::new(&reverted, text)
}

pub(crate) async fn remove(documents: &Documents, name: &str) -> anyhow::Result<Shown> {
    let document = document::find(documents, name).await?;
    documents.delete(&document.id).await?;
    Shown::new(&document, format!("removed {} with all its versions", line(&document.data.name)))
}

/// Which version is not there, if that is the error.
async fn missing(
    documents: &Documents,
    document: &Item<Document>,
    versions: &[u64],
    error: metastore::Error,
) -> anyhow::Error {
    if matches!(error.kind(), ErrorKind::NotFound) {
        for version in versions {
            if let Ok(None) = documents.get_version(&document.id, *version).await {
                return no_version(document, *version);
            }
        }
    }
    error.into()
}
