//! The arguments of a command, with few allocations.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};

/// Up to this size, in bytes, copying is faster than the allocation and the reference count of
/// sharing. A document of this size is copied in 30 ns.
const SMALL: usize = 1024;

/// The arguments of one command: the small ones share one allocation, the large ones are not
/// copied.
#[derive(Default)]
pub(crate) struct Args {
    small: BytesMut,
    parts: Vec<Part>,
}

enum Part {
    /// The end of a small argument.
    Small(usize),
    Large(Bytes),
}

impl Args {
    pub(crate) fn with_capacity(count: usize, bytes: usize) -> Self {
        Self { small: BytesMut::with_capacity(bytes), parts: Vec::with_capacity(count) }
    }

    /// Adds a text by copying it.
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.small.extend_from_slice(text);
        self.parts.push(Part::Small(self.small.len()));
    }

    /// Adds bytes, which are not copied if they are large.
    pub(crate) fn push_bytes(&mut self, bytes: &Bytes) {
        if bytes.len() <= SMALL {
            self.push(bytes);
        } else {
            self.parts.push(Part::Large(bytes.clone()));
        }
    }

    pub(crate) fn push_int(&mut self, number: u64) {
        // Writing to memory does not fail.
        let _ = write!(self.small, "{number}");
        self.parts.push(Part::Small(self.small.len()));
    }

    pub(crate) fn into_vec(self) -> Vec<Bytes> {
        let small = self.small.freeze();
        let mut start = 0;
        let part = |part| match part {
            Part::Large(bytes) => bytes,
            Part::Small(end) => small.slice(std::mem::replace(&mut start, end)..end),
        };
        self.parts.into_iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_arguments_stay_in_order() {
        let large = Bytes::from(vec![b'x'; SMALL + 1]);
        let mut args = Args::default();
        args.push(b"one");
        args.push_bytes(&large);
        args.push(b"");
        args.push_int(42);
        args.push_bytes(&Bytes::from_static(b"five"));
        let expected = [b"one".as_slice(), &large, b"", b"42", b"five"];
        assert_eq!(args.into_vec(), expected);
    }
}
