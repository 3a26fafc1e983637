//! Patches from JSON: an absent field stays as it is, a present one is set, also to `null`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

use crate::index::format::FieldFormat;

/// A patch that is read field by field. The derive implements it.
pub trait ReadPatch<'de>: Default {
    /// The names of each field, the usual one first.
    const NAMES: &'static [&'static [&'static str]];

    /// Reads the value of a field, by its position in the names.
    fn read<A: MapAccess<'de>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error>;
}

/// Reads a whole patch.
pub fn read_patch<'de, P: ReadPatch<'de>, D: Deserializer<'de>>(reader: D) -> Result<P, D::Error> {
    reader.deserialize_map(Fields(PhantomData))
}

/// Reads a value by a function of the user's own.
pub fn next_value_as<'de, F, A: FieldFormat<F>, M: MapAccess<'de>>(
    map: &mut M,
) -> Result<F, M::Error> {
    map.next_value_seed(ReadAs::<F, A>(PhantomData))
}

struct Fields<P>(PhantomData<P>);

impl<'de, P: ReadPatch<'de>> Visitor<'de> for Fields<P> {
    type Value = P;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the fields to change")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<P, M::Error> {
        let mut patch = P::default();
        let mut seen = vec![false; P::NAMES.len()];
        while let Some(field) = map.next_key_seed(FieldName(P::NAMES))? {
            // The last one would win, and which one was meant nobody knows.
            if std::mem::replace(&mut seen[field], true) {
                return Err(M::Error::duplicate_field(P::NAMES[field][0]));
            }
            patch.read(field, &mut map)?;
        }
        Ok(patch)
    }
}

/// Which field a name is of.
struct FieldName(&'static [&'static [&'static str]]);

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<usize, D::Error> {
        reader.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldName {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<usize, E> {
        self.0.iter().position(|names| names.contains(&name)).ok_or_else(|| {
            let known: Vec<_> = self.0.iter().map(|names| format!("`{}`", names[0])).collect();
            let known = known.join(", ");
            E::custom(format_args!("unknown field `{name}`; a patch can set {known}"))
        })
    }
}

struct ReadAs<F, A>(PhantomData<(F, A)>);

impl<'de, F, A: FieldFormat<F>> DeserializeSeed<'de> for ReadAs<F, A> {
    type Value = F;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<F, D::Error> {
        A::deserialize(reader)
    }
}
