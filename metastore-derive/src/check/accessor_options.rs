//! The options of mutations, which have none, and of transformations.

use std::num::NonZeroU64;

use crate::attr::{Opt, Value};
use crate::check::options::{self, Options};
use crate::ctxt::{Ctxt, Reported};
use crate::duration::{self, Limit};
use crate::raw::Accessor;

const TRANSFORMATION: [&str; 2] = ["timeout", "retries"];

/// More would be a job that nobody ever looks at.
const MAX_RETRIES: u32 = 1000;

/// A mutation runs within the call, so there is nothing to set.
pub(crate) fn none(cx: &Ctxt, raw: &Accessor) {
    for Opt { key, .. } in &raw.options {
        let message = if TRANSFORMATION.iter().any(|option| key == option) {
            format!("`{key}` is for transformations; remove it, or make this a `#[transformation]`")
        } else {
            format!("unknown option `{key}`; `#[mutation]` takes none after the type")
        };
        cx.error(key, message);
    }
}

/// The timeout and the retries; a wrong one is reported and left out.
pub(crate) fn transformation(cx: &Ctxt, raw: &Accessor) -> (Option<NonZeroU64>, Option<u32>) {
    let options = Options::new(cx, "transformation", &TRANSFORMATION, &raw.options);
    let timeout = options.get("timeout").and_then(|option| timeout(cx, option).ok());
    let retries = options.get("retries").and_then(|option| retries(cx, option).ok());
    (timeout, retries)
}

fn timeout(cx: &Ctxt, option: &Opt) -> Result<NonZeroU64, Reported> {
    let text = options::string(cx, option, "30s")?;
    duration::parse(&text.value(), Limit::TIMEOUT).map_err(|message| cx.error(text, message))
}

fn retries(cx: &Ctxt, option: &Opt) -> Result<u32, Reported> {
    let retries = match &option.value {
        Value::Int(value) => value.base10_parse().ok(),
        _ => None,
    };
    retries.filter(|retries| *retries <= MAX_RETRIES).ok_or_else(|| {
        cx.error(
            option.at(),
            format!("`retries` takes a whole number from 0 to {MAX_RETRIES}: `retries = 3`"),
        )
    })
}
