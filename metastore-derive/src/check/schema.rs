//! The options of `#[collection]`.

use std::num::{NonZeroU32, NonZeroU64};

use crate::attr::{Opt, Value};
use crate::check::fingerprint::fingerprint;
use crate::check::options::{self, Options};
use crate::check::serde;
use crate::ctxt::{Ctxt, Reported};
use crate::duration::{self, Limit};
use crate::model::{Name, ObjectType, Schema, Ttl, TtlOnUpdate};
use crate::parse::USAGE;
use crate::raw;
use crate::suggest;

const REQUIRED: [&str; 4] = ["domain", "app", "name", "object_type"];

const OBJECT_TYPES: [(&str, ObjectType); 4] = [
    ("config", ObjectType::Config),
    ("settings", ObjectType::Settings),
    ("state", ObjectType::State),
    ("texts", ObjectType::Texts),
];

const TTL_ON_UPDATE: [(&str, TtlOnUpdate); 2] =
    [("reset", TtlOnUpdate::Reset), ("keep", TtlOnUpdate::Keep)];

const AUDIT: [(&str, bool); 2] = [("on", true), ("off", false)];

/// Checks the options. All are checked before the first failure is returned.
pub(crate) fn schema(
    cx: &Ctxt,
    raw: &raw::Collection,
    options: &Options<'_>,
    number: Result<u32, Reported>,
) -> Result<Schema, Reported> {
    let name = |key, example| options.get(key).map(|option| name(cx, option, example, Name::new));
    let domain = options.get("domain").map(|option| self::name(cx, option, "myapp", Name::domain));
    let app = name("app", "textsplitter");
    let collection = name("name", "texts");
    let object_type =
        options.get("object_type").map(|option| options::keyword(cx, option, &OBJECT_TYPES));
    let ttl = options.get("ttl").map(|option| ttl(cx, option)).transpose();
    let ttl_on_update = ttl_on_update(cx, options, object_type, ttl);
    let keep = options.get("keep").map(|option| keep(cx, option)).transpose();
    let keep_for = options.get("keep_for").map(|option| keep_for(cx, option)).transpose();
    let audit = options.get("audit").map(|option| options::keyword(cx, option, &AUDIT)).transpose();
    let json_schema = options::flag(cx, options.get("json_schema"));

    let (Some(domain), Some(app), Some(name), Some(object_type)) =
        (domain, app, collection, object_type)
    else {
        return Err(missing(cx, raw, options));
    };
    Ok(Schema {
        domain: domain?,
        app: app?,
        name: name?,
        object_type: object_type?,
        ttl: ttl?,
        ttl_on_update: ttl_on_update?,
        keep: keep?,
        keep_for: keep_for?,
        audit: audit?,
        json_schema: json_schema?,
        denies_unknown: raw.serde.denies_unknown,
        reads_otherwise: serde::reads_otherwise(raw),
        number: number?,
        fingerprint: fingerprint(raw),
        tag: serde::tag(raw),
        reads_back: serde::proven(raw),
    })
}

/// One message for all missing options, where the user would write them.
fn missing(cx: &Ctxt, raw: &raw::Collection, options: &Options<'_>) -> Reported {
    let mut reported = raw.unreadable;
    let mut missing = Vec::new();
    for key in REQUIRED.into_iter().filter(|key| options.get(key).is_none()) {
        match options.misspelt(key) {
            Some(misspelt) => reported = Some(misspelt),
            None => missing.push(key),
        }
    }
    match (reported, &raw.attr) {
        // An option that cannot be read or was misspelt may be the missing one.
        (Some(reported), _) if raw.unreadable.is_some() || missing.is_empty() => reported,
        (_, None) => cx.error(&raw.item.ident, format!("missing {USAGE}")),
        (_, Some(attr)) => {
            cx.error(attr, format!("missing {}: write {USAGE}", suggest::list(&missing)))
        }
    }
}

fn name(
    cx: &Ctxt,
    option: &Opt,
    example: &str,
    rule: fn(&str) -> Result<Name, String>,
) -> Result<Name, Reported> {
    let literal = options::string(cx, option, example)?;
    rule(&literal.value()).map_err(|message| cx.error(literal, message))
}

fn ttl(cx: &Ctxt, option: &Opt) -> Result<Ttl, Reported> {
    match &option.value {
        Value::Path(path) if path.is_ident("none") => Ok(Ttl::Never),
        Value::Str(text) if text.value() == "none" => {
            Err(cx.error(option.at(), "`none` is written without quotes: `ttl = none`"))
        }
        Value::Str(text) => match duration::parse(&text.value(), Limit::TTL) {
            Ok(millis) => Ok(Ttl::Millis(millis)),
            Err(message) => Err(cx.error(text, message)),
        },
        _ => Err(cx.error(
            option.at(),
            "`ttl` takes a duration in quotes or `none`: `ttl = \"10m\"` or `ttl = none`",
        )),
    }
}

fn ttl_on_update(
    cx: &Ctxt,
    options: &Options<'_>,
    object_type: Option<Result<ObjectType, Reported>>,
    ttl: Result<Option<Ttl>, Reported>,
) -> Result<TtlOnUpdate, Reported> {
    let Some(option) = options.get("ttl_on_update") else {
        return Ok(TtlOnUpdate::Reset);
    };
    let checked = options::keyword(cx, option, &TTL_ON_UPDATE)?;
    // Without a deadline there is nothing to reset or keep, so one of the two was not meant.
    let lives_for_ever = match (ttl, object_type) {
        (Ok(Some(ttl)), _) => ttl == Ttl::Never,
        (Ok(None), Some(Ok(object_type))) => {
            matches!(object_type, ObjectType::Config | ObjectType::Texts)
        }
        _ => false,
    };
    if lives_for_ever {
        return Err(cx.error(
            &option.key,
            "`ttl_on_update` has no effect on items that live for ever; \
             remove it or add a `ttl`, such as `ttl = \"30d\"`",
        ));
    }
    Ok(checked)
}

fn keep(cx: &Ctxt, option: &Opt) -> Result<NonZeroU32, Reported> {
    let versions = match &option.value {
        Value::Int(value) => value.base10_parse::<u32>().ok(),
        _ => None,
    };
    let message = match versions.map(NonZeroU32::new) {
        Some(Some(versions)) => return Ok(versions),
        Some(None) => {
            "`keep` counts the current version, which always stays; \
             write `keep = 1` for no older versions, or remove it to keep all"
        }
        None => {
            "`keep` takes a whole number of versions, from 1 to 4294967295, without quotes: \
             `keep = 100`"
        }
    };
    Err(cx.error(option.at(), message))
}

fn keep_for(cx: &Ctxt, option: &Opt) -> Result<NonZeroU64, Reported> {
    let Value::Str(text) = &option.value else {
        return Err(cx.error(
            option.at(),
            "`keep_for` takes a duration in quotes: `keep_for = \"90d\"`; \
             remove it to keep versions for ever",
        ));
    };
    duration::parse(&text.value(), Limit::TTL).map_err(|message| cx.error(text, message))
}
