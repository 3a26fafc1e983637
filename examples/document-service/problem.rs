//! Errors as status codes and JSON (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use metastore::{Error, ErrorKind};
use serde_json::{Map, Value, json};

/// Seconds after which a request that failed for the moment may be made again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Why a request was refused.
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    /// What programs can act upon.
    more: Map<String, Value>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), more: Map::new() }
    }

    /// The rest of such a request is not waited for, so its connection cannot be used again.
    pub(crate) fn too_slow(detail: &str) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, detail)
    }

    pub(crate) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = status(&error);
        let problem = if status.is_server_error() {
            // The operator of the service has to fix it; clients learn only what to do.
            eprintln!("error: {error}");
            Self::new(
                status,
                match status {
                    StatusCode::SERVICE_UNAVAILABLE => "not for the moment; try again",
                    StatusCode::GATEWAY_TIMEOUT => {
                        "it may or may not be done; look before trying again"
                    }
                    StatusCode::INSUFFICIENT_STORAGE => "there is no room for more",
                    _ => "the service failed",
                },
            )
        } else {
            Self::new(status, error.kind().to_string())
        };
        match error.kind() {
            ErrorKind::Validation(_) => problem.with("violations", json!(error.violations())),
            ErrorKind::InvalidJson { path, .. } => problem.with("path", path.as_str()),
            ErrorKind::Conflict { expected, actual } => {
                problem.with("expected", *expected).with("actual", *actual)
            }
            ErrorKind::AlreadyExists { field: Some(field) }
            | ErrorKind::Unindexable { field, .. } => problem.with("field", field.as_str()),
            ErrorKind::UnknownName { known, .. } => problem.with("known", known.as_slice()),
            ErrorKind::OutcomeUnknown { commit, .. } => problem.with("commit", commit.as_str()),
            _ => problem,
        }
    }
}

fn status(error: &Error) -> StatusCode {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::JobGone => StatusCode::NOT_FOUND,
        // These are in the body, all other names in the path.
        ErrorKind::UnknownName { what: "field" | "operator", .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        ErrorKind::UnknownName { .. } => StatusCode::NOT_FOUND,
        // Only operations with an expected version answer to `If-Match`.
        ErrorKind::Conflict { .. } if error.operation().ends_with("_at") => {
            StatusCode::PRECONDITION_FAILED
        }
        ErrorKind::Conflict { .. }
        | ErrorKind::AlreadyExists { .. }
        | ErrorKind::NewerSchema { .. } => StatusCode::CONFLICT,
        ErrorKind::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        _ if error.is_invalid_document() => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::InvalidId(_) | ErrorKind::InvalidName(_) | ErrorKind::InvalidArgument(_) => {
            StatusCode::BAD_REQUEST
        }
        ErrorKind::OutOfMemory(_) => StatusCode::INSUFFICIENT_STORAGE,
        ErrorKind::OutcomeUnknown { .. } => StatusCode::GATEWAY_TIMEOUT,
        _ if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = self.more;
        body.insert("title".into(), self.status.canonical_reason().unwrap_or_default().into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("detail".into(), self.detail.into());
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, Value::Object(body).to_string()).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if self.status == StatusCode::REQUEST_TIMEOUT {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
