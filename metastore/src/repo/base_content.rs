//! The content of the version that an update is based on.

use std::borrow::Cow;

use crate::document::Document;
use crate::document::content;
use crate::document::encode::Preserved;
use crate::document::item::Item;
use crate::document::unknown::{Extra, UnknownFields};
use crate::json::Limits;

/// The content of a version, to be compared with the next one, and its unknown fields.
pub(crate) struct BaseContent<'a> {
    /// The document as its type writes it.
    own: Cow<'a, [u8]>,
    /// The unknown fields.
    extras: Vec<Extra<'a>>,
}

impl<'a> BaseContent<'a> {
    pub(crate) fn of<T: Document>(
        base: &'a Item<T>,
        limits: Limits,
        operation: &'static str,
    ) -> Self {
        Self::of_document(&base.data, base.unknown(), limits, operation)
    }

    pub(crate) fn of_document<T: Document>(
        document: &T,
        unknown: &'a UnknownFields,
        limits: Limits,
        operation: &'static str,
    ) -> Self {
        match unknown {
            // Serializing again would only write the same text.
            UnknownFields::Written(text) => return Self::without_extras(text),
            UnknownFields::Unreadable(text) => return Self::without_extras(text.as_bytes()),
            UnknownFields::None | UnknownFields::Possible(_) => {}
        }
        // A document that was read but cannot be written differs from all that can.
        let own = content::own(document, limits, operation).unwrap_or_default();
        let extras = unknown.possible();
        let extras = extras.map(|stored| content::unknown_in::<T>(stored, &own, limits, operation));
        Self { own: own.into(), extras: extras.unwrap_or_default() }
    }

    fn without_extras(own: &'a [u8]) -> Self {
        Self { own: own.into(), extras: Vec::new() }
    }

    /// The unknown fields, which an update of known fields preserves.
    pub(crate) fn preserved(&self) -> Preserved<'_> {
        Preserved { extras: &self.extras, own: &self.own }
    }

    /// The whole content.
    pub(crate) fn content(&self) -> Cow<'_, [u8]> {
        if self.extras.is_empty() {
            Cow::Borrowed(&self.own)
        } else {
            content::with_extras(&self.own, &self.own, &self.extras).into()
        }
    }
}
