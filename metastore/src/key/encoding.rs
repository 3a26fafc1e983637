//! Encoding of any text as a part of a key.

/// The text with each byte that is neither a letter, a digit, `-`, `_` or `.` nor one of `plain` as
/// `~` and two hexadecimal digits.
pub(super) fn encode(text: &str, plain: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("~{byte:02x}"));
        }
    }
    encoded
}

/// Decodes what [`encode`] returned; `None` for anything else.
pub(super) fn decode(encoded: &str, plain: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'~' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (encode(&text, plain) == encoded).then_some(text)
}
