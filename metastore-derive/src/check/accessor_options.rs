//! The options of mutations, which have none, and of transformations.

use std::num::NonZeroU64;

use crate::attr::{Opt, Value};
use crate::check::options::{self, Options};
use crate::ctxt::{Ctxt, Reported};
use crate::duration::{self, Limit};
use crate::model::TransformationOptions;
use crate::raw::Accessor;

const TRANSFORMATION: [&str; 7] =
    ["timeout", "retries", "retry_delay", "result_ttl", "mode", "after", "on"];

/// The values of `on`, one or both.
const EVENTS: [(&str, Event); 2] = [("create", Event::Create), ("update", Event::Update)];

/// A larger number is certainly a mistake.
const MAX_RETRIES: u32 = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    Create,
    Update,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Worker,
    Inline,
}

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

/// The options of a transformation; a wrong one is reported and omitted. `after` is checked once
/// all transformations are known.
pub(crate) fn transformation(cx: &Ctxt, raw: &Accessor) -> TransformationOptions {
    let (events, rest) = with_events(&raw.options);
    let options = Options::new(cx, "transformation", &TRANSFORMATION, rest);
    let duration = |key, example, limit| {
        options.get(key).and_then(|option| duration(cx, option, example, limit).ok())
    };
    let mode = options.get("mode").and_then(|option| {
        let modes = [("worker", Mode::Worker), ("inline", Mode::Inline)];
        options::keyword(cx, option, &modes).ok()
    });
    let inline = mode == Some(Mode::Inline);
    let after = options.get("after").filter(|option| requested(cx, option, inline).is_ok());
    let on = options.get("on").filter(|option| requested(cx, option, inline).is_ok());
    let events = on.map(|option| self::events(cx, option, &events)).unwrap_or_default();
    TransformationOptions {
        timeout: duration("timeout", "30s", Limit::TIMEOUT),
        retries: options.get("retries").and_then(|option| retries(cx, option).ok()),
        retry_delay: duration("retry_delay", "5s", Limit::TIMEOUT),
        result_ttl: duration("result_ttl", "7d", Limit::TTL),
        inline,
        after: after.and_then(|option| self::after(cx, option).ok()),
        on_create: events.contains(&Event::Create),
        on_update: events.contains(&Event::Update),
    }
}

/// Splits off the further words of `on = create, update`, which look like options without a value.
fn with_events(options: &[Opt]) -> (Vec<&Opt>, Vec<&Opt>) {
    let (mut events, mut rest, mut follows_on) = (Vec::new(), Vec::new(), false);
    for option in options {
        let is_event = matches!(option.value, Value::Missing)
            && EVENTS.iter().any(|(name, _)| option.key == name);
        if follows_on && is_event {
            events.push(option);
        } else {
            follows_on = option.key == "on";
            rest.push(option);
        }
    }
    (events, rest)
}

fn events(cx: &Ctxt, on: &Opt, further: &[&Opt]) -> Vec<Event> {
    let mut events: Vec<Event> = options::keyword(cx, on, &EVENTS).ok().into_iter().collect();
    for option in further {
        let found = EVENTS.iter().find(|(name, _)| option.key == name);
        if let Some((name, event)) = found {
            if events.contains(event) {
                cx.error(&option.key, format!("`{name}` is given twice; remove one"));
            }
            events.push(*event);
        }
    }
    events
}

/// The caller runs an inline transformation, so nothing else can request it.
fn requested(cx: &Ctxt, option: &Opt, inline: bool) -> Result<(), Reported> {
    if !inline {
        return Ok(());
    }
    let key = &option.key;
    let message = format!(
        "`{key}` has no effect with `mode = inline`, which its caller runs; remove one of the two"
    );
    Err(cx.error(key, message))
}

/// The name of the transformation that comes before.
fn after(cx: &Ctxt, option: &Opt) -> Result<syn::Ident, Reported> {
    let name = match &option.value {
        Value::Path(path) => path.get_ident().cloned(),
        _ => None,
    };
    name.ok_or_else(|| {
        let message = "`after` takes the name of another transformation, without quotes: \
                       `after = extract`";
        cx.error(option.at(), message)
    })
}

fn duration(cx: &Ctxt, option: &Opt, example: &str, limit: Limit) -> Result<NonZeroU64, Reported> {
    let text = options::string(cx, option, example)?;
    duration::parse(&text.value(), limit).map_err(|message| cx.error(text, message))
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
