//! Which version a request is meant for: `ETag`, `If-Match`, `If-None-Match` (RFC 9110).
//!
//! The tag of an item is its version in quotation marks. An item that was deleted and created again
//! under an id of the client's own counts from 1 again; generated ids never come again.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};

use crate::extract::Service;
use crate::problem::Problem;

/// The tag of a version.
pub(crate) fn tag(version: u64) -> String {
    format!("\"{version}\"")
}

/// `If-Match`: the version that a change is meant for; `None` for any.
pub(crate) struct IfMatch(pub(crate) Option<u64>);

impl FromRequestParts<Service> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let tags = tags(&parts.headers, &header::IF_MATCH);
        match tags.as_slice() {
            [] if service.require_match && !IfNoneMatch::of(parts).any() => Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "say by `If-Match` which version this is meant for: its `ETag`",
            )),
            [] => Ok(Self(None)),
            [one] if one == "*" => Ok(Self(None)),
            [one] => version(one).map(|version| Self(Some(version))).ok_or_else(|| {
                // A weak tag, or one that was not made here, is the tag of no version.
                Problem::new(StatusCode::PRECONDITION_FAILED, "no version has this tag")
            }),
            _ => Err(Problem::new(StatusCode::BAD_REQUEST, "`If-Match` takes one tag")),
        }
    }
}

/// `If-None-Match`: the tags of what the client has already.
pub(crate) struct IfNoneMatch(Vec<String>);

impl IfNoneMatch {
    fn of(parts: &Parts) -> Self {
        Self(tags(&parts.headers, &header::IF_NONE_MATCH))
    }

    /// Whether the client has this version.
    pub(crate) fn has(&self, version: u64) -> bool {
        let own = tag(version);
        self.any() || self.0.iter().any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == own)
    }

    /// Whether any version will do, which for a change means that there must be none.
    pub(crate) fn any(&self) -> bool {
        self.0.iter().any(|tag| tag == "*")
    }
}

impl FromRequestParts<Service> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).into_iter();
    let texts = values.map(|value| value.to_str().unwrap_or("?"));
    texts.flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()).collect()
}

fn version(tag: &str) -> Option<u64> {
    let version = tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?;
    (self::tag(version) == tag).then_some(version)
}
