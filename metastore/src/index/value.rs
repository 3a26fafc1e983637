//! Values as they stand in an index: bytes whose order is the order of the values.
//!
//! | value | bytes |
//! |---|---|
//! | null, or no such field | `0` |
//! | false, true | `b0`, `b1` |
//! | a list, whose elements stand in an index of their own | `l` |
//! | a number | `n`, then 20 hexadecimal digits |
//! | a time, in an index with `range` | `t`, then 20 hexadecimal digits |
//! | text | `x`, then the text |
//!
//! No value holds a zero byte that is followed by a hexadecimal digit, so an entry can go on behind its
//! value with a zero byte and the digits of a time without changing the order.

use jiff::Timestamp;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use crate::schema::IndexKind;

/// Text of more bytes than this is cut, and a hash of the whole put behind it, because an index is to
/// stay much smaller than the documents.
const LONG_TEXT: usize = 256;

/// The bytes that are left of a long text; its order is exact up to there.
const KEPT: usize = 192;

/// The bytes of a value; `None` for a list or an object, which have no place in an order.
pub(crate) fn encode(value: &Value, kind: IndexKind) -> Option<Vec<u8>> {
    Some(match value {
        Value::Null => b"0".to_vec(),
        Value::Bool(false) => b"b0".to_vec(),
        Value::Bool(true) => b"b1".to_vec(),
        Value::Number(number) => encode_number(number),
        Value::String(text) => match kind {
            IndexKind::Range => encode_time(text).unwrap_or_else(|| encode_text(text)),
            IndexKind::Equality | IndexKind::Unique => encode_text(text),
        },
        Value::Array(_) | Value::Object(_) => return None,
    })
}

/// What stands in the index of a field for a document whose value is a list.
pub(super) fn list() -> Vec<u8> {
    b"l".to_vec()
}

/// One order for all numbers: by the nearest float, then by what a whole number of more than 53 bits
/// differs from it.
fn encode_number(number: &Number) -> Vec<u8> {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    let (float, difference) = match whole {
        Some(whole) => {
            #[allow(clippy::cast_precision_loss, reason = "the difference is kept next to it")]
            let float = whole as f64;
            #[allow(clippy::cast_possible_truncation, reason = "it is a whole number below 2^65")]
            let nearest = float as i128;
            (float, whole - nearest)
        }
        None => (number.as_f64().unwrap_or(0.0), 0),
    };
    // Minus zero equals zero. The sign bit set, and otherwise all bits inverted, puts floats in order.
    let bits = (float + 0.0).to_bits();
    let ordered = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
    format!("n{ordered:016x}{:04x}", difference + 0x8000).into_bytes()
}

/// A time by RFC 3339, wherever its clock stands and however many digits its seconds have.
fn encode_time(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let looks_right = bytes.len() >= 20
        && [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')].iter().all(|&(at, c)| bytes[at] == c)
        && matches!(bytes[10], b'T' | b't');
    let time: Timestamp = looks_right.then(|| text.parse().ok()).flatten()?;
    // Nanoseconds of ten thousand years to either side need 69 bits.
    Some(format!("t{:020x}", time.as_nanosecond() + (1 << 79)).into_bytes())
}

fn encode_text(text: &str) -> Vec<u8> {
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
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::cmp::Ordering;

    fn bytes(value: &Value) -> Vec<u8> {
        encode(value, IndexKind::Range).expect("no list and no object")
    }

    /// Values as they stand in an index: with a zero byte and a time behind them.
    fn in_index(value: &Value) -> Vec<u8> {
        let mut bytes = bytes(value);
        bytes.extend(b"\x000193a1b2c3d4id");
        bytes
    }

    fn number() -> impl Strategy<Value = Number> {
        prop_oneof![
            any::<i64>().prop_map(Number::from),
            any::<u64>().prop_map(Number::from),
            (-20i64..20).prop_map(Number::from),
            (0u64..4096).prop_map(|n| Number::from(u64::MAX - n)),
            (-4096i64..4096).prop_map(|n| Number::from((1 << 53) + n)),
            any::<f64>().prop_filter_map("not in JSON", Number::from_f64),
            (-1000i32..1000).prop_filter_map("", |n| Number::from_f64(f64::from(n) / 8.0)),
        ]
    }

    /// The exact order of two numbers, worked out another way.
    fn exactly(a: &Number, b: &Number) -> Ordering {
        let whole = |n: &Number| n.as_i64().map(i128::from).or_else(|| n.as_u64().map(i128::from));
        match (whole(a), whole(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (None, None) => a.as_f64().partial_cmp(&b.as_f64()).unwrap(),
            (Some(a), None) => against_float(a, b.as_f64().unwrap()),
            (None, Some(b)) => against_float(b, a.as_f64().unwrap()).reverse(),
        }
    }

    fn against_float(whole: i128, float: f64) -> Ordering {
        if float.abs() > 1e30 {
            return if float > 0.0 { Ordering::Less } else { Ordering::Greater };
        }
        let rest = 0.0_f64.partial_cmp(&(float - float.floor())).unwrap();
        #[allow(clippy::cast_possible_truncation, reason = "at most 1e30")]
        let floor = float.floor() as i128;
        whole.cmp(&floor).then(rest)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn numbers_keep_their_order(a in number(), b in number()) {
            let (x, y) = (in_index(&Value::Number(a.clone())), in_index(&Value::Number(b.clone())));
            prop_assert_eq!(x.cmp(&y), exactly(&a, &b), "{} and {}", a, b);
        }

        #[test]
        fn text_keeps_its_order(a in "\\PC{0,6}|[\0\u{1}ab]{0,5}", b in "\\PC{0,6}|[\0\u{1}ab]{0,5}") {
            prop_assert_eq!(in_index(&json!(a)).cmp(&in_index(&json!(b))), a.cmp(&b));
        }

        #[test]
        fn long_text_keeps_its_order_up_to_its_192nd_byte(
            a in "[ab]{180,191}", b in "[ab]{180,191}", tail in "[a-zä]{300}",
        ) {
            let (x, y) = (format!("{a}{tail}"), format!("{b}{tail}"));
            if x.as_bytes()[..191] != y.as_bytes()[..191] {
                prop_assert_eq!(in_index(&json!(x)).cmp(&in_index(&json!(y))), x.cmp(&y));
            }
            prop_assert_eq!(bytes(&json!(x)) == bytes(&json!(y)), x == y);
        }

        #[test]
        fn times_keep_their_order_in_any_zone(
            a in -60_000_000_000i64..250_000_000_000, b in -60_000_000_000i64..250_000_000_000,
            fraction in 0u32..1_000_000_000, hours in -12i32..=12,
        ) {
            let utc = Timestamp::from_second(a).unwrap();
            let other = Timestamp::new(b, i32::try_from(fraction).unwrap() * b.signum() as i32).unwrap();
            let zone = jiff::tz::Offset::from_hours(i8::try_from(hours).unwrap()).unwrap();
            let (x, y) = (json!(utc.to_string()), json!(other.display_with_offset(zone).to_string()));
            prop_assert!(bytes(&x).starts_with(b"t") && bytes(&y).starts_with(b"t"), "{} {}", x, y);
            prop_assert_eq!(in_index(&x).cmp(&in_index(&y)), utc.cmp(&other), "{} {}", x, y);
        }

        #[test]
        fn no_value_goes_on_like_an_entry(text in "[\0a0f]{0,20}") {
            let bytes = bytes(&json!(text));
            let ends = bytes.windows(2).any(|pair| pair[0] == 0 && pair[1].is_ascii_hexdigit());
            prop_assert!(!ends && bytes.last() != Some(&0));
        }
    }

    #[test]
    fn kinds_of_values_do_not_mix() {
        let values = [
            json!(null),
            json!(false),
            json!(true),
            json!(-1.5),
            json!(0),
            json!(u64::MAX),
            json!("2024-02-29T12:00:00Z"),
            json!(""),
            json!("0"),
            json!("ä"),
            json!("😀"),
        ];
        assert!(values.windows(2).all(|pair| in_index(&pair[0]) < in_index(&pair[1])));
        assert_eq!(bytes(&json!(3)), bytes(&json!(3.0)));
        assert_eq!(bytes(&json!(0.0)), bytes(&json!(-0.0)));
    }

    #[test]
    fn only_what_is_a_time_is_taken_for_one_and_only_in_a_range() {
        for text in ["2024-01-01", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00", "yesterday"] {
            assert!(bytes(&json!(text)).starts_with(b"x"), "{text}");
        }
        assert_eq!(
            bytes(&json!("2024-01-01T00:00:00Z")),
            bytes(&json!("2024-01-01T01:00:00.0+01:00"))
        );
        let plain = encode(&json!("2024-01-01T00:00:00Z"), IndexKind::Equality).unwrap();
        assert_eq!(plain, b"x2024-01-01T00:00:00Z");
    }

    #[test]
    fn lists_and_objects_have_no_place() {
        assert_eq!(encode(&json!([1]), IndexKind::Range), None);
        assert_eq!(encode(&json!({}), IndexKind::Equality), None);
    }
}
