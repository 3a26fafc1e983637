//! The stored document, with the same header as metastore's.

use std::time::SystemTime;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use ulid::Ulid;
use validator::Validate;

use crate::document::Article;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) version: u64,
    pub(crate) id: String,
    commit: String,
    schema: u32,
    pub(crate) created: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated: Option<u64>,
    pub(super) data: Article,
}

impl Stored {
    /// Version 1, validated, under a new id.
    pub(super) fn first(article: Article) -> Result<Self> {
        article.validate()?;
        Ok(Self {
            version: 1,
            id: Ulid::generate().to_string(),
            commit: Ulid::generate().to_string(),
            schema: 1,
            created: now(),
            updated: None,
            data: article,
        })
    }

    /// The next version, validated, with another content.
    pub(super) fn next(&self, content: String) -> Result<Self> {
        let data = Article { content, ..self.data.clone() };
        data.validate()?;
        Ok(Self {
            version: self.version + 1,
            id: self.id.clone(),
            commit: Ulid::generate().to_string(),
            schema: 1,
            created: self.created,
            updated: Some(now()),
            data,
        })
    }

    /// The fields of the audit entry of a create, the same as metastore's.
    pub(super) fn audit_entry(&self) -> [(&'static str, &str); 3] {
        [("op", "create"), ("version", "1"), ("commit", &self.commit)]
    }

    /// The first bytes of this stored version. They contain the commit id, so they identify one
    /// write and not only one number.
    pub(super) fn guard(&self) -> String {
        format!(r#"{{"version":{},"id":"{}","commit":"{}","#, self.version, self.id, self.commit)
    }
}

fn now() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_is_what_the_json_begins_with() {
        let first = Stored::first(Article::sample(1)).expect("a sample is valid");
        let json = serde_json::to_string(&first).expect("it is plain JSON");
        assert!(json.starts_with(&first.guard()), "{json}");
        let next = first.next(Article::content(2)).expect("a sample is valid");
        let json = serde_json::to_string(&next).expect("it is plain JSON");
        assert!(json.starts_with(&next.guard()), "{json}");
        assert_eq!(next.version, 2);
    }
}
