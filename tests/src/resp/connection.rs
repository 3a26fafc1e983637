//! A minimal raw connection that speaks RESP2.

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::net::Ipv4Addr;
use std::pin::Pin;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Reply;

/// One TCP connection to a server or to a proxy in front of it.
///
/// It sends exactly what it is given and never reconnects, so a test that uses it knows every byte
/// on the wire.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to a loopback port.
    pub async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends one command and reads its reply.
    pub async fn call<A: AsRef<[u8]>>(&mut self, command: &[A]) -> Result<Reply> {
        self.send_bytes(&encode(command)).await?;
        self.read_reply().await
    }

    /// Sends several commands in one write and then reads their replies.
    pub async fn pipeline(&mut self, commands: &[&[&str]]) -> Result<Vec<Reply>> {
        let requests: Vec<u8> = commands.iter().flat_map(|command| encode(command)).collect();
        self.send_bytes(&requests).await?;
        let mut replies = Vec::with_capacity(commands.len());
        for _ in commands {
            replies.push(self.read_reply().await?);
        }
        Ok(replies)
    }

    /// Sends bytes as they are, for example one part of an [encoded](encode) command.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads bytes until the other side closes the connection, and returns what came.
    pub async fn read_to_close(&mut self) -> Vec<u8> {
        let mut received = Vec::new();
        // A connection that is cut may end with a reset, which is a close as well.
        let _ = self.stream.read_to_end(&mut received).await;
        received
    }

    /// Reads one reply.
    pub async fn read_reply(&mut self) -> Result<Reply> {
        let line = self.read_line().await?;
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| malformed("an empty line"))?;
        match kind {
            "+" => Ok(Reply::Simple(rest.to_owned())),
            "-" => Ok(Reply::Error(rest.to_owned())),
            ":" => Ok(Reply::Int(number(rest)?)),
            "$" => self.read_bulk(number(rest)?).await,
            "*" => self.read_array(number(rest)?).await,
            _ => Err(malformed(&line)),
        }
    }

    async fn read_bulk(&mut self, length: i64) -> Result<Reply> {
        // A negative length is how RESP2 writes null.
        let Ok(length) = usize::try_from(length) else {
            return Ok(Reply::Nil);
        };
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).await?;
        bytes.truncate(length);
        Ok(Reply::Bulk(bytes))
    }

    // The future is boxed because an array may hold arrays, which makes the reading recursive.
    fn read_array(
        &mut self,
        length: i64,
    ) -> Pin<Box<dyn Future<Output = Result<Reply>> + Send + '_>> {
        Box::pin(async move {
            if length < 0 {
                return Ok(Reply::Nil);
            }
            let mut elements = Vec::new();
            for _ in 0..length {
                elements.push(self.read_reply().await?);
            }
            Ok(Reply::Array(elements))
        })
    }

    async fn read_line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        match line.strip_suffix("\r\n") {
            Some(content) => Ok(content.to_owned()),
            None => Err(Error::from(ErrorKind::UnexpectedEof)),
        }
    }
}

/// Encodes one command the way clients send it.
pub fn encode<A: AsRef<[u8]>>(command: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for argument in command {
        let argument = argument.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| malformed(text))
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("not a RESP2 reply: {what}"))
}
