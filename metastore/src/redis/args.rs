//! The arguments of a command, with few allocations.

use std::fmt::{self, Write as _};

use bytes::{Bytes, BytesMut};

/// Up to this size, in bytes, copying is faster than the allocation and the reference count of
/// sharing. A document of this size is copied in 30 ns.
const SMALL: usize = 1024;

/// The arguments of one command: the small ones share one allocation, the large ones are not
/// copied.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Args {
    small: BytesMut,
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq)]
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

    /// Adds a text that consists of several parts by copying them.
    pub(crate) fn push_parts<'a>(&mut self, parts: impl IntoIterator<Item = &'a str>) {
        for part in parts {
            self.small.extend_from_slice(part.as_bytes());
        }
        self.parts.push(Part::Small(self.small.len()));
    }

    pub(crate) fn push_int(&mut self, number: u64) {
        self.push_fmt(format_args!("{number}"));
    }

    /// Adds a text by writing it.
    pub(crate) fn push_fmt(&mut self, text: fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.small.write_fmt(text);
        self.parts.push(Part::Small(self.small.len()));
    }

    /// Adds all of others. Only the large ones are not copied.
    pub(crate) fn extend(&mut self, others: &Self) {
        let start = self.small.len();
        self.small.extend_from_slice(&others.small);
        self.parts.extend(others.parts.iter().map(|part| match part {
            Part::Small(end) => Part::Small(start + end),
            Part::Large(bytes) => Part::Large(bytes.clone()),
        }));
    }

    pub(crate) fn count(&self) -> usize {
        self.parts.len()
    }

    /// How many bytes the small ones have.
    pub(crate) fn small_bytes(&self) -> usize {
        self.small.len()
    }

    /// How many bytes all have.
    pub(crate) fn bytes(&self) -> usize {
        let large = |part: &Part| match part {
            Part::Small(_) => 0,
            Part::Large(bytes) => bytes.len(),
        };
        self.small.len() + self.parts.iter().map(large).sum::<usize>()
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
        args.push_parts(["s", "", "ix"]);
        let expected = [b"one".as_slice(), &large, b"", b"42", b"five", b"six"];
        assert_eq!((args.count(), args.bytes()), (6, 12 + large.len()));
        let mut twice = args.clone();
        twice.extend(&args);
        assert_eq!(args.into_vec(), expected);
        assert_eq!(twice.into_vec(), [expected, expected].concat());
    }
}
