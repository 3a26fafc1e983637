//! One entry, read back.

use std::collections::HashMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::{AuditOperation, AuditPosition};
use crate::key::{Actor, Id};
use crate::redis::command::Reply;
use crate::time::Timestamp;

/// Who did what to which version, when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its position in the trail or feed that it was read from.
    pub position: AuditPosition,
    /// When it was written, on the server's clock.
    pub at: Timestamp,
    /// What was done.
    pub operation: AuditOperation,
    /// The id of the item.
    pub id: Id,
    /// The version that was written or deleted, or that a mutation or a job worked on; `None` if
    /// there is none, such as for a job that is cancelled before it has run.
    pub version: Option<u64>,
    /// The version that an update superseded, or whose content a revert restored.
    pub from: Option<u64>,
    /// The id of the write, a ULID; for what happens to a job, the id of the job.
    pub commit: String,
    /// Who did it, if an actor was set.
    pub actor: Option<Actor>,
    /// The top-level fields that an update or a revert changed, as they are named in JSON, sorted;
    /// at most 1,024 bytes of names. Never their values.
    pub changed: Vec<String>,
    /// How many further fields were changed whose names did not fit.
    pub changed_others: u64,
    /// The mutation whose result was stored.
    pub mutation: Option<String>,
    /// The transformation that the job is of.
    pub transformation: Option<String>,
    /// What the failed run said.
    pub error: Option<String>,
}

impl AuditEntry {
    /// Reads an entry as XRANGE returns it. An entry in the trail of `owner` does not name the
    /// item; one of the feed does. The error says what is wrong.
    pub(crate) fn read(
        position: AuditPosition,
        fields: Reply,
        owner: Option<&Id>,
    ) -> Result<Self, String> {
        let mut fields = Fields::read(fields);
        let (changed, changed_others) = match fields.text("changed")? {
            Some(names) => read_names(&names).ok_or("`changed` is no list of names")?,
            None => (Vec::new(), 0),
        };
        Ok(Self {
            position,
            at: position.at(),
            operation: fields.required("op", Fields::text)?.as_str().into(),
            id: match owner {
                Some(owner) => owner.clone(),
                None => fields.required("id", Fields::id)?,
            },
            version: fields.number("version")?.filter(|version| *version > 0),
            from: fields.number("from")?,
            commit: fields.required("commit", Fields::text)?,
            actor: fields.actor("actor")?,
            changed,
            changed_others,
            mutation: fields.text("mutation")?,
            transformation: fields.text("transformation")?,
            error: fields.text("error")?,
        })
    }
}

/// The fields of an entry, by their names.
struct Fields(HashMap<Bytes, Bytes>);

impl Fields {
    fn read(reply: Reply) -> Self {
        let mut parts = reply.into_array().unwrap_or_default().into_iter().map(Reply::into_data);
        let mut fields = HashMap::new();
        while let (Some(Some(name)), Some(Some(value))) = (parts.next(), parts.next()) {
            fields.insert(name, value);
        }
        Self(fields)
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        let text = self.0.remove(name.as_bytes()).map(|value| String::from_utf8(value.into()));
        text.transpose().map_err(|_| format!("`{name}` is not UTF-8"))
    }

    fn number(&mut self, name: &str) -> Result<Option<u64>, String> {
        let number = self.text(name)?.map(|text| text.parse());
        number.transpose().map_err(|_| format!("`{name}` is no number"))
    }

    fn id(&mut self, name: &str) -> Result<Option<Id>, String> {
        let id = self.text(name)?.map(|text| Id::new(&text));
        id.transpose().map_err(|error| format!("`{name}`: {error}"))
    }

    fn actor(&mut self, name: &str) -> Result<Option<Actor>, String> {
        let actor = self.text(name)?.map(|text| Actor::new(&text));
        actor.transpose().map_err(|error| format!("`{name}`: {error}"))
    }

    fn required<V>(
        &mut self,
        name: &str,
        read: fn(&mut Self, &str) -> Result<Option<V>, String>,
    ) -> Result<V, String> {
        read(self, name)?.ok_or_else(|| format!("no audit entry: it has no `{name}`"))
    }
}

/// The names, and the number of those that did not fit.
fn read_names(json: &str) -> Option<(Vec<String>, u64)> {
    let mut values: Vec<Value> = serde_json::from_str(json).ok()?;
    let others = values.last().and_then(Value::as_u64);
    if others.is_some() {
        values.pop();
    }
    let names = values.into_iter().map(|value| match value {
        Value::String(name) => Some(name),
        _ => None,
    });
    Some((names.collect::<Option<_>>()?, others.unwrap_or(0)))
}
