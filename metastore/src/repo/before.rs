//! What a write takes the place of.

use std::borrow::Cow;

use crate::document::Document;
use crate::document::content;
use crate::document::envelope::Kept;
use crate::document::item::Item;
use crate::document::unknown::{Extra, UnknownFields};
use crate::json::Limits;

/// What is stored, as a write compares it with what takes its place.
pub(crate) struct Before<'a> {
    /// What the type writes of it.
    own: Cow<'a, [u8]>,
    /// What of it the type does not know.
    extras: Vec<Extra<'a>>,
}

impl<'a> Before<'a> {
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
        if let UnknownFields::Unreadable(stored) = unknown {
            return Self { own: stored.as_bytes().into(), extras: Vec::new() };
        }
        // What was read but cannot be written differs from whatever can.
        let own = content::own(document, limits, operation).unwrap_or_default();
        let extras = unknown.possible();
        let extras = extras.map(|stored| content::unknown_in::<T>(stored, &own, limits, operation));
        Self { own: own.into(), extras: extras.unwrap_or_default() }
    }

    /// What a write keeps that leaves alone what it does not know.
    pub(crate) fn kept(&self) -> Kept<'_> {
        Kept { extras: &self.extras, before: &self.own }
    }

    /// All of it.
    pub(crate) fn content(&self) -> Cow<'_, [u8]> {
        if self.extras.is_empty() {
            Cow::Borrowed(&self.own)
        } else {
            content::with_extras(&self.own, &self.own, &self.extras).into()
        }
    }
}
