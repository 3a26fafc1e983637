//! Decimal numbers of any length, exact: `d`, then the sign, the exponent and the digits.
//!
//! | number | bytes |
//! |---|---|
//! | positive | `d2`, the exponent, the digits without zeros at either end |
//! | zero | `d1` |
//! | negative | `d0`, the exponent and each digit taken from 9, `~` |
//!
//! The exponent is that of `0.<digits> * 10^exponent`, written with five digits after 50,000 was
//! added. `~` sorts after every digit, so of two negative numbers the one with more digits is the
//! smaller.

/// The bytes of a number such as `-12.50` or `1.5e-7`; `None` if the text is not a number.
pub(super) fn encode(text: &str) -> Option<Vec<u8>> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (number, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let leading = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.drain(..leading);
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    if digits.is_empty() {
        return Some(b"d1".to_vec());
    }
    let places = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
    let exponent = exponent.checked_add(places)?.checked_add(50_000)?;
    if !(0..100_000).contains(&exponent) {
        return None;
    }
    let exponent = format!("{exponent:05}").into_bytes();
    let digits = exponent.into_iter().chain(digits);
    Some(if negative {
        let inverted = digits.map(|digit| b'9' - digit + b'0');
        b"d0".iter().copied().chain(inverted).chain(*b"~").collect()
    } else {
        b"d2".iter().copied().chain(digits).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A decimal with few digits, so that equal and neighbouring ones come up, and its exact value
    /// in units of 10^-6.
    fn decimal() -> impl Strategy<Value = (String, i128)> {
        (any::<bool>(), 0u32..2_000, 0u32..1_000_000, 0usize..3, 0usize..3).prop_map(
            |(negative, whole, fraction, zeros, more)| {
                let sign = if negative { "-" } else { "" };
                let text =
                    format!("{sign}{}{whole}.{fraction:06}{}", "0".repeat(zeros), "0".repeat(more));
                let value = i128::from(whole) * 1_000_000 + i128::from(fraction);
                (text, if negative { -value } else { value })
            },
        )
    }

    proptest! {
        #[test]
        fn decimals_keep_their_order((a, x) in decimal(), (b, y) in decimal()) {
            prop_assert_eq!(encode(&a).unwrap().cmp(&encode(&b).unwrap()), x.cmp(&y), "{} {}", a, b);
        }

        #[test]
        fn an_exponent_moves_the_point((a, x) in decimal(), power in 0u32..6) {
            let moved = format!("{a}e{power}");
            let (moved, a) = (encode(&moved).unwrap(), encode(&a).unwrap());
            let expected = (x * 10i128.pow(power)).cmp(&x);
            prop_assert_eq!(moved.cmp(&a), expected);
        }
    }

    #[test]
    fn one_number_has_one_place_however_it_is_written() {
        for same in ["1.5", "1.50", "01.5", "+1.5", "15e-1", "0.15E1", "1500e-3"] {
            assert_eq!(encode(same), encode("1.5"), "{same}");
        }
        for zero in ["0", "-0", "0.000", "0e9", "-0.0"] {
            assert_eq!(encode(zero), encode("0"), "{zero}");
        }
        let order =
            ["-1e30", "-10.01", "-10", "-9.99", "-0.001", "0", "1e-30", "0.1", "0.11", "9", "10"];
        assert!(order.windows(2).all(|pair| encode(pair[0]) < encode(pair[1])));
    }

    #[test]
    fn what_is_no_decimal_has_no_place() {
        for text in ["", "-", ".", "e5", "1e", "1.2.3", "NaN", "inf", "1,5", " 1", "1e99999999999"]
        {
            assert_eq!(encode(text), None, "{text:?}");
        }
    }
}
