//! Commands, replies and faults, without types of a client library.

use bytes::Bytes;

use crate::error::{Error, ErrorKind};

/// One command with its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) args: Vec<Bytes>,
}

impl Command {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, args: Vec::with_capacity(4) }
    }

    pub(crate) fn arg(mut self, arg: impl Into<Bytes>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn args<A: Into<Bytes>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn int(self, number: u64) -> Self {
        self.arg(number.to_string())
    }
}

/// A reply of the server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    Nil,
    Int(i64),
    Data(Bytes),
    Array(Vec<Reply>),
}

impl Reply {
    /// The number of bytes of its data.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            _ => 0,
        }
    }

    pub(crate) fn into_data(self) -> Option<Bytes> {
        match self {
            Self::Data(data) => Some(data),
            _ => None,
        }
    }

    /// A number that is not negative, also one in text, since Lua and hashes return text.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Data(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Data(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    pub(crate) fn into_array(self) -> Option<Vec<Self>> {
        match self {
            Self::Array(replies) => Some(replies),
            _ => None,
        }
    }
}

/// The reply of a script: a code, which the comment at the top of the script explains, and
/// further parts.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) code: i64,
    pub(crate) rest: std::vec::IntoIter<Reply>,
    /// Whether the reply to an earlier attempt was lost.
    pub(crate) after_loss: bool,
}

impl Verdict {
    pub(crate) fn from_reply(reply: Reply, operation: &'static str) -> Result<Self, Error> {
        let no_array = || unexpected(operation, &"no array");
        let mut parts = reply.into_array().ok_or_else(no_array)?.into_iter();
        match parts.next() {
            Some(Reply::Int(code)) => Ok(Self { code, rest: parts, after_loss: false }),
            other => Err(unexpected(operation, &other)),
        }
    }

    /// The next part, which is a number according to the comment at the top of the script.
    pub(crate) fn number(&mut self, operation: &'static str) -> Result<u64, Error> {
        let part = self.rest.next();
        part.as_ref().and_then(Reply::as_u64).ok_or_else(|| unexpected(operation, &part))
    }

    /// The next part, which is text according to the comment at the top of the script.
    pub(crate) fn text(&mut self, operation: &'static str) -> Result<String, Error> {
        let part = self.rest.next();
        let text = part.as_ref().and_then(Reply::as_text).map(str::to_owned);
        text.ok_or_else(|| unexpected(operation, &part))
    }

    /// The next part, which is an array according to the comment at the top of the script.
    pub(crate) fn array(&mut self, operation: &'static str) -> Result<Vec<Reply>, Error> {
        let part = self.rest.next();
        part.and_then(Reply::into_array).ok_or_else(|| unexpected(operation, &"no array"))
    }
}

/// The error for a reply that the command never has, for example from a proxy or another kind of
/// server.
pub(crate) fn unexpected(operation: &'static str, reply: &dyn std::fmt::Debug) -> Error {
    Error::new(operation, ErrorKind::Server(format!("unexpected reply {reply:?}")))
}

/// Why there is no reply.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The server refused the command, and nothing was done.
    Refused(ErrorKind),
    /// The command never left this process.
    NotSent(String),
    /// The command was sent, and the server may have executed it.
    Lost(String),
    /// The command never left this process, and no other will: the runtime of the connection has
    /// ended.
    RuntimeEnded,
}

impl Fault {
    /// The fault of a write whose reply has an unexpected shape, so its outcome is unknown.
    pub(crate) fn unexpected_reply() -> Self {
        Self::Lost("the reply has an unexpected shape".to_owned())
    }

    /// The error for a read, or for a write that certainly was not executed.
    pub(crate) fn into_error(self, operation: &'static str) -> Error {
        let kind = match self {
            Self::Refused(kind) => kind,
            Self::NotSent(message) | Self::Lost(message) => ErrorKind::Unavailable(message),
            Self::RuntimeEnded => ErrorKind::RuntimeEnded,
        };
        Error::new(operation, kind)
    }
}
