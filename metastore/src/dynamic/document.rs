//! Documents and patches from untrusted JSON.

use std::borrow::Cow;

use crate::collection::Collection;
use crate::document::content;
use crate::document::unknown::{self, push_name};
use crate::error::{Error, ErrorKind, Result};
use crate::json::text::Json;
use crate::json::tree::members;
use crate::json::{Limits, describe};
use crate::schema::FieldSchema;

/// What a write changes.
pub(super) enum Change {
    /// The fields in the patch.
    Patch(Json),
    /// The whole document.
    Replace(Json),
}

/// Reads a whole document. A field that the struct does not know is refused: it is a mistake, or
/// would be lost.
pub(super) fn document<T: Collection>(
    json: &Json,
    limits: Limits,
    operation: &'static str,
) -> Result<T> {
    let text = object(json, limits, operation)?;
    read(&text, limits, operation)
}

/// The fields that a patch sets.
pub(super) struct PatchText<'a>(Cow<'a, str>);

impl<'a> PatchText<'a> {
    /// Checks what can be checked of a patch without the document.
    pub(super) fn check<T: Collection>(
        json: &'a Json,
        limits: Limits,
        operation: &'static str,
    ) -> Result<Self> {
        let patch = Self(object(json, limits, operation)?);
        let mut set: Vec<&str> = Vec::new();
        for (name, _) in patch.fields(operation)? {
            let field = field::<T>(&name);
            // The names in a flattened field are only known when it is deserialized.
            let flattens = || T::SCHEMA.fields.iter().any(|field| field.json_name.is_none());
            if field.is_none() && !T::SCHEMA.writes(&name) && !flattens() {
                return Err(unknown_field::<T>(&name, operation));
            }
            let Some(own) = field.and_then(|field| field.json_name) else { continue };
            if set.contains(&own) {
                let message = format!("this is `{own}` by another name; give it once");
                return Err(misfit(name.into_owned(), message, operation));
            }
            set.push(own);
        }
        Ok(patch)
    }

    fn fields(&self, operation: &'static str) -> Result<Vec<(Cow<'_, str>, &str)>> {
        members(&self.0).map_err(|error| misfit(String::new(), error.to_string(), operation))
    }

    /// A document with the fields of the patch set; `null` clears an optional field.
    pub(super) fn apply<T: Collection>(
        &self,
        document: &T,
        limits: Limits,
        operation: &'static str,
    ) -> Result<T> {
        let own = content::own(document, limits, operation)?;
        let unreadable =
            |error: serde_json::Error| Error::new(operation, ErrorKind::Encode(error.to_string()));
        // As text, so that fields that are not in the patch are preserved byte for byte.
        let mut fields =
            members(std::str::from_utf8(&own).unwrap_or_default()).map_err(unreadable)?;
        for (name, value) in self.fields(operation)? {
            let name = field::<T>(&name).and_then(|field| field.json_name).map_or(name, Cow::from);
            match fields.iter_mut().find(|(own, _)| *own == name) {
                Some((_, old)) => *old = value,
                None => fields.push((name, value)),
            }
        }
        let mut text = String::with_capacity(own.len() + self.0.len());
        text.push('{');
        for (at, (name, value)) in fields.iter().enumerate() {
            push_name(&mut text, at, name);
            text.push_str(value);
        }
        text.push('}');
        read(&text, limits, operation)
    }
}

fn read<T: Collection>(text: &str, limits: Limits, operation: &'static str) -> Result<T> {
    let (document, unknown) = unknown::read::<T>(text).map_err(|error| {
        let (path, message) = describe::<T>(text.as_bytes(), &error);
        misfit(path, message, operation)
    })?;
    if let Some(text) = unknown.possible() {
        let own = content::own(&document, limits, operation)?;
        if let Some(extra) = content::unknown_in::<T>(text, &own, limits, operation).first() {
            if extra.name().is_none() {
                let message =
                    "the number is too large for the type of the field; write it as a string";
                return Err(misfit(extra.shown(), message.to_owned(), operation));
            }
            return Err(unknown_field::<T>(&extra.shown(), operation));
        }
    }
    Ok(document)
}

fn object<'j>(json: &'j Json, limits: Limits, operation: &'static str) -> Result<Cow<'j, str>> {
    let text = json.checked(limits, operation)?;
    if text.starts_with('{') {
        Ok(text)
    } else {
        Err(misfit(String::new(), "expected an object".into(), operation))
    }
}

fn misfit(path: String, message: String, operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::InvalidJson { path, message })
}

/// The field with this name or alias.
fn field<T: Collection>(name: &str) -> Option<&'static FieldSchema> {
    let fields = T::SCHEMA.fields;
    let own = fields.iter().find(|field| field.json_name == Some(name));
    own.or_else(|| fields.iter().find(|field| field.aliases.contains(&name)))
}

fn unknown_field<T: Collection>(name: &str, operation: &'static str) -> Error {
    let known = T::SCHEMA.fields.iter().filter_map(|field| field.json_name);
    Error::unknown_name(operation, "field", name, known)
}
