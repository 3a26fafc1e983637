//! Partial documents: which fields an update sets, and to what.

/// The fields of a document to set; each collection's derive generates one.
pub trait Patch<T>: Clone + Default + Send + Sync {
    /// Writes the fields that are set into the document and leaves the others alone.
    fn apply(self, document: &mut T);
}

/// What a patch setter takes for a field of type `F`.
///
/// A field takes its own type; an optional one also takes the bare value, and a text field a `&str`.
/// So `.language("en")`, `.language(None)` and `.language(other.language.clone())` all work on an
/// `Option<String>`.
#[diagnostic::on_unimplemented(
    message = "a field of type `{F}` cannot be set from `{Self}`",
    label = "expected `{F}`"
)]
pub trait PatchValue<F> {
    /// The field's new value.
    fn into_field(self) -> F;
}

impl<F> PatchValue<F> for F {
    fn into_field(self) -> F {
        self
    }
}

impl<F> PatchValue<Option<F>> for F {
    fn into_field(self) -> Option<F> {
        Some(self)
    }
}

impl PatchValue<String> for &str {
    fn into_field(self) -> String {
        self.to_owned()
    }
}

impl PatchValue<Option<String>> for &str {
    fn into_field(self) -> Option<String> {
        Some(self.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set<F>(value: impl PatchValue<F>) -> F {
        value.into_field()
    }

    #[test]
    fn a_field_takes_its_type_an_option_the_bare_value_and_text_a_literal() {
        assert_eq!(set::<u64>(3), 3);
        assert_eq!(set::<Option<u64>>(3), Some(3));
        assert_eq!(set::<Option<u64>>(None), None);
        assert_eq!(set::<String>("a"), "a");
        assert_eq!(set::<Option<String>>("a"), Some("a".to_owned()));
        assert_eq!(set::<Option<String>>(None), None);
        assert_eq!(set::<Vec<String>>(vec![]), Vec::<String>::new());
        assert_eq!(set::<Option<Option<u8>>>(Some(None)), Some(None));
    }
}
