//! Commands, replies and errors between fred's types and this crate's own.

use bytes::Bytes;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::types::{ClusterHash, CustomCommand, Resp3Frame, Value};

use crate::error::ErrorKind;
use crate::redis::command::{Command, Fault, Reply};
use crate::redis::refusal::refusal;

/// How many commands may wait in this process before further ones are refused.
pub(super) const COMMAND_BUFFER: usize = 100_000;

pub(super) fn to_fred(command: Command) -> (CustomCommand, Vec<Value>) {
    let args = command.args.into_iter().map(Value::Bytes).collect();
    (CustomCommand::new_static(command.name, ClusterHash::FirstKey, false), args)
}

/// A reply, or the server's error message.
pub(super) fn from_frame(frame: Resp3Frame) -> Result<Reply, String> {
    let array = |frames: Vec<Resp3Frame>| -> Result<_, String> {
        frames.into_iter().map(from_frame).collect()
    };
    Ok(match frame {
        Resp3Frame::Null => Reply::Nil,
        Resp3Frame::Number { data, .. } => Reply::Int(data),
        Resp3Frame::SimpleString { data, .. } | Resp3Frame::BlobString { data, .. } => {
            Reply::Data(data)
        }
        Resp3Frame::Array { data, .. } => Reply::Array(array(data)?),
        // fred has added the first element: see the module's documentation.
        Resp3Frame::Push { mut data, .. } => Reply::Array(array(data.split_off(1))?),
        Resp3Frame::SimpleError { data, .. } => return Err(data.to_string()),
        _ => return Err("ERR the reply is of a type that RESP2 does not have".to_owned()),
    })
}

pub(super) fn to_reply(value: Value) -> Reply {
    match value {
        Value::Null => Reply::Nil,
        Value::Integer(number) => Reply::Int(number),
        Value::Boolean(yes) => Reply::Int(yes.into()),
        Value::Double(number) => Reply::Data(number.to_string().into()),
        Value::String(text) => Reply::Data(text.into_inner()),
        Value::Bytes(bytes) => Reply::Data(bytes),
        Value::Queued => Reply::Data(Bytes::from_static(b"QUEUED")),
        Value::Array(values) => Reply::Array(values.into_iter().map(to_reply).collect()),
        Value::Map(map) => Reply::Array(
            map.inner()
                .into_iter()
                .flat_map(|(key, value)| [Reply::Data(key.into_bytes()), to_reply(value)])
                .collect(),
        ),
    }
}

/// Distinguishes a refusal by the server from a command or reply that was lost.
pub(super) fn fault(error: &FredError) -> Fault {
    let message = error.details();
    if let Some(kind) = refusal(message) {
        return Fault::Refused(kind);
    }
    match error.kind() {
        FredKind::Auth => Fault::Refused(ErrorKind::Auth(message.to_owned())),
        FredKind::Backpressure => {
            Fault::NotSent(format!("{COMMAND_BUFFER} commands are waiting already"))
        }
        FredKind::Config | FredKind::Url | FredKind::InvalidArgument => {
            Fault::Refused(ErrorKind::InvalidArgument(message.to_owned()))
        }
        _ => Fault::Lost(error.to_string()),
    }
}
