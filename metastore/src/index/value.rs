//! Values in an index: bytes whose order is the order of the values.
//!
//! | value | bytes |
//! |---|---|
//! | null, or no value | `0` |
//! | false, true | `b0`, `b1` |
//! | a decimal | `d`, see [`decimal`](super::decimal) |
//! | a list, whose elements are in another index | `l` |
//! | a number | `n`, see [`number`](super::number) |
//! | a time | `t`, then 12 hexadecimal digits of seconds and 8 of nanoseconds |
//! | text | `x`, then the text |
//!
//! No value has a zero byte that is followed by a hexadecimal digit, so an entry can continue after
//! its value with a zero byte and the digits of a time without changing the order.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::{decimal, number};

/// Text of more bytes than this is truncated and followed by a hash of the whole text, to keep the
/// index much smaller than the documents.
const LONG_TEXT: usize = 256;

/// The bytes to which a long text is truncated; its order is exact up to there.
const KEPT: usize = 192;

/// A value in an index, made by [`Indexable`](crate::Indexable).
///
/// Values of one field must be of one kind: values of different kinds are never equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexValue(Result<Vec<u8>, Cow<'static, str>>);

impl IndexValue {
    /// No value, such as `None`.
    #[must_use]
    pub fn null() -> Self {
        Self(Ok(b"0".to_vec()))
    }

    /// A `bool`.
    #[must_use]
    pub fn boolean(value: bool) -> Self {
        Self(Ok(if value { b"b1".to_vec() } else { b"b0".to_vec() }))
    }

    /// Text, in the order of its bytes. The order of text of more than 256 bytes is that of its
    /// first 192.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let long = text.len() > LONG_TEXT;
        let boundary = (0..=KEPT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
        let kept = if long { &text[..boundary] } else { text };
        let mut bytes = Vec::with_capacity(kept.len() + 40);
        bytes.push(b'x');
        for &byte in kept.as_bytes() {
            bytes.push(byte);
            if byte == 0 {
                bytes.push(0xff);
            }
        }
        if long {
            bytes.extend([0, 0xfe]);
            for byte in &Sha256::digest(text.as_bytes())[..16] {
                bytes.extend(format!("{byte:02x}").into_bytes());
            }
        }
        Self(Ok(bytes))
    }

    /// An integer of up to 128 bits. Integers and floats have one common order.
    #[must_use]
    pub fn integer(value: i128) -> Self {
        Self(Ok(number::integer(value < 0, value.unsigned_abs())))
    }

    /// An unsigned integer of up to 128 bits.
    #[must_use]
    pub fn unsigned(value: u128) -> Self {
        Self(Ok(number::integer(false, value)))
    }

    /// A float. Minus zero equals zero; infinity and `NaN` are refused, since JSON cannot represent
    /// them.
    #[must_use]
    pub fn float(value: f64) -> Self {
        if value.is_finite() {
            Self(Ok(number::float(value)))
        } else {
            Self::refused("a number that is not finite cannot be indexed")
        }
    }

    /// A decimal number as text, such as `-12.50` or `1.5e-7`, exact to any number of digits: `1.0`
    /// and `1.00` are equal. Decimals are ordered among themselves, separately from other numbers.
    #[must_use]
    pub fn decimal(text: &str) -> Self {
        match decimal::encode(text) {
            Some(bytes) => Self(Ok(bytes)),
            None => Self::refused("the text is not a decimal number"),
        }
    }

    /// A point in time, a date or a time of day: seconds since the epoch, and nanoseconds to add.
    #[must_use]
    pub fn time(seconds: i64, nanoseconds: u32) -> Self {
        // 48 bits with the sign: more than four million years in either direction.
        let shifted = i128::from(seconds) + (1 << 47);
        if !(0..1 << 48).contains(&shifted) {
            return Self::refused("the time is too far from the epoch to be indexed");
        }
        Self(Ok(format!("t{shifted:012x}{nanoseconds:08x}").into_bytes()))
    }

    /// A value that cannot be indexed, with the reason: the write or the query is refused.
    #[must_use]
    pub fn refused(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(Err(reason.into()))
    }

    /// The value in a field's index of any list.
    pub(super) fn list() -> Self {
        Self(Ok(b"l".to_vec()))
    }

    /// The bytes, or why there are none.
    pub(crate) fn into_bytes(self) -> Result<Vec<u8>, String> {
        self.0.map_err(Cow::into_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(value: IndexValue) -> Vec<u8> {
        value.into_bytes().expect("it can be indexed")
    }

    proptest! {
        #[test]
        fn no_value_goes_on_like_an_entry(text in "[\0a0f]{0,20}") {
            let bytes = bytes(IndexValue::text(&text));
            let ends = bytes.windows(2).any(|pair| pair[0] == 0 && pair[1].is_ascii_hexdigit());
            prop_assert!(!ends && bytes.last() != Some(&0));
        }
    }

    #[test]
    fn kinds_of_values_do_not_mix() {
        let values = [
            IndexValue::null(),
            IndexValue::boolean(false),
            IndexValue::boolean(true),
            IndexValue::decimal("-1"),
            IndexValue::decimal("0"),
            IndexValue::list(),
            IndexValue::float(-1.5),
            IndexValue::integer(0),
            IndexValue::unsigned(u128::MAX),
            IndexValue::time(-1, 0),
            IndexValue::text(""),
            IndexValue::text("0"),
            IndexValue::text("ä"),
        ];
        let bytes: Vec<_> = values.into_iter().map(bytes).collect();
        assert!(bytes.windows(2).all(|pair| pair[0] < pair[1]), "{bytes:?}");
    }

    #[test]
    fn what_has_no_place_is_refused_and_never_taken_for_something_else() {
        for refused in [
            IndexValue::float(f64::NAN),
            IndexValue::float(f64::INFINITY),
            IndexValue::decimal("twelve"),
            IndexValue::decimal(""),
            IndexValue::time(i64::MAX, 0),
            IndexValue::serialized(&[1, 2]),
            IndexValue::serialized(&std::collections::BTreeMap::from([("a", 1)])),
        ] {
            assert!(refused.clone().into_bytes().is_err(), "{refused:?}");
        }
    }

    #[test]
    fn what_serde_writes_is_the_same_as_the_value_itself() {
        assert_eq!(IndexValue::serialized("a\"b"), IndexValue::text("a\"b"));
        assert_eq!(IndexValue::serialized(&-7), IndexValue::integer(-7));
        assert_eq!(IndexValue::serialized(&u128::MAX), IndexValue::unsigned(u128::MAX));
        assert_eq!(IndexValue::serialized(&2.5), IndexValue::float(2.5));
        assert_eq!(IndexValue::serialized(&true), IndexValue::boolean(true));
        assert_eq!(IndexValue::serialized(&None::<u8>), IndexValue::null());
    }
}
