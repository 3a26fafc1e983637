//! One order for all numbers: by the nearest float, then by the difference from it, which an
//! integer of more than 53 bits can have.

/// From here on the difference can have more than 16 bits and is written with 20 digits.
const LARGE: f64 = 18_446_744_073_709_551_616.0;

/// An integer, as its sign and its magnitude.
pub(super) fn integer(negative: bool, magnitude: u128) -> Vec<u8> {
    #[allow(clippy::cast_precision_loss, reason = "the difference is encoded separately")]
    let float = magnitude as f64;
    // 2^128, to which the greatest numbers are rounded, is not a `u128`.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number, not negative, and the cast saturates"
    )]
    let nearest = float as u128;
    let beyond = i128::from(float >= 340_282_366_920_938_463_463_374_607_431_768_211_456.0);
    // They differ by 2^74 at most.
    #[allow(clippy::cast_possible_wrap, reason = "a small difference either way")]
    let difference = magnitude.wrapping_sub(nearest) as i128 - beyond;
    if negative { encode(-float, -difference) } else { encode(float, difference) }
}

/// A finite number.
pub(super) fn float(float: f64) -> Vec<u8> {
    encode(float, 0)
}

fn encode(float: f64, difference: i128) -> Vec<u8> {
    // Minus zero equals zero. The sign bit set, and otherwise all bits inverted, puts floats in
    // order.
    let bits = (float + 0.0).to_bits();
    let ordered = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
    // Equal floats are followed by as many digits.
    if float.abs() < LARGE {
        format!("n{ordered:016x}{:04x}", difference + 0x8000).into_bytes()
    } else {
        format!("n{ordered:016x}{:020x}", difference + (1 << 78)).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signed(value: i128) -> Vec<u8> {
        integer(value < 0, value.unsigned_abs())
    }

    /// Whole numbers that are near each other, near powers of two, or anywhere.
    fn whole() -> impl Strategy<Value = i128> {
        let power = (0u32..127, -3i128..=3).prop_map(|(power, more)| (1i128 << power) + more);
        let power = (power, any::<bool>()).prop_map(|(n, negative)| if negative { -n } else { n });
        prop_oneof![any::<i128>(), any::<i64>().prop_map(i128::from), power, -300i128..300]
    }

    proptest! {
        #[test]
        fn whole_numbers_of_128_bits_keep_their_order(a in whole(), b in whole(), near in -70_000i128..70_000) {
            prop_assert_eq!(signed(a).cmp(&signed(b)), a.cmp(&b));
            let c = a.saturating_add(near);
            prop_assert_eq!(signed(a).cmp(&signed(c)), a.cmp(&c));
        }

        #[test]
        fn unsigned_numbers_of_128_bits_keep_their_order(a in any::<u128>(), b in any::<u128>(), top in 0u128..1 << 80) {
            for (a, b) in [(a, b), (u128::MAX - top, u128::MAX - (top >> 3)), (a, a.saturating_add(1))] {
                prop_assert_eq!(integer(false, a).cmp(&integer(false, b)), a.cmp(&b));
            }
        }

        #[test]
        fn floats_keep_their_order(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(a.is_finite() && b.is_finite());
            prop_assert_eq!(Some(float(a).cmp(&float(b))), a.partial_cmp(&b));
        }

        #[test]
        fn floats_stand_among_whole_numbers_where_they_belong(a in whole(), b in any::<f64>()) {
            prop_assume!(b.is_finite());
            // Exact: a float of less than 2^127 is compared by its whole part first.
            let expected = if b >= 1.7e38 {
                std::cmp::Ordering::Less
            } else if b <= -1.7e38 {
                std::cmp::Ordering::Greater
            } else {
                #[allow(clippy::cast_possible_truncation, reason = "below 2^127")]
                let part = b.trunc() as i128;
                a.cmp(&part).then(0.0f64.partial_cmp(&b.fract()).unwrap())
            };
            prop_assert_eq!(signed(a).cmp(&float(b)), expected);
        }
    }

    #[test]
    fn equal_numbers_are_equal_whatever_they_are() {
        assert_eq!(signed(3), float(3.0));
        assert_eq!(float(0.0), float(-0.0));
        assert_eq!(signed(1 << 100), float((1u128 << 100) as f64));
        assert!(integer(false, u128::MAX) < float(2f64.powi(128)));
    }
}
