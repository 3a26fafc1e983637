//! JSON: writing within limits, and comparing without converting numbers.

pub(crate) mod exact;
mod finite;
pub(crate) mod input;
pub(crate) mod text;
pub(crate) mod tree;

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::ser::{Formatter, Serializer};

use crate::error::{Error, ErrorKind};
use finite::not_finite;

/// How large and how deep a document may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) bytes: usize,
    pub(crate) depth: usize,
}

/// Writes any value as JSON within the limits. A number that JSON does not have is refused.
pub(crate) fn write_json<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
    limits: Limits,
    operation: &'static str,
) -> Result<(), Error> {
    let mut writer = Limited { written: 0, limit: limits.bytes, out };
    let mut nulls = false;
    let depth = Depth { now: 0, limit: limits.depth, nulls: &mut nulls };
    let mut serializer = Serializer::with_formatter(&mut writer, depth);
    match value.serialize(&mut serializer) {
        // Not a number is written as null, and so looked for only where there is one.
        Ok(()) => match nulls.then(|| not_finite(value)).flatten() {
            None => Ok(()),
            Some(path) => {
                let message = "JSON has no NaN and no infinity; store `None`, or text".to_owned();
                Err(Error::new(operation, ErrorKind::Unreadable { path, message }))
            }
        },
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

/// The path and the reason why JSON does not decode as a type, without the value. Computing the
/// path takes time, so it is done only after an error.
pub(crate) fn describe<T: DeserializeOwned>(
    json: &[u8],
    first: &serde_json::Error,
) -> (String, String) {
    if first.is_syntax() {
        // The text has been read before, so a number is all that it can be.
        let lines = json.split_inclusive(|&byte| byte == b'\n');
        let before: usize = lines.take(first.line().saturating_sub(1)).map(<[u8]>::len).sum();
        let offset = before + first.column().saturating_sub(1);
        let text = std::str::from_utf8(json).unwrap_or_default();
        return (
            tree::path_at(text, offset),
            "expected a whole number that its type holds".to_owned(),
        );
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => {
            let path = error.path().to_string();
            let path = if matches!(&*path, "." | "?") { String::new() } else { path };
            (path, without_value(error.inner()))
        }
        Ok(_) => (String::new(), without_value(first)),
    }
}

/// The message of serde without the value, which may be a secret.
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

/// Counts the levels of objects and arrays. Deeper nesting than a parser accepts could never be
/// read back.
struct Depth<'a> {
    now: usize,
    limit: usize,
    /// Whether there is a null.
    nulls: &'a mut bool,
}

impl Depth<'_> {
    #[inline]
    fn enter(&mut self) -> io::Result<()> {
        self.now += 1;
        if self.now > self.limit {
            return Err(io::Error::other(TOO_DEEP));
        }
        Ok(())
    }
}

impl Formatter for Depth<'_> {
    #[inline]
    fn write_null<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        *self.nulls = true;
        writer.write_all(b"null")
    }

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
