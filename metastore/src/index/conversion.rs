//! The values that a patch can set a field from, and that a query can compare it with.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// The types that a patch can set a field from.
///
/// A field is set from its own type, and an optional field also from the bare value. Text
/// (`String`, `Box<str>`, `Arc<str>`, `Cow<'static, str>`) is set from `&str`, `&String` and other
/// text as well, also where it is optional; a list of text from an array or slice of literals. So
/// `.language("en")`, `.language(None)` and `.language(other.language.clone())` all work on an
/// `Option<String>`, and `.stars(raw.parse()?)` parses what the field needs.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` cannot be set from `{V}`",
    label = "expected `{Self}`, found `{V}`",
    note = "a field is set from its own type, an optional one also from the bare value; text also from `&str` and `&String`, and a list of text from an array such as `[\"a\", \"b\"]`",
    note = "for an `Option<&str>` write `.map(str::to_owned)`; for a `vec![\"a\"]` write `[\"a\"]`"
)]
pub trait PatchValue<V>: Sized {
    /// The field's new value.
    fn from_value(value: V) -> Self;
}

/// The types that a query can compare a field with: the same that a patch can set it from.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` cannot be compared with `{V}`",
    label = "expected `{Self}`, found `{V}`",
    note = "a field is compared with a value of its own type, an optional one also with the bare value; text also with `&str` and `&String`",
    note = "for an `Option<&str>` write `.map(str::to_owned)`"
)]
pub trait QueryValue<V>: Sized {
    /// The value to compare with.
    fn to_compare(value: V) -> Self;
}

macro_rules! values {
    ($([$($generics:tt)*] $field:ty, $from:ty: $value:ident => $converted:expr;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> PatchValue<$from> for $field {
            fn from_value($value: $from) -> Self {
                $converted
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($generics)*> QueryValue<$from> for $field {
            fn to_compare($value: $from) -> Self {
                $converted
            }
        }
    )*};
}

values! {
    [F] F, F: value => value;
    [F] Option<F>, F: value => Some(value);
    [] Vec<String>, &[&str]: value => value.iter().map(|text| (*text).to_owned()).collect();
    [] Vec<String>, &[String]: value => value.to_vec();
    [const N: usize] Vec<String>, [&str; N]: value => value.map(str::to_owned).into();
    [const N: usize] Vec<String>, &[&str; N]: value => value.map(str::to_owned).into();
}

/// Text that owns its bytes, from other text.
macro_rules! text {
    ($($owned:ty: $($from:ty)*;)*) => {$($(
        values! {
            [] $owned, $from: value => value.into();
            [] Option<$owned>, $from: value => Some(value.into());
        }
    )*)*};
}

text! {
    String: &str &String Box<str> Cow<'_, str>;
    Box<str>: &str String Cow<'_, str>;
    Arc<str>: &str String Box<str>;
    Rc<str>: &str String Box<str>;
    PathBuf: &str &String String &Path;
}

values! {
    [] Box<str>, &String: value => value.as_str().into();
    [] Option<Box<str>>, &String: value => Some(value.as_str().into());
    [] Arc<str>, &String: value => value.as_str().into();
    [] Option<Arc<str>>, &String: value => Some(value.as_str().into());
    [] Cow<'static, str>, &str: value => Cow::Owned(value.to_owned());
    [] Cow<'static, str>, String: value => Cow::Owned(value);
    [] Cow<'static, str>, &String: value => Cow::Owned(value.clone());
    [] Option<Cow<'static, str>>, &str: value => Some(Cow::Owned(value.to_owned()));
    [] Option<Cow<'static, str>>, String: value => Some(Cow::Owned(value));
    [] Option<Cow<'static, str>>, &String: value => Some(Cow::Owned(value.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set<F: PatchValue<V> + QueryValue<V> + PartialEq, V: Clone>(value: V) -> F {
        assert!(F::from_value(value.clone()) == F::to_compare(value.clone()));
        F::from_value(value)
    }

    #[test]
    fn a_field_takes_its_type_an_option_the_bare_value_and_text_a_literal() {
        assert_eq!(set::<u64, _>(3), 3);
        assert_eq!(set::<Option<u64>, _>(3), Some(3));
        assert_eq!(set::<Option<u64>, _>(None), None);
        assert_eq!(set::<String, _>("a"), "a");
        assert_eq!(set::<Option<String>, _>("a"), Some("a".to_owned()));
        assert_eq!(set::<Option<String>, _>(None), None);
        assert_eq!(set::<Vec<String>, _>(vec![]), Vec::<String>::new());
        assert_eq!(set::<Option<Option<u8>>, _>(Some(None)), Some(None));
    }

    #[test]
    fn text_is_set_from_any_text() {
        let owned = "a".to_owned();
        assert_eq!(set::<String, _>(&owned), "a");
        assert_eq!(set::<Option<String>, _>(&owned), Some("a".to_owned()));
        assert_eq!(set::<String, _>(Cow::Borrowed("a")), "a");
        assert_eq!(*set::<Box<str>, _>("a"), *"a");
        assert_eq!(*set::<Arc<str>, _>(&owned), *"a");
        assert_eq!(set::<Cow<'static, str>, _>(owned.as_str()), "a");
        assert_eq!(set::<Option<Box<str>>, _>("a"), Some("a".into()));
        assert_eq!(set::<Vec<String>, _>(["a", "b"]), ["a", "b"]);
        assert_eq!(set::<Vec<String>, _>(&["a", "b"][..]), ["a", "b"]);
    }

    #[test]
    fn what_is_parsed_is_what_the_field_needs() {
        assert_eq!(set::<u8, _>("7".parse().unwrap()), 7);
        assert_eq!(set::<f64, _>(Default::default()), 0.0);
    }
}
