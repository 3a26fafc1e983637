//! Mutations and transformations of an item.

use axum::Json as Body;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use metastore::{Cached, JobStatus, Json};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::extract::{Acting, Asked, Named as InPath};
use crate::problem::Problem;

type Named = InPath<(String, String, String)>;

/// Which version a mutation is to be run on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct On {
    version: Option<u64>,
}

/// The result of a mutation.
#[derive(Serialize)]
pub(crate) struct Computed {
    value: Json,
}

/// Runs a mutation; nothing is stored.
pub(crate) async fn run(
    Acting(dynamic): Acting,
    InPath((collection, id, name)): Named,
    Asked(On { version }): Asked<On>,
) -> Result<Body<Computed>, Problem> {
    let value = match version {
        Some(version) => dynamic.run_mutation_on(&collection, &id, version, &name).await?,
        None => dynamic.run_mutation(&collection, &id, &name).await?,
    };
    Ok(Body(Computed { value }))
}

/// Runs a mutation and stores its result.
pub(crate) async fn materialize(
    Acting(dynamic): Acting,
    InPath((collection, id, name)): Named,
) -> Result<Body<Computed>, Problem> {
    let value = dynamic.materialize_mutation(&collection, &id, &name).await?;
    Ok(Body(Computed { value }))
}

/// The stored result of a mutation.
pub(crate) async fn stored(
    Acting(dynamic): Acting,
    InPath((collection, id, name)): Named,
) -> Result<Body<Cached<Json>>, Problem> {
    let cached = dynamic.get_mutation(&collection, &id, &name).await?;
    Ok(Body(cached.ok_or_else(|| Problem::not_found("no result is stored"))?))
}

/// Requests a job, which is then to be asked after at the same path.
pub(crate) async fn enqueue(
    Acting(dynamic): Acting,
    InPath((collection, id, name)): Named,
    uri: Uri,
) -> Result<Response, Problem> {
    let job = dynamic.enqueue(&collection, &id, &name).await?;
    let location = [(header::LOCATION, uri.path().to_owned())];
    Ok((StatusCode::ACCEPTED, location, Body(json!({ "job": job }))).into_response())
}

/// The last job of an item, and its last result.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    status: JobStatus,
    result: Option<Json>,
}

/// The status of the last job, with the last result.
pub(crate) async fn status(
    Acting(dynamic): Acting,
    InPath((collection, id, name)): Named,
) -> Result<Body<Shown>, Problem> {
    let status = dynamic.job_status(&collection, &id, &name).await?;
    let status = status.ok_or_else(|| Problem::not_found("no run was ever requested"))?;
    let result = dynamic.transformation_result(&collection, &id, &name).await?;
    Ok(Body(Shown { status, result }))
}

pub(crate) async fn cancel(
    Acting(dynamic): Acting,
    InPath((collection, id, name)): Named,
) -> Result<StatusCode, Problem> {
    match dynamic.cancel(&collection, &id, &name).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("there is no live job")),
    }
}
