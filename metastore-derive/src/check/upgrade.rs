//! The schema number, and the upgrades that lead to it.

use syn::{LitInt, Path};

use crate::attr::{Opt, Value};
use crate::check::options::Options;
use crate::ctxt::{Ctxt, Reported};
use crate::raw::Upgrade;

/// A number that no real history reaches, so that a typo is reported as one.
const MAX_SCHEMA: u32 = 65_535;

/// How many missing steps one message names.
const NAMED: usize = 3;

/// The schema number; 1 by default.
pub(crate) fn schema(cx: &Ctxt, option: Option<&Opt>) -> Result<u32, Reported> {
    let Some(option) = option else { return Ok(1) };
    let number = match &option.value {
        Value::Int(value) => value.base10_parse().ok(),
        _ => None,
    };
    number.filter(|number| (1..=MAX_SCHEMA).contains(number)).ok_or_else(|| {
        let message = format!("`schema` takes a whole number from 1 to {MAX_SCHEMA}: `schema = 2`");
        cx.error(option.at(), message)
    })
}

/// The functions of the steps from 1 up to `schema`. A wrong one is reported and omitted.
pub(crate) fn upgrades(
    cx: &Ctxt,
    raw: &[Result<Upgrade, Reported>],
    schema: Result<u32, Reported>,
    option: Option<&Opt>,
) -> Vec<Path> {
    let mut seen: Vec<u32> = Vec::new();
    let mut checked = Vec::new();
    let mut readable = true;
    for upgrade in raw {
        let Ok(upgrade) = upgrade else {
            readable = false;
            continue;
        };
        let function = function(cx, upgrade);
        let Ok(from) = step(cx, upgrade) else {
            readable = false;
            continue;
        };
        let placed = place(cx, upgrade, from, &seen, schema);
        seen.push(from);
        if let (Ok(function), Ok(())) = (function, placed) {
            checked.push(function);
        }
    }
    // A step that cannot be parsed may be the missing one.
    if let (Ok(schema), Some(option), true) = (schema, option, readable) {
        missing(cx, schema, &seen, option);
    }
    checked
}

fn function(cx: &Ctxt, upgrade: &Upgrade) -> Result<Path, Reported> {
    let options = Options::new(cx, "upgrade", &["with"], &upgrade.options);
    let usage = format!("`#[upgrade({} -> {}, with = function)]`", upgrade.from, upgrade.to);
    let Some(option) = options.get("with") else {
        return Err(options.misspelt("with").unwrap_or_else(|| {
            cx.error(&upgrade.attr, format!("missing the function: write {usage}"))
        }));
    };
    match &option.value {
        Value::Path(path) => Ok(path.clone()),
        Value::Str(path) => {
            let path = path.value();
            Err(cx.error(option.at(), format!("write the path without quotes: `with = {path}`")))
        }
        _ => Err(cx.error(option.at(), format!("`with` takes the path of a function: {usage}"))),
    }
}

/// The number that a step starts from.
fn step(cx: &Ctxt, upgrade: &Upgrade) -> Result<u32, Reported> {
    let from = number(cx, &upgrade.from)?;
    let to = number(cx, &upgrade.to)?;
    if to == from + 1 {
        return Ok(from);
    }
    let next = from + 1;
    let message = if to > from {
        format!(
            "an upgrade goes up by one; write `{from} -> {next}`, and one for each further step"
        )
    } else {
        format!("an upgrade goes up by one; write `{from} -> {next}`")
    };
    Err(cx.error(&upgrade.to, message))
}

fn number(cx: &Ctxt, literal: &LitInt) -> Result<u32, Reported> {
    let number = literal.base10_parse().ok();
    number.filter(|number| (1..=MAX_SCHEMA).contains(number)).ok_or_else(|| {
        cx.error(literal, format!("a schema number is a whole number from 1 to {MAX_SCHEMA}"))
    })
}

fn place(
    cx: &Ctxt,
    upgrade: &Upgrade,
    from: u32,
    seen: &[u32],
    schema: Result<u32, Reported>,
) -> Result<(), Reported> {
    let to = from + 1;
    if seen.contains(&from) {
        let message = format!("there is already an upgrade from {from} to {to}; remove one");
        return Err(cx.error(&upgrade.from, message));
    }
    // The attributes are the history of the struct, to be read from top to bottom.
    if let Some(last) = seen.last().filter(|last| **last > from) {
        let message =
            format!("`{from} -> {to}` comes before `{last} -> {}`; put them in order", last + 1);
        return Err(cx.error(&upgrade.from, message));
    }
    match schema {
        Ok(schema) if to > schema => Err(cx.error(
            &upgrade.to,
            format!(
                "the struct is at schema {schema}; write `schema = {to}` in `#[collection]`, or remove \
                 this upgrade"
            ),
        )),
        _ => Ok(()),
    }
}

/// One message for all missing steps, at the number that requires them.
fn missing(cx: &Ctxt, schema: u32, seen: &[u32], option: &Opt) {
    let mut missing = (1..schema).filter(|from| !seen.contains(from));
    let named: Vec<String> =
        missing.by_ref().take(NAMED).map(|from| format!("{from} -> {}", from + 1)).collect();
    let Some(first) = named.first() else { return };
    let names = named.join("`, `");
    let further = match missing.count() {
        0 => String::new(),
        further => format!(" and {further} more"),
    };
    cx.error(
        option.at(),
        format!(
            "`schema = {schema}` needs an upgrade for each step and has none for `{names}`{further}; add \
             `#[upgrade({first}, with = function)]`"
        ),
    );
}
