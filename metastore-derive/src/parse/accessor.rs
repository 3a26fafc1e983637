//! `#[mutation(name -> Type)]` and `#[transformation(name -> Type, …)]`.

use std::fmt::Display;

use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Attribute, Error, Ident, LitStr, Meta, Result, Token};

use crate::attr;
use crate::ctxt::Ctxt;
use crate::raw::{Accessor, AccessorKind};

/// Reads one attribute.
pub(crate) fn accessor(cx: &Ctxt, attr: &Attribute, kind: AccessorKind) -> Option<Accessor> {
    let parsed = match &attr.meta {
        Meta::List(list) if !list.tokens.is_empty() => {
            list.parse_args_with(|input: ParseStream<'_>| arguments(cx, input, kind))
        }
        meta => Err(Error::new_spanned(meta, usage(kind))),
    };
    parsed.map_err(|error| cx.syn(error)).ok()
}

fn arguments(cx: &Ctxt, input: ParseStream<'_>, kind: AccessorKind) -> Result<Accessor> {
    let name = name(input, kind)?;
    input.parse::<Token![->]>().map_err(|_| at(input, usage(kind)))?;
    let ty = input.parse().map_err(|error: Error| Error::new(error.span(), usage(kind)))?;
    if !input.is_empty() {
        input.parse::<Token![,]>().map_err(|_| {
            at(input, format!("expected `,` or the end of the attribute: {}", usage(kind)))
        })?;
    }
    if input.peek(Ident::peek_any) && input.peek2(Token![->]) {
        let word = kind.word();
        return Err(at(
            input,
            format!(
                "one `#[{word}]` defines one {word}; write another `#[{word}(…)]` for this one"
            ),
        ));
    }
    let options = attr::list_of(cx, input);
    Ok(Accessor { kind, name, ty, options })
}

fn name(input: ParseStream<'_>, kind: AccessorKind) -> Result<Ident> {
    if input.peek(LitStr) {
        return Err(at(input, format!("write the name without quotes: {}", usage(kind))));
    }
    if input.peek(Ident) {
        return input.parse();
    }
    let syntax = at(input, usage(kind));
    let word = input.call(Ident::parse_any).map_err(|_| syntax.clone())?;
    if !input.peek(Token![->]) {
        return Err(syntax);
    }
    // These are keywords even with `r#`.
    if ["self", "Self", "super", "crate", "_"].iter().any(|path| word == path) {
        let message = format!("`{word}` cannot be a name; choose another");
        return Err(Error::new_spanned(&word, message));
    }
    Err(Error::new_spanned(&word, format!("`{word}` is a keyword; write `r#{word}`")))
}

/// Not `ParseStream::error`, which puts "unexpected end of input" before a message.
fn at(input: ParseStream<'_>, message: impl Display) -> Error {
    Error::new(input.span(), message)
}

fn usage(kind: AccessorKind) -> &'static str {
    match kind {
        AccessorKind::Mutation => {
            "expected `#[mutation(name -> Type)]`, such as `#[mutation(wordcount -> usize)]`"
        }
        AccessorKind::Transformation => {
            "expected `#[transformation(name -> Type)]`, such as \
             `#[transformation(summarize -> Summary, timeout = \"30s\", retries = 3)]`"
        }
    }
}
