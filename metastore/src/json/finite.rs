//! Search for numbers that JSON cannot hold: `serde_json` writes NaN and infinity as `null`, which
//! reads back as another value or not at all.

use std::fmt;

use serde::Serialize;
use serde::ser::{self, Serializer};

/// The path of a number that is not finite, such as `data.prices[2]`; `None` if there is none.
pub(crate) fn not_finite<T: Serialize + ?Sized>(value: &T) -> Option<String> {
    value.serialize(Finite::default()).err().map(|found| found.path())
}

/// The path to the number, in reverse order. Each level adds its part on the way back, so that a
/// search without a result does not build a path.
#[derive(Debug)]
pub(crate) struct Found {
    parts: Vec<String>,
}

impl Found {
    fn within(mut self, part: impl Into<String>) -> Self {
        self.parts.push(part.into());
        self
    }

    fn path(self) -> String {
        let mut path = String::new();
        for part in self.parts.into_iter().rev() {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(&part);
        }
        path
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not finite")
    }
}

impl std::error::Error for Found {}

impl ser::Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        // The document has been written, so this does not happen.
        Self { parts: Vec::new() }
    }
}

/// A serializer that writes nothing.
#[derive(Default)]
struct Finite {
    /// The number of elements so far.
    position: usize,
    /// The name of the variant whose fields these are.
    variant: Option<&'static str>,
}

impl Finite {
    fn float(finite: bool) -> Result<(), Found> {
        if finite { Ok(()) } else { Err(Found { parts: Vec::new() }) }
    }

    fn inside<T: Serialize + ?Sized>(&self, part: &str, value: &T) -> Result<(), Found> {
        value.serialize(Self::default()).map_err(|found| {
            let found = found.within(part);
            match self.variant {
                Some(variant) => found.within(variant),
                None => found,
            }
        })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
        let position = self.position;
        self.position += 1;
        value.serialize(Self::default()).map_err(|found| {
            let found = found.within(format!("[{position}]"));
            match self.variant {
                Some(variant) => found.within(variant),
                None => found,
            }
        })
    }
}

macro_rules! passes {
    ($($method:ident($type:ty);)*) => {$(
        fn $method(self, _: $type) -> Result<(), Found> {
            Ok(())
        }
    )*};
}

impl Serializer for Finite {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    passes! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_unit_struct(&'static str);
    }

    fn serialize_f32(self, value: f32) -> Result<(), Found> {
        Self::float(value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Found> {
        Self::float(value.is_finite())
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Found> {
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Found> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Found> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Found> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Found> {
        self.inside(variant, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Found> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Found> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Found> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self, Found> {
        Ok(Self { position: 0, variant: Some(variant) })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Found> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Found> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self, Found> {
        Ok(Self { position: 0, variant: Some(variant) })
    }
}

macro_rules! lists {
    ($($trait:ident, $method:ident;)*) => {$(
        impl ser::$trait for Finite {
            type Ok = ();
            type Error = Found;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
                self.element(value)
            }

            fn end(self) -> Result<(), Found> {
                Ok(())
            }
        }
    )*};
}

lists! {
    SerializeSeq, serialize_element;
    SerializeTuple, serialize_element;
    SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field;
}

macro_rules! structs {
    ($($trait:ident;)*) => {$(
        impl ser::$trait for Finite {
            type Ok = ();
            type Error = Found;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Found> {
                self.inside(name, value)
            }

            fn end(self) -> Result<(), Found> {
                Ok(())
            }
        }
    )*};
}

structs! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for Finite {
    type Ok = ();
    type Error = Found;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Found> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
        self.element(value)
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Found> {
        value.serialize(Self::default()).map_err(|found| {
            let key = serde_json::to_string(key).unwrap_or_default();
            found.within(key.trim_matches('"'))
        })
    }

    fn end(self) -> Result<(), Found> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Serialize, Default)]
    struct Shop {
        price: f64,
        list: Vec<Option<f32>>,
        map: BTreeMap<String, (u128, f64)>,
        #[serde(skip_serializing_if = "Option::is_none")]
        kind: Option<Kind>,
        #[serde(flatten)]
        flat: BTreeMap<String, f64>,
    }

    #[derive(Serialize)]
    enum Kind {
        One(f64),
        Two { x: f64 },
    }

    #[test]
    fn what_is_not_finite_is_found_wherever_it_is() {
        let none = || Shop { price: f64::MAX, list: vec![None, Some(-0.0)], ..Shop::default() };
        assert_eq!(not_finite(&none()), None);
        for (shop, path) in [
            (Shop { price: f64::NAN, ..none() }, "price"),
            (Shop { list: vec![None, Some(f32::INFINITY)], ..none() }, "list[1]"),
            (Shop { map: [("a b".into(), (1, f64::NEG_INFINITY))].into(), ..none() }, "map.a b[1]"),
            (Shop { kind: Some(Kind::One(f64::NAN)), ..none() }, "kind.One"),
            (Shop { kind: Some(Kind::Two { x: f64::NAN }), ..none() }, "kind.Two.x"),
            (Shop { flat: [("f".into(), f64::NAN)].into(), ..none() }, "f"),
        ] {
            assert_eq!(not_finite(&shop).as_deref(), Some(path));
        }
    }
}
