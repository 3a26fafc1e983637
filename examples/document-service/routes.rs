//! Which request does what.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};

use crate::extract::Service;
use crate::problem::Problem;
use crate::{derived, history, items, lists};

/// All routes.
pub(crate) fn routes(service: Service) -> Router {
    let item = get(items::get).put(items::put).patch(items::patch).delete(items::delete);
    let job = get(derived::status).post(derived::enqueue).delete(derived::cancel);
    let of_item = |rest: &str| format!("/items/{{collection}}/{{id}}{rest}");
    Router::new()
        .route("/collections", get(lists::collections))
        .route("/items/{collection}", get(lists::list).post(items::create))
        .route("/find/{collection}", post(lists::find))
        .route("/count/{collection}", post(lists::count))
        .route("/audit/{collection}", get(history::feed))
        .route(&of_item(""), item)
        .route(&of_item("/versions"), get(history::versions))
        .route(&of_item("/versions/{version}"), get(history::version))
        .route(&of_item("/versions/{version}/revert"), post(history::revert))
        .route(&of_item("/diff"), get(history::diff))
        .route(&of_item("/audit"), get(history::audit))
        .route(&of_item("/mutations/{name}"), get(derived::run).post(derived::materialize))
        .route(&of_item("/mutations/{name}/stored"), get(derived::stored))
        .route(&of_item("/transformations/{name}"), job)
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(service.max_body))
        .with_state(service)
}

async fn nothing_here() -> Problem {
    Problem::not_found("there is nothing at this path; `GET /collections` lists the collections")
}

async fn not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path takes other methods; see `Allow`")
}
