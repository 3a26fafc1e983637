//! One item: create, read, replace, patch, delete.

use axum::Json as Body;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use metastore::{ErrorKind, Item, Timestamp};
use serde::Deserialize;

use crate::extract::{Acting, Asked, Json, Named};
use crate::precondition::{IfMatch, IfNoneMatch, tag};
use crate::problem::Problem;

/// An item with its tag.
pub(crate) fn shown(status: StatusCode, item: Item<metastore::Json>) -> Response {
    (status, [(header::ETAG, tag(item.version))], Body(item)).into_response()
}

/// The item, if the client does not have it already.
pub(crate) fn shown_unless(has: &IfNoneMatch, item: Item<metastore::Json>) -> Response {
    if has.has(item.version) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag(item.version))]).into_response();
    }
    shown(StatusCode::OK, item)
}

fn created(location: String, item: Item<metastore::Json>) -> Response {
    ([(header::LOCATION, location)], shown(StatusCode::CREATED, item)).into_response()
}

pub(crate) fn gone() -> Problem {
    Problem::not_found("there is no such item")
}

pub(crate) async fn create(
    Acting(dynamic): Acting,
    Named(collection): Named<String>,
    uri: Uri,
    Json(data): Json<metastore::Json>,
) -> Result<Response, Problem> {
    let item = dynamic.create_item(&collection, data).await?;
    Ok(created(format!("{}/{}", uri.path(), item.id), item))
}

/// When an item is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct When {
    as_of: Option<String>,
}

pub(crate) async fn get(
    Acting(dynamic): Acting,
    Named((collection, id)): Named<(String, String)>,
    Asked(When { as_of }): Asked<When>,
    has: IfNoneMatch,
) -> Result<Response, Problem> {
    let item = match as_of {
        None => dynamic.get_item(&collection, &id).await?,
        Some(time) => {
            let time: Timestamp = time.parse().map_err(metastore::Error::from)?;
            dynamic.as_of(&collection, &id, time).await?
        }
    };
    Ok(shown_unless(&has, item.ok_or_else(gone)?))
}

/// Replaces an item; with `If-None-Match: *` creates it under an id of the client's own.
pub(crate) async fn put(
    Acting(dynamic): Acting,
    Named((collection, id)): Named<(String, String)>,
    uri: Uri,
    IfMatch(expected): IfMatch,
    none: IfNoneMatch,
    Json(data): Json<metastore::Json>,
) -> Result<Response, Problem> {
    if none.any() {
        let item = dynamic.create_item_with_id(&collection, &id, data).await;
        return match item {
            Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists { field: None }) => {
                Err(Problem::new(StatusCode::PRECONDITION_FAILED, error.kind().to_string()))
            }
            item => Ok(created(uri.path().to_owned(), item?)),
        };
    }
    let item = match expected {
        Some(version) => dynamic.replace_item_at(&collection, &id, version, data).await?,
        None => dynamic.replace_item(&collection, &id, data).await?,
    };
    Ok(shown(StatusCode::OK, item))
}

/// Sets the fields that the body has; `null` clears one.
pub(crate) async fn patch(
    Acting(dynamic): Acting,
    Named((collection, id)): Named<(String, String)>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<metastore::Json>,
) -> Result<Response, Problem> {
    let item = match expected {
        Some(version) => dynamic.update_item_at(&collection, &id, version, patch).await?,
        None => dynamic.update_item(&collection, &id, patch).await?,
    };
    Ok(shown(StatusCode::OK, item))
}

pub(crate) async fn delete(
    Acting(dynamic): Acting,
    Named((collection, id)): Named<(String, String)>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    match expected {
        Some(version) => dynamic.delete_item_at(&collection, &id, version).await?,
        None if dynamic.delete_item(&collection, &id).await? => {}
        None => return Err(gone()),
    }
    Ok(StatusCode::NO_CONTENT)
}
