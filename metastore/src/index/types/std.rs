//! Types of the standard library and of this crate.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
};
use std::rc::Rc;
use std::sync::Arc;

use super::super::indexable::{Indexable, Ordered};
use super::super::value::IndexValue;
use crate::key::Id;
use crate::time::Timestamp;

macro_rules! ordered {
    ($($ty:ty: $value:ident => $encoded:expr;)*) => {$(
        impl Indexable for $ty {
            fn index_value(&self) -> IndexValue {
                let $value = self;
                $encoded
            }
        }

        impl Ordered for $ty {}
    )*};
}

macro_rules! integers {
    ($($constructor:ident: $($ty:ty)*;)*) => {$($(
        ordered! { $ty: value => IndexValue::$constructor((*value).into()); }
    )*)*};
}

integers! {
    integer: i8 i16 i32 i64 i128 u8 u16 u32 u64;
    unsigned: u128;
}

ordered! {
    usize: value => IndexValue::unsigned(*value as u128);
    isize: value => IndexValue::integer(*value as i128);
    bool: value => IndexValue::boolean(*value);
    char: value => IndexValue::text(value.encode_utf8(&mut [0; 4]));
    f32: value => IndexValue::float((*value).into());
    f64: value => IndexValue::float(*value);
    NonZeroI8: value => value.get().index_value();
    NonZeroI16: value => value.get().index_value();
    NonZeroI32: value => value.get().index_value();
    NonZeroI64: value => value.get().index_value();
    NonZeroI128: value => value.get().index_value();
    NonZeroIsize: value => value.get().index_value();
    NonZeroU8: value => value.get().index_value();
    NonZeroU16: value => value.get().index_value();
    NonZeroU32: value => value.get().index_value();
    NonZeroU64: value => value.get().index_value();
    NonZeroU128: value => value.get().index_value();
    NonZeroUsize: value => value.get().index_value();
    Id: value => IndexValue::text(value.as_str());
    Timestamp: value => {
        let millis = value.as_millis();
        IndexValue::time((millis / 1_000).cast_signed(), (millis % 1_000) as u32 * 1_000_000)
    };
}

impl Indexable for str {
    fn index_value(&self) -> IndexValue {
        IndexValue::text(self)
    }
}

impl Ordered for str {
    fn order_value(&self) -> IndexValue {
        super::jiff::time_in(self).unwrap_or_else(|| self.index_value())
    }
}

impl Indexable for String {
    fn index_value(&self) -> IndexValue {
        self.as_str().index_value()
    }
}

impl Ordered for String {
    fn order_value(&self) -> IndexValue {
        Ordered::order_value(self.as_str())
    }
}

impl<V: Indexable + ToOwned + ?Sized> Indexable for Cow<'_, V> {
    fn index_value(&self) -> IndexValue {
        (**self).index_value()
    }
}

impl<V: Ordered + ToOwned + ?Sized> Ordered for Cow<'_, V> {
    fn order_value(&self) -> IndexValue {
        Ordered::order_value(&**self)
    }
}

macro_rules! pointers {
    ($($pointer:ident)*) => {$(
        impl<V: Indexable + ?Sized> Indexable for $pointer<V> {
            fn index_value(&self) -> IndexValue {
                (**self).index_value()
            }
        }

        impl<V: Ordered + ?Sized> Ordered for $pointer<V> {
            fn order_value(&self) -> IndexValue {
                Ordered::order_value(&**self)
            }
        }
    )*};
}

pointers! { Box Rc Arc }

macro_rules! displayed {
    ($($ty:ty)*) => {$(
        impl Indexable for $ty {
            fn index_value(&self) -> IndexValue {
                IndexValue::text(&self.to_string())
            }
        }
    )*};
}

displayed! { IpAddr Ipv4Addr Ipv6Addr SocketAddr }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::field_value::{FieldValue, IndexField, RangeField};
    use crate::index::tests::keeps_order;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_keep_their_order(
            a in any::<i64>(), b in any::<i64>(), c in any::<f32>(), d in any::<f32>(),
            e in any::<usize>(), f in any::<isize>(), g in any::<u128>(),
        ) {
            keeps_order(&a, &b)?;
            keeps_order(&a, &a.saturating_add(1))?;
            prop_assume!(c.is_finite() && d.is_finite());
            keeps_order(&c, &d)?;
            keeps_order(&e, &(e >> 1))?;
            keeps_order(&f, &(f >> 1))?;
            keeps_order(&g, &g.rotate_left(3))?;
        }

        #[test]
        fn text_keeps_its_order(a in "[\0aä0]{0,6}", b in "[\0aä0]{0,6}", c in any::<char>(), d in any::<char>()) {
            keeps_order(&a, &b)?;
            keeps_order(&c, &d)?;
        }

        #[test]
        fn long_text_keeps_its_order_up_to_where_it_is_cut(a in "[ab]{150,300}", b in "[ab]{150,300}") {
            let cut = |text: &str| text[..text.len().min(192)].to_owned();
            if cut(&a) != cut(&b) {
                keeps_order(&a, &b)?;
            }
            prop_assert_eq!(a.index_value() == b.index_value(), a == b);
        }

        #[test]
        fn timestamps_keep_their_order(a in 0u64..1 << 45, b in 0u64..1 << 45) {
            keeps_order(&Timestamp::from_millis(a), &Timestamp::from_millis(b))?;
            keeps_order(&Timestamp::from_millis(a), &Timestamp::from_millis(a + 1))?;
        }
    }

    #[test]
    fn pointers_and_options_stand_where_their_value_does() {
        let value = "a".to_owned().index_value();
        assert_eq!(Box::<str>::from("a").index_value(), value);
        assert_eq!(Arc::<str>::from("a").index_value(), value);
        assert_eq!(Cow::Borrowed("a").index_value(), value);
        assert_eq!(Some("a".to_owned()).field_value(), FieldValue::One(value.clone()));
        assert_eq!(vec!["a".to_owned()].field_value(), FieldValue::Each(vec![value]));
        assert_eq!(None::<u8>.order_value(), IndexValue::null());
    }
}
