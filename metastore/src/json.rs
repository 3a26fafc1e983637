//! Writing JSON within limits.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::error::{Error, ErrorKind};

/// How large and how deep a document may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) bytes: usize,
    pub(crate) depth: usize,
}

/// Writes any value as JSON within the limits.
pub(crate) fn write_json<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
    limits: Limits,
    operation: &'static str,
) -> Result<(), Error> {
    let mut writer = Limited { written: 0, limit: limits.bytes, out };
    let depth = Depth { now: 0, limit: limits.depth, passed: false };
    let mut serializer = Serializer::with_formatter(&mut writer, depth);
    match value.serialize(&mut serializer) {
        Ok(()) => Ok(()),
        Err(error) => {
            let kind = if writer.written > limits.bytes {
                ErrorKind::TooLarge { size: writer.written, limit: limits.bytes }
            } else if error.to_string().contains(TOO_DEEP) {
                ErrorKind::TooDeep { limit: limits.depth }
            } else {
                ErrorKind::Encode(error.to_string())
            };
            Err(Error::new(operation, kind))
        }
    }
}

const TOO_DEEP: &str = "nested too deep";

/// What serde says is wrong, without the value that it met: that may be a secret.
pub(crate) fn without_value(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    let Some((found, expected)) = ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|start| text.strip_prefix(start))
        .and_then(|rest| rest.rsplit_once(", expected "))
    else {
        let (variant, rest) = ("unknown variant `", "`, expected ");
        return match text.strip_prefix(variant).and_then(|value| value.rsplit_once(rest)) {
            Some((_, known)) => format!("unknown variant, expected {known}"),
            None => text.to_owned(),
        };
    };
    let kind = found.split(['`', '"']).next().unwrap_or_default().trim_end();
    format!("expected {expected}, found {kind}")
}

/// Stops the serialiser at the limit, before a huge document has been built in memory.
struct Limited<'a> {
    written: usize,
    limit: usize,
    out: &'a mut Vec<u8>,
}

// Inlined into the code that serde makes for a document, which calls them for each piece of it.
impl io::Write for Limited<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written += bytes.len();
        if self.written > self.limit {
            return Err(io::Error::other("too large"));
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(|_| ())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts the levels of objects and arrays. What is written deeper than a parser goes could never be
/// read back.
struct Depth {
    now: usize,
    limit: usize,
    passed: bool,
}

impl Depth {
    #[inline]
    fn enter(&mut self) -> io::Result<()> {
        self.now += 1;
        if self.now > self.limit {
            self.passed = true;
            return Err(io::Error::other(TOO_DEEP));
        }
        Ok(())
    }
}

impl Formatter for Depth {
    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        writer.write_all(b"[")
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.now -= 1;
        writer.write_all(b"]")
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        writer.write_all(b"{")
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.now -= 1;
        writer.write_all(b"}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        Green,
    }

    fn message<V: for<'a> Deserialize<'a> + std::fmt::Debug>(json: &str) -> String {
        without_value(&serde_json::from_str::<V>(json).unwrap_err())
    }

    #[test]
    fn a_message_tells_the_types_and_not_the_value() {
        assert_eq!(message::<u8>(r#""s3cret, expected \" ""#), "expected u8, found string");
        assert_eq!(message::<String>("17"), "expected a string, found integer");
        assert_eq!(message::<u8>("300"), "expected u8, found integer");
        assert_eq!(message::<String>("null"), "expected a string, found null");
        let unknown = message::<Colour>(r#""s3cret`, expected `x""#);
        assert_eq!(unknown, "unknown variant, expected `red` or `green`");
        let _ = (Colour::Red, Colour::Green);
    }
}
