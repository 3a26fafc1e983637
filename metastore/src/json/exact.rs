//! Numbers that a `serde_json::Value` cannot hold, preserved while a function changes the value.

use std::collections::HashMap;
use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use super::tree::Tree;

/// The integers of more than 64 bits in a text, by the floats that represent them in a [`Value`].
pub(crate) struct Exact(HashMap<u64, Literal>);

enum Literal {
    One(Box<str>),
    /// Several integers with the same float.
    Several,
}

impl Exact {
    /// Reads a text. [`Exact::write`] writes its large numbers unchanged, wherever a function moved
    /// them.
    pub(crate) fn read(json: &str) -> Result<(Value, Self), serde_json::Error> {
        let value = serde_json::from_str(json)?;
        let mut exact = Self(HashMap::new());
        exact.collect(&Tree::parse(json)?);
        Ok((value, exact))
    }

    fn collect(&mut self, tree: &Tree<'_>) {
        match tree {
            Tree::Null | Tree::Bool(_) | Tree::Text(_) => {}
            Tree::List(elements) => elements.iter().for_each(|element| self.collect(element)),
            Tree::Object(members) => members.iter().for_each(|(_, member)| self.collect(member)),
            Tree::Number(text) => self.add(text),
        }
    }

    fn add(&mut self, text: &str) {
        let is_whole = !text.contains(['.', 'e', 'E']);
        let fits = text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
        // `-0` is the one whole number that a float holds and an integer does not.
        if fits || !is_whole || text == "-0" {
            return;
        }
        let Ok(float) = text.parse::<f64>() else { return };
        let literal = self.0.entry(float.to_bits()).or_insert_with(|| Literal::One(text.into()));
        if matches!(literal, Literal::One(first) if **first != *text) {
            *literal = Literal::Several;
        }
    }

    /// Writes a value with the large numbers of the text that was read.
    ///
    /// # Errors
    ///
    /// If a float represents more than one of them.
    pub(crate) fn write(&self, value: &Value) -> Result<String, serde_json::Error> {
        let mut json = Vec::with_capacity(256);
        value.serialize(&mut Serializer::with_formatter(&mut json, self))?;
        // What serialises text writes text.
        Ok(String::from_utf8(json).unwrap_or_default())
    }
}

impl Formatter for &Exact {
    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        match self.0.get(&value.to_bits()) {
            Some(Literal::One(text)) => writer.write_all(text.as_bytes()),
            Some(Literal::Several) => Err(io::Error::other(
                "several whole numbers of more than 64 bits that look the same as floats; store them \
                 as text",
            )),
            None => writer.write_all(Value::from(value).to_string().as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_survive_being_moved() {
        let json = r#"{"a":[100000000000000000012,-340282366920938463463374607431768211455],"f":1.50,"n":-0}"#;
        let (mut value, exact) = Exact::read(json).unwrap();
        let moved = value["a"].take();
        value["b"] = moved;
        let expected = r#"{"a":null,"b":[100000000000000000012,-340282366920938463463374607431768211455],"f":1.5,"n":-0.0}"#;
        assert_eq!(exact.write(&value).unwrap(), expected);
    }

    #[test]
    fn numbers_that_cannot_be_told_apart_are_refused_only_where_they_are_written() {
        let json = r#"{"a":100000000000000000001,"b":100000000000000000002}"#;
        let (mut value, exact) = Exact::read(json).unwrap();
        assert!(exact.write(&value).unwrap_err().to_string().contains("store them as text"));
        value["a"] = 1.into();
        value["b"] = 1e3.into();
        assert_eq!(exact.write(&value).unwrap(), r#"{"a":1,"b":1000.0}"#);
    }
}
