//! The example `document-service`, run as its users run it: a program with an HTTP interface.

mod derived;
mod items;
mod lifecycle;
mod requests;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use metastore_tests::Server;
use metastore_tests::example::{self, PATIENCE};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::block_in_place;
use tokio::time::timeout;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example::build("document-service", env!("CARGO_TARGET_TMPDIR")))
}

/// A service on a server of its own.
struct Service {
    redis: Server,
    process: Child,
    address: String,
    agent: Agent,
}

/// A response of the service.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Service {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(words: &[&str]) -> Self {
        // Its data must survive a restart.
        let redis = Server::builder().append_only(true).start().await;
        let mut process = Command::new(program())
            .env("REDIS_URL", redis.url())
            .args(["--listen", "127.0.0.1:0"])
            .args(words)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(process.stdout.take().expect("is piped")).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.expect("it listens in time");
        let line = line.expect("is text").expect("it says where it listens");
        let address = line.strip_prefix("listening on http://").expect("says where").to_owned();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        Self { redis, process, address, agent: agent.into() }
    }

    /// Sends a request with these headers, and this body if it has any, as JSON unless a header
    /// says otherwise.
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let uri = format!("http://{}{path}", self.address);
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        let response = block_in_place(|| match body {
            "" => self.agent.run(request.body(()).expect("is a request")),
            _ => self.agent.run(request.body(body.to_owned()).expect("is a request")),
        });
        let (parts, mut body) = response.expect("there is an answer").into_parts();
        let body = block_in_place(|| body.read_to_string()).expect("is text");
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], &body.to_string())
    }

    /// Creates an article and returns its path.
    fn article(&self, title: &str) -> String {
        let answer = self.post("/items/articles", &article(title));
        answer.expect(201).header("location").to_owned()
    }

    /// Starts a request that creates an item, and returns what remains to be sent.
    async fn begin<'b>(&self, body: &'b str) -> (TcpStream, &'b str) {
        const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        let (begun, rest) = body.split_at(10);
        let mut stream = TcpStream::connect(&self.address).await.expect("it listens");
        let length = body.len();
        let head = format!(
            "POST /items/articles HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("it reads");
        // The service prints it when a handler waits for the body.
        let mut answer = vec![0; GO_ON.len()];
        timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("in time").expect("goes on");
        assert_eq!(answer, GO_ON);
        stream.write_all(begun.as_bytes()).await.expect("it reads on");
        (stream, rest)
    }

    fn signal(&self, signal: Signal) {
        let id = self.process.id().and_then(|id| Pid::from_raw(id.try_into().expect("is small")));
        kill_process(id.expect("it runs"), signal).expect("it can be signalled");
    }

    /// Waits until it has exited successfully.
    async fn ends(&mut self) {
        let ended = timeout(PATIENCE, self.process.wait()).await.expect("it ends in time");
        assert_eq!(ended.expect("it ends").code(), Some(0));
    }
}

impl Answer {
    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}"));
        value.to_str().expect("is text")
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that it is a problem with this status and these words in its detail.
    #[track_caller]
    fn problem(self, status: u16, words: &str) -> Value {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
        let detail = problem["detail"].as_str().expect("there is a detail");
        assert!(detail.contains(words), "{words}: {problem}");
        problem
    }
}

fn article(title: &str) -> Value {
    json!({"title": title, "body": "# One\n\ntwo three\n"})
}
