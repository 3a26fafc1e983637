//! Options by name: each known, at most once, with the right kind of value.

use syn::{LitStr, Path};

use crate::attr::{Opt, Value};
use crate::ctxt::{Ctxt, Reported};
use crate::suggest;

/// The known options of an attribute, each at most once.
pub(crate) struct Options<'a> {
    known: Vec<&'a Opt>,
    /// The options that unknown ones may be typos of.
    misspelt: Vec<(String, Reported)>,
}

impl<'a> Options<'a> {
    /// Reports options that are unknown or repeated and keeps the others.
    pub(crate) fn new(
        cx: &Ctxt,
        attribute: &str,
        known: &[&str],
        options: impl IntoIterator<Item = &'a Opt>,
    ) -> Self {
        let mut kept: Vec<&Opt> = Vec::new();
        let mut misspelt = Vec::new();
        for option in options {
            let key = &option.key;
            if !known.iter().any(|known| key == known) {
                let text = key.to_string();
                let reported = cx.error(key, unknown(attribute, &text, known));
                let meant = suggest::closest(&text, known);
                misspelt.extend(meant.map(|meant| (meant.to_owned(), reported)));
            } else if kept.iter().any(|seen| seen.key == *key) {
                cx.error(key, format!("`{key}` is given twice; remove one"));
            } else {
                kept.push(option);
            }
        }
        Self { known: kept, misspelt }
    }

    /// The option with that name, if present.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Opt> {
        self.known.iter().find(|option| option.key == key).copied()
    }

    /// The report on an option that was meant to be this one.
    pub(crate) fn misspelt(&self, key: &str) -> Option<Reported> {
        self.misspelt.iter().find(|(meant, _)| meant == key).map(|(_, reported)| *reported)
    }
}

fn unknown(attribute: &str, key: &str, known: &[&str]) -> String {
    match suggest::closest(key, known) {
        Some(meant) => format!("unknown option `{key}`; did you mean `{meant}`?"),
        None => {
            let known = suggest::list(known);
            format!("unknown option `{key}`; `#[{attribute}]` takes {known}")
        }
    }
}

/// The string of an option; `example` is one it could have.
pub(crate) fn string<'a>(
    cx: &Ctxt,
    option: &'a Opt,
    example: &str,
) -> Result<&'a LitStr, Reported> {
    let key = &option.key;
    match &option.value {
        Value::Str(value) => Ok(value),
        _ => Err(cx.error(
            option.at(),
            format!("`{key}` takes a string literal: `{key} = \"{example}\"`"),
        )),
    }
}

/// The keyword of an option and its meaning.
pub(crate) fn keyword<T: Copy>(
    cx: &Ctxt,
    option: &Opt,
    keywords: &[(&str, T)],
) -> Result<T, Reported> {
    let key = &option.key;
    let names: Vec<&str> = keywords.iter().map(|(name, _)| *name).collect();
    let given = match &option.value {
        Value::Path(path) => word(path),
        Value::Str(text) => {
            // With quotes it would look like a custom name.
            let text = text.value();
            let message = match suggest::closest(&text, &names) {
                Some(meant) => format!("`{key}` is written without quotes: `{key} = {meant}`"),
                None => format!("`{key}` takes one of {}, without quotes", suggest::list(&names)),
            };
            return Err(cx.error(option.at(), message));
        }
        Value::Missing | Value::Int(_) | Value::Other(_) => None,
    };
    let Some(given) = given else {
        let names = suggest::list(&names);
        return Err(cx.error(option.at(), format!("`{key}` takes one of {names}")));
    };
    match keywords.iter().find(|(name, _)| *name == given) {
        Some((_, value)) => Ok(*value),
        None => Err(cx.error(option.at(), unknown_keyword(key, &given, &names))),
    }
}

fn unknown_keyword(key: &syn::Ident, given: &str, names: &[&str]) -> String {
    match suggest::closest(given, names) {
        Some(meant) => format!("unknown `{key}` `{given}`; did you mean `{meant}`?"),
        None => format!("unknown `{key}` `{given}`; it is one of {}", suggest::list(names)),
    }
}

/// Whether an option without a value is present.
pub(crate) fn flag(cx: &Ctxt, option: Option<&Opt>) -> Result<bool, Reported> {
    match option {
        None => Ok(false),
        Some(Opt { value: Value::Missing, .. }) => Ok(true),
        Some(option) => {
            let key = &option.key;
            Err(cx.error(option.at(), format!("`{key}` takes no value; write `{key}` alone")))
        }
    }
}

/// The only word of a path.
pub(crate) fn word(path: &Path) -> Option<String> {
    path.get_ident().map(ToString::to_string)
}
