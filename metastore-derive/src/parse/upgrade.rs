//! `#[upgrade(1 -> 2, with = path)]`.

use syn::parse::ParseStream;
use syn::{Attribute, Error, LitInt, Meta, Result, Token};

use crate::attr;
use crate::ctxt::{Ctxt, Reported};
use crate::raw::Upgrade;

const USAGE: &str = "expected `#[upgrade(1 -> 2, with = function)]`";

/// Reads one attribute.
pub(crate) fn upgrade(cx: &Ctxt, attr: &Attribute) -> std::result::Result<Upgrade, Reported> {
    let parsed = match &attr.meta {
        Meta::List(list) if !list.tokens.is_empty() => {
            list.parse_args_with(|input: ParseStream<'_>| arguments(cx, attr, input))
        }
        meta => Err(Error::new_spanned(meta, USAGE)),
    };
    parsed.map_err(|error| cx.syn(error))
}

fn arguments(cx: &Ctxt, attr: &Attribute, input: ParseStream<'_>) -> Result<Upgrade> {
    let usage = |_| Error::new(input.span(), USAGE);
    let from: LitInt = input.parse().map_err(usage)?;
    input.parse::<Token![->]>().map_err(usage)?;
    let to: LitInt = input.parse().map_err(usage)?;
    if !input.is_empty() {
        input.parse::<Token![,]>().map_err(usage)?;
    }
    let options = attr::list_of(cx, input);
    Ok(Upgrade { attr: attr.path().clone(), from, to, options })
}
