//! The versions of an item, and who did what.

use axum::Json as Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use metastore::{Audit, AuditPage, VersionInfo};
use serde::Deserialize;

use crate::extract::{Acting, Asked, Named};
use crate::items::{gone, shown, shown_unless};
use crate::precondition::{IfMatch, IfNoneMatch};
use crate::problem::Problem;

/// Which versions are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    limit: Option<u64>,
    before: Option<u64>,
}

/// The versions, the newest first.
pub(crate) async fn versions(
    Acting(dynamic): Acting,
    Named((collection, id)): Named<(String, String)>,
    Asked(Which { limit, before }): Asked<Which>,
) -> Result<Body<Vec<VersionInfo>>, Problem> {
    let found = dynamic.versions(&collection, &id, limit.unwrap_or(50), before).await?;
    if found.is_empty() && !dynamic.item_exists(&collection, &id).await? {
        return Err(gone());
    }
    Ok(Body(found))
}

pub(crate) async fn version(
    Acting(dynamic): Acting,
    Named((collection, id, version)): Named<(String, String, u64)>,
    has: IfNoneMatch,
) -> Result<Response, Problem> {
    let item = dynamic.get_version(&collection, &id, version).await?;
    let item = item.ok_or_else(|| Problem::not_found("there is no such version"))?;
    Ok(shown_unless(&has, item))
}

pub(crate) async fn revert(
    Acting(dynamic): Acting,
    Named((collection, id, version)): Named<(String, String, u64)>,
    IfMatch(expected): IfMatch,
) -> Result<Response, Problem> {
    let item = match expected {
        Some(expected) => dynamic.revert_at(&collection, &id, expected, version).await?,
        None => dynamic.revert(&collection, &id, version).await?,
    };
    Ok(shown(StatusCode::OK, item))
}

/// Which versions are compared.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Between {
    from: u64,
    to: u64,
}

/// The difference between two versions, as a JSON Patch.
pub(crate) async fn diff(
    Acting(dynamic): Acting,
    Named((collection, id)): Named<(String, String)>,
    Asked(Between { from, to }): Asked<Between>,
) -> Result<Response, Problem> {
    let diff = dynamic.diff(&collection, &id, from, to).await?;
    let kind = [(header::CONTENT_TYPE, "application/json-patch+json")];
    Ok((kind, diff.patch().to_string()).into_response())
}

/// Which audit entries are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entries {
    limit: Option<usize>,
    operation: Option<String>,
    actor: Option<String>,
    after: Option<String>,
}

/// What happened to an item, the last first; also to one that is deleted.
pub(crate) async fn audit(
    Acting(dynamic): Acting,
    Named((collection, id)): Named<(String, String)>,
    Asked(entries): Asked<Entries>,
) -> Result<Body<AuditPage>, Problem> {
    read(dynamic.audit(&collection, &id)?, entries).await
}

/// What happened in a collection, in its order. A client that keeps `position` goes on from there.
pub(crate) async fn feed(
    Acting(dynamic): Acting,
    Named(collection): Named<String>,
    Asked(entries): Asked<Entries>,
) -> Result<Body<AuditPage>, Problem> {
    read(dynamic.audit_feed(&collection)?, entries).await
}

async fn read(mut audit: Audit<'_>, entries: Entries) -> Result<Body<AuditPage>, Problem> {
    if let Some(limit) = entries.limit {
        audit = audit.limit(limit);
    }
    if let Some(operation) = entries.operation {
        audit = audit.operation(operation.as_str());
    }
    if let Some(actor) = entries.actor {
        audit = audit.actor(actor);
    }
    if let Some(position) = entries.after {
        audit = audit.after(position.parse::<metastore::AuditPosition>()?);
    }
    Ok(Body(audit.await?))
}
