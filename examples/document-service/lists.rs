//! Collections, lists of items, and queries.

use axum::Json as Body;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use metastore::{Cursor, Descriptor, DynamicQuery, Item, Page};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract::{Acting, Asked, Json, Named};
use crate::problem::Problem;

pub(crate) async fn collections(Acting(dynamic): Acting) -> Body<Vec<Descriptor>> {
    Body(dynamic.collections())
}

/// Which page of a list is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    limit: Option<usize>,
    after: Option<Cursor>,
    owner: Option<String>,
}

/// A page of items, the newest first. `Link` leads to the next one.
pub(crate) async fn list(
    Acting(dynamic): Acting,
    Named(collection): Named<String>,
    uri: Uri,
    Asked(which): Asked<Which>,
) -> Result<Response, Problem> {
    let mut selection = DynamicQuery::new();
    selection.limit = which.limit;
    selection.after = which.after;
    selection.owned_by = which.owner;
    let page = dynamic.find_items(&collection, &selection).await?;
    let Some(next) = &page.next else { return Ok(Body(page).into_response()) };
    let mut link = format!("<{}?after={next}", uri.path());
    if let Some(limit) = selection.limit {
        link.push_str(&format!("&limit={limit}"));
    }
    if let Some(owner) = selection.owned_by {
        // Of all that an id may hold, only this means something else in a query.
        link.push_str(&format!("&owner={}", owner.replace('+', "%2B")));
    }
    link.push_str(">; rel=\"next\"");
    Ok(([(header::LINK, link)], Body(page)).into_response())
}

/// A page of what a [`DynamicQuery`] describes. To go on, send it again with the page's `next` as
/// `after`.
pub(crate) async fn find(
    Acting(dynamic): Acting,
    Named(collection): Named<String>,
    Json(selection): Json<DynamicQuery>,
) -> Result<Body<Page<Item<metastore::Json>>>, Problem> {
    Ok(Body(dynamic.find_items(&collection, &selection).await?))
}

pub(crate) async fn count(
    Acting(dynamic): Acting,
    Named(collection): Named<String>,
    Json(selection): Json<DynamicQuery>,
) -> Result<Body<Value>, Problem> {
    let count = dynamic.count_items(&collection, &selection).await?;
    Ok(Body(json!({ "count": count })))
}
