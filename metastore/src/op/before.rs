//! What a write takes the place of.

use std::borrow::Cow;

use crate::collection::Collection;
use crate::content;
use crate::envelope::Kept;
use crate::item::Item;
use crate::json::Limits;
use crate::unknown::{Extra, UnknownFields};

/// What is stored, as a write compares it with what takes its place.
pub(super) struct Before<'a> {
    /// What the type writes of it.
    own: Cow<'a, [u8]>,
    /// What of it the type does not know.
    extras: Vec<Extra<'a>>,
}

impl<'a> Before<'a> {
    pub(super) fn of<T: Collection>(
        base: &'a Item<T>,
        limits: Limits,
        operation: &'static str,
    ) -> Self {
        Self::of_document(&base.data, base.unknown(), limits, operation)
    }

    pub(super) fn of_document<T: Collection>(
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
    pub(super) fn kept(&self) -> Kept<'_> {
        Kept { extras: &self.extras, before: &self.own }
    }

    /// All of it.
    pub(super) fn content(&self) -> Cow<'_, [u8]> {
        if self.extras.is_empty() {
            Cow::Borrowed(&self.own)
        } else {
            content::with_extras(&self.own, &self.own, &self.extras).into()
        }
    }
}
