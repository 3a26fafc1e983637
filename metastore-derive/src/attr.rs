//! The options of an attribute, each with the span of its key and of its value.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::parse::discouraged::Speculative as _;
use syn::parse::{ParseBuffer, ParseStream};
use syn::{Attribute, Error, Ident, Lit, LitInt, LitStr, Meta, Path, Result, Token, token};

use crate::ctxt::{Ctxt, Reported};

/// One `key = value`, as the user wrote it.
pub(crate) struct Opt {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

/// The value of a key.
pub(crate) enum Value {
    /// No value.
    Missing,
    Str(LitStr),
    Int(LitInt),
    /// A name or a path, without quotes.
    Path(Path),
    Other(TokenStream),
}

impl Opt {
    /// Where to report that the value is wrong.
    pub(crate) fn at(&self) -> TokenStream {
        match &self.value {
            Value::Missing => self.key.to_token_stream(),
            Value::Str(value) => value.to_token_stream(),
            Value::Int(value) => value.to_token_stream(),
            Value::Path(value) => value.to_token_stream(),
            Value::Other(value) => value.clone(),
        }
    }
}

/// The options of `#[name(key = value, …)]`; `usage` is an example of the whole attribute.
pub(crate) fn options(
    cx: &Ctxt,
    attr: &Attribute,
    usage: &str,
) -> std::result::Result<Vec<Opt>, Reported> {
    match &attr.meta {
        Meta::Path(_) => Ok(Vec::new()),
        Meta::NameValue(_) => Err(cx.error(&attr.meta, format!("expected {usage}"))),
        Meta::List(list) => {
            let parsed = list.parse_args_with(|input: ParseStream<'_>| Ok(list_of(cx, input)));
            parsed.map_err(|error| cx.syn(error))
        }
    }
}

/// Options up to the end of the input. After a mistake parsing continues with the next option, so
/// that one mistake does not hide another.
pub(crate) fn list_of(cx: &Ctxt, input: ParseStream<'_>) -> Vec<Opt> {
    let mut options = Vec::new();
    while !input.is_empty() {
        match option(input) {
            Ok(option) => options.push(option),
            Err(error) => {
                cx.syn(error);
                up_to_comma(input);
            }
        }
        if let Err(error) = comma(input) {
            cx.syn(error);
        }
    }
    options
}

fn option(input: ParseStream<'_>) -> Result<Opt> {
    let syntax = Error::new(input.span(), "expected an option, such as `name = \"…\"`");
    let key = input.call(Ident::parse_any).map_err(|_| syntax)?;
    let value = if input.parse::<Option<Token![=]>>()?.is_some() {
        value(input)
    } else if input.peek(token::Paren) {
        Value::Other(up_to_comma(input))
    } else {
        Value::Missing
    };
    Ok(Opt { key, value })
}

/// Skips the comma after an option or, if it is missing, to where the next option may start.
fn comma(input: ParseStream<'_>) -> Result<()> {
    if input.is_empty() || input.parse::<Option<Token![,]>>()?.is_some() {
        return Ok(());
    }
    let missing = Error::new(input.span(), "expected `,` before the next option");
    if !starts_option(input) {
        up_to_comma(input);
        input.parse::<Option<Token![,]>>()?;
    }
    Err(missing)
}

fn value(input: ParseStream<'_>) -> Value {
    if ends(input) {
        return Value::Missing;
    }
    let ahead = input.fork();
    if let Some(value) = simple_value(&ahead)
        && (ends(&ahead) || starts_option(&ahead))
    {
        input.advance_to(&ahead);
        return value;
    }
    Value::Other(up_to_comma(input))
}

fn simple_value(input: &ParseBuffer<'_>) -> Option<Value> {
    if let Ok(literal) = input.parse::<Lit>() {
        return Some(match literal {
            Lit::Str(value) => Value::Str(value),
            Lit::Int(value) => Value::Int(value),
            other => Value::Other(other.into_token_stream()),
        });
    }
    input.call(Path::parse_mod_style).ok().map(Value::Path)
}

fn ends(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![,])
}

fn starts_option(input: ParseStream<'_>) -> bool {
    input.peek(Ident::peek_any) && input.peek2(Token![=])
}

fn up_to_comma(input: ParseStream<'_>) -> TokenStream {
    let mut tokens = TokenStream::new();
    while !ends(input) {
        match input.parse::<TokenTree>() {
            Ok(token) => tokens.extend(quote!(#token)),
            Err(_) => break,
        }
    }
    tokens
}

/// The name of an attribute, for messages.
pub(crate) fn name(attr: &Attribute) -> String {
    attr.path().get_ident().map(ToString::to_string).unwrap_or_default()
}
