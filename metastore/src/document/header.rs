//! The header: what is stored before a document.

use serde::{Deserialize, Serialize};

use crate::key::{Actor, Id};
use crate::time::Timestamp;

/// The metadata of one version, stored before its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) version: u64,
    pub(crate) id: Id,
    pub(crate) commit: String,
    /// The commit id of version 1; omitted in version 1, where it equals `commit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<String>,
    /// When the item expires, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<Timestamp>,
    pub(crate) schema: u32,
    pub(crate) created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<Actor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<Actor>,
}

impl Head {
    /// The commit id of version 1, which differs for each item that ever had this id.
    pub(crate) fn origin(&self) -> &str {
        self.origin.as_deref().unwrap_or(&self.commit)
    }

    /// When this version was written.
    pub(crate) fn written(&self) -> Timestamp {
        self.updated.unwrap_or(self.created)
    }
}
