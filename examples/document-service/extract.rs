//! The parts of a request that handlers use; each refusal is a [`Problem`].

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use metastore::Dynamic;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::args::Args;
use crate::json;
use crate::problem::Problem;

/// The user of a request, authenticated by a proxy in front of the service.
const ACTOR: &str = "x-actor";

/// What all requests share.
#[derive(Clone)]
pub(crate) struct Service {
    dynamic: Dynamic,
    pub(crate) max_body: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) require_match: bool,
}

impl Service {
    pub(crate) fn new(dynamic: Dynamic, args: &Args) -> Self {
        Self {
            dynamic,
            max_body: args.max_body,
            body_timeout: Duration::from_secs(args.body_timeout),
            require_match: args.require_match,
        }
    }
}

/// The dynamic, on behalf of the user that the header names: who writes, and whose is what is
/// created.
pub(crate) struct Acting(pub(crate) Dynamic);

impl FromRequestParts<Service> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let dynamic = &service.dynamic;
        Ok(Self(match parts.headers.get(ACTOR) {
            Some(actor) => {
                let actor = std::str::from_utf8(actor.as_bytes());
                let not_text = |_| Problem::new(StatusCode::BAD_REQUEST, "`x-actor` is not text");
                dynamic.as_user(actor.map_err(not_text)?)?
            }
            None => dynamic.clone(),
        }))
    }
}

/// The names in the path.
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Service> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let names = Path::from_request_parts(parts, service).await;
        let Path(names) = names.map_err(|no| Problem::new(no.status(), no.body_text()))?;
        Ok(Self(names))
    }
}

/// What the part behind the question mark asks for.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Service> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let asked = Query::from_request_parts(parts, service).await;
        let Query(asked) = asked.map_err(|no| Problem::new(no.status(), no.body_text()))?;
        Ok(Self(asked))
    }
}

/// The body, read as JSON.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Service> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Problem> {
        if !is_json(&request) {
            let detail = "send JSON, with `content-type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let bytes = timeout(service.body_timeout, Bytes::from_request(request, service)).await;
        let bytes = bytes
            .map_err(|_| Problem::too_slow("the body did not come in time"))?
            .map_err(|no| match no.status() {
                status @ StatusCode::PAYLOAD_TOO_LARGE => {
                    Problem::new(status, format!("a body has {} bytes at most", service.max_body))
                }
                status => Problem::new(status, no.body_text()),
            })?;
        // JSON of another shape is understood; what is no JSON is not.
        let refused =
            |status| move |error| Problem::new(status, format!("the body cannot be read: {error}"));
        let value = json::read(&bytes).map_err(refused(StatusCode::BAD_REQUEST))?;
        serde_json::from_value(value).map(Self).map_err(refused(StatusCode::UNPROCESSABLE_ENTITY))
    }
}

/// `application/json`, `application/merge-patch+json` and the like. A body of no named type is none
/// of them: a page of another site could send it without asking first.
fn is_json(request: &Request) -> bool {
    let Some(kind) = request.headers().get(header::CONTENT_TYPE) else { return false };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}
