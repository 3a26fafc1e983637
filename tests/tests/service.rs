//! The example `document-service`, run as its users run it: a program with an HTTP interface.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use metastore_tests::example::{self, PATIENCE};
use metastore_tests::{Server, wait};
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

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_created_read_changed_and_deleted() {
    let service = Service::start().await;
    let made = service.post("/items/articles", &article("First")).expect(201);
    let path = made.header("location").to_owned();
    let item = made.json();
    assert_eq!(path, format!("/items/articles/{}", item["id"].as_str().unwrap()));
    assert_eq!((made.header("etag"), &item["version"]), ("\"1\"", &json!(1)));
    assert_eq!(item["data"]["title"], "First");

    let read = service.get(&path).expect(200);
    assert_eq!((read.header("etag"), read.json()), ("\"1\"", item));
    assert_eq!(read.header("content-type"), "application/json");
    for tags in ["\"1\"", "W/\"1\"", "\"7\", \"1\"", "*"] {
        let same = service.send("GET", &path, &[("if-none-match", tags)], "").expect(304);
        assert_eq!((same.body.as_str(), same.header("etag")), ("", "\"1\""));
    }
    service.send("GET", &path, &[("if-none-match", "\"2\"")], "").expect(200);
    let head = service.send("HEAD", &path, &[], "").expect(200);
    assert_eq!((head.body.as_str(), head.header("etag")), ("", "\"1\""));

    // Only the version that was read is changed.
    let patch = r#"{"topic": "news", "stars": 3}"#;
    let at = |version: &'static str| [("if-match", version)];
    let changed = service.send("PATCH", &path, &at("\"1\""), patch).expect(200);
    assert_eq!((changed.header("etag"), &changed.json()["data"]["stars"]), ("\"2\"", &json!(3)));
    let stale = service.send("PATCH", &path, &at("\"1\""), r#"{"stars": 1}"#);
    let stale = stale.problem(412, "expected version 1, found version 2");
    assert_eq!((&stale["expected"], &stale["actual"]), (&json!(1), &json!(2)));
    let cleared = service.send("PATCH", &path, &at("*"), r#"{"topic": null}"#).expect(200).json();
    assert_eq!((&cleared["version"], &cleared["data"]["topic"]), (&json!(3), &Value::Null));

    let whole = article("Whole").to_string();
    service.send("PUT", &path, &at("\"2\""), &whole).problem(412, "found version 3");
    let whole = service.send("PUT", &path, &at("\"3\""), &whole).expect(200);
    assert_eq!((whole.header("etag"), &whole.json()["data"]["stars"]), ("\"4\"", &json!(0)));
    service.send("PUT", &path, &[], &article("Again").to_string()).expect(200);

    service.send("DELETE", &path, &at("\"4\""), "").problem(412, "found version 5");
    for foreign in ["W/\"5\"", "\"05\"", "\"five\"", "5"] {
        service.send("DELETE", &path, &[("if-match", foreign)], "").problem(412, "no version");
    }
    let gone = service.send("DELETE", &path, &at("\"5\""), "").expect(204);
    assert_eq!(gone.body, "");
    service.get(&path).problem(404, "there is no such item");
    service.send("DELETE", &path, &[], "").problem(404, "there is no such item");
    service.send("DELETE", &path, &at("\"5\""), "").problem(404, "not found");
    service.send("PATCH", &path, &[], r#"{"stars": 1}"#).problem(404, "not found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_the_clients_own_is_taken_once() {
    let service = Service::start().await;
    let (path, new) = ("/items/articles/my-own", [("if-none-match", "*")]);
    service.send("PUT", path, &[], &article("One").to_string()).problem(404, "not found");
    let made = service.send("PUT", path, &new, &article("One").to_string()).expect(201);
    assert_eq!((made.header("location"), made.header("etag")), (path, "\"1\""));
    let again = service.send("PUT", path, &new, &article("Two").to_string());
    again.problem(412, "an item with this id already exists");
    assert_eq!(service.get(path).json()["data"]["title"], "One");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_with_its_reason() {
    let service = Service::start_with(&["--max-body", "2000"]).await;
    let path = service.article("Here");

    // 400: no JSON, no id, no time, no cursor, no number.
    let json_type = [("content-type", "application/json; charset=utf-8")];
    for (body, words) in [("{\"title\": ", "EOF"), ("nothing", "cannot be read"), ("", "EOF")] {
        service.send("POST", "/items/articles", &json_type, body).problem(400, words);
    }
    for (wrong, words) in [
        ("/items/articles/a%20b".to_owned(), "ASCII letters, digits"),
        (format!("{path}?as_of=yesterday"), "`yesterday` is not a time"),
        (format!("{path}?asof=2026-11-24T12:00:00Z"), "asof"),
        (format!("{path}/versions/one"), "one"),
        (format!("{path}/diff?from=1"), "to"),
        (format!("{path}/audit?after=yesterday"), "yesterday"),
        ("/items/articles?limit=0".to_owned(), "from 1 to 1000, not 0"),
        ("/items/articles?limit=-1".to_owned(), "limit"),
        ("/items/articles?after=elsewhere".to_owned(), "the cursor is not one of this query"),
        ("/items/articles?owner=".to_owned(), "an actor has 1 to 512 bytes"),
    ] {
        service.get(&wrong).problem(400, words);
    }
    let long = "a".repeat(513);
    for (actor, words) in [("", "an actor has 1 to 512 bytes"), (&*long, "not 513")] {
        service.send("GET", &path, &[("x-actor", actor)], "").problem(400, words);
    }

    // 404: the path names nothing, and the detail says what exists.
    let unknown = service.get("/items/article").problem(404, "no collection `article`");
    assert_eq!(unknown["known"], json!(["articles", "authors"]));
    service.post("/find/article", &json!({})).problem(404, "existing ones: articles, authors");
    service.get("/items/articles/gone").problem(404, "there is no such item");
    service.get("/items/articles/gone/versions").problem(404, "there is no such item");
    service.get("/elsewhere").problem(404, "`GET /collections` lists");
    let wrong = service.send("DELETE", "/items/articles", &[], "");
    assert_eq!(wrong.header("allow"), "GET,HEAD,POST");
    wrong.problem(405, "other methods");

    // 409: another item has the value.
    let author = json!({"name": "Ada", "email": "ada@example.com"});
    service.post("/items/authors", &author).expect(201);
    let taken = service.post("/items/authors", &author);
    assert_eq!(taken.problem(409, "with this email already exists")["field"], "email");

    // 413 and 415.
    let large = json!({"title": "Large", "body": "x".repeat(2_000)});
    service.post("/items/articles", &large).problem(413, "2000 bytes");
    let text = [("content-type", "text/plain")];
    service.send("POST", "/items/articles", &text, "{}").problem(415, "send JSON");

    // 422: JSON that is no such document.
    let broken = json!({"title": "", "body": "", "stars": 9});
    let broken = service.post("/items/articles", &broken).problem(422, "invalid document");
    let paths: Vec<_> = broken["violations"].as_array().unwrap().iter().collect();
    assert_eq!(paths.iter().map(|found| &found["path"]).collect::<Vec<_>>(), ["stars", "title"]);
    assert!(paths.iter().all(|found| found["message"].is_string() && found["code"].is_string()));
    let many = json!({"title": "a", "body": "b", "tags": ["c", 1]});
    let many = service.post("/items/articles", &many).problem(422, "expected a string");
    assert_eq!(many["path"], "tags[1]");
    let unknown = service.send("PATCH", &path, &[], r#"{"colour": 1}"#);
    assert!(unknown.problem(422, "no field `colour`")["known"].is_array());
    service.post("/items/articles", &json!([1])).problem(422, "expected an object");
    let condition = |field: &str, operator: &str| json!({"where": [{"field": field, "operator": operator, "value": 1}]});
    service.post("/find/articles", &condition("colour", "eq")).problem(422, "no field `colour`");
    service.post("/find/articles", &condition("stars", "like")).problem(422, "no operator `like`");
    service.post("/find/articles", &condition("title", "eq")).problem(400, "has no index");
    service.post("/count/articles", &condition("topic", "eq")).problem(400, "expected a string");
    service.post("/find/articles", &json!({"limits": 1})).problem(422, "unknown field `limits`");

    // None of these wrote anything.
    assert_eq!(service.get(&path).expect(200).json()["version"], 1);
    assert_eq!(service.post("/count/articles", &json!({})).json(), json!({"count": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_can_be_required_to_name_the_version_they_expect() {
    let service = Service::start_with(&["--require-match"]).await;
    let path = service.article("Guarded");
    let body = article("Changed").to_string();
    for (method, path, body) in [
        ("PUT", path.clone(), body.as_str()),
        ("PATCH", path.clone(), r#"{"stars": 1}"#),
        ("DELETE", path.clone(), ""),
        ("POST", format!("{path}/versions/1/revert"), ""),
    ] {
        service.send(method, &path, &[], body).problem(428, "say by `If-Match`");
    }
    assert_eq!(service.get(&path).json()["version"], 1);
    service.send("PUT", &path, &[("if-match", "\"1\"")], &body).expect(200);
    let new = [("if-none-match", "*")];
    service.send("PUT", "/items/articles/own", &new, &body).expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_read_page_by_page_along_their_links() {
    let service = Service::start().await;
    let user = [("x-actor", "ada+1@example.com"), ("content-type", "application/json")];
    for number in 0..7 {
        let mut document = article(&format!("Number {number}"));
        document["stars"] = json!(number % 4);
        let body = document.to_string();
        let made = service.send("POST", "/items/articles", &user, &body).expect(201).json();
        assert_eq!((&made["owner"], &made["actor"]), (&json!(user[0].1), &json!(user[0].1)));
    }
    service.article("Nobody's");

    let titles = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().expect("is a page").iter();
        items.map(|item| item["data"]["title"].as_str().unwrap().to_owned()).collect()
    };
    let mut next = Some("/items/articles?limit=3&owner=ada%2B1@example.com".to_owned());
    let mut pages = Vec::new();
    while let Some(path) = next {
        let answer = service.get(&path).expect(200);
        pages.push(titles(&answer.json()));
        next = answer.headers.get("link").map(|link| {
            let link = link.to_str().unwrap();
            let link = link.strip_suffix(">; rel=\"next\"").and_then(|link| link.strip_prefix('<'));
            link.expect("is a link to the next page").to_owned()
        });
    }
    let expected: Vec<_> = (0..7).rev().map(|number| format!("Number {number}")).collect();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(pages.concat(), expected);

    let stars = |operator: &str, value: u32| {
        let condition = json!({"field": "stars", "operator": operator, "value": value});
        json!({"where": [condition], "order": {"descending_by": "stars"}, "limit": 2})
    };
    let mut selection = stars("at_least", 2);
    assert_eq!(service.post("/count/articles", &selection).json(), json!({"count": 3}));
    let first = service.post("/find/articles", &selection).expect(200).json();
    selection["after"] = first["next"].clone();
    let second = service.post("/find/articles", &selection).expect(200).json();
    assert_eq!((second["next"].clone(), titles(&second).len()), (Value::Null, 1));
    assert_eq!(titles(&first)[0], "Number 3");
    // A cursor belongs to its query.
    let mut other = stars("at_most", 2);
    other["after"] = selection["after"].clone();
    service.post("/find/articles", &other).problem(400, "the cursor is not one of this query");

    let known = service.get("/collections").expect(200).json();
    assert_eq!(known[0]["address"], "myapp:service:articles");
    assert_eq!(known[0]["mutations"], json!(["words"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_read_compared_and_restored() {
    let service = Service::start().await;
    let path = service.article("Old");
    let ada = [("x-actor", "ada")];
    let changed = service.send("PATCH", &path, &ada, r#"{"title": "New"}"#).expect(200).json();

    let versions = service.get(&format!("{path}/versions")).expect(200).json();
    assert_eq!((&versions[0]["version"], &versions[0]["actor"]), (&json!(2), &json!("ada")));
    let older = service.get(&format!("{path}/versions?before=2&limit=5")).json();
    assert_eq!((older.as_array().map(Vec::len), &older[0]["version"]), (Some(1), &json!(1)));
    let none = service.get(&format!("{path}/versions?before=1")).expect(200).json();
    assert_eq!(none, json!([]));
    let first = service.get(&format!("{path}/versions/1")).expect(200);
    assert_eq!((first.header("etag"), &first.json()["data"]["title"]), ("\"1\"", &json!("Old")));
    service.get(&format!("{path}/versions/9")).problem(404, "no such version");

    let diff = service.get(&format!("{path}/diff?from=1&to=2")).expect(200);
    assert_eq!(diff.header("content-type"), "application/json-patch+json");
    assert_eq!(diff.json(), json!([{"op": "replace", "path": "/title", "value": "New"}]));
    service.get(&format!("{path}/diff?from=1&to=9")).problem(404, "not found");

    let revert = |version: u64, seen: &str| {
        let path = format!("{path}/versions/{version}/revert");
        service.send("POST", &path, &[("if-match", seen)], "")
    };
    revert(1, "\"1\"").problem(412, "found version 2");
    revert(9, "\"2\"").problem(404, "not found");
    let back = revert(1, "\"2\"").expect(200);
    assert_eq!((back.header("etag"), &back.json()["data"]["title"]), ("\"3\"", &json!("Old")));

    let at = changed["updated_at"].as_u64().unwrap();
    let at = metastore::Timestamp::from_millis(at);
    let then = service.get(&format!("{path}?as_of={at}")).expect(200).json();
    // The revert may have come within the same millisecond.
    assert!(then["version"].as_u64().unwrap() >= 2, "{then}");
    service.get(&format!("{path}?as_of=1999-12-31T23:59:59Z")).problem(404, "no such item");

    service.send("DELETE", &path, &ada, "").expect(204);
    let operations = |page: &Value| -> Vec<String> {
        let entries = page["entries"].as_array().expect("is a page").iter();
        entries.map(|entry| entry["operation"].as_str().unwrap().to_owned()).collect()
    };
    let trail = service.get(&format!("{path}/audit")).expect(200).json();
    assert_eq!(operations(&trail), ["delete", "revert", "update", "create"]);
    let mine = service.get("/audit/articles?actor=ada&operation=update").expect(200).json();
    assert_eq!(operations(&mine), ["update"]);
    assert_eq!(mine["entries"][0]["changed"], json!(["title"]));
    // The feed is followed from a stored position.
    let begun = service.get("/audit/articles?limit=1").json();
    assert_eq!((operations(&begun), &begun["more"]), (vec!["create".to_owned()], &json!(true)));
    let position = begun["position"].as_str().unwrap();
    let rest = service.get(&format!("/audit/articles?after={position}")).json();
    assert_eq!(operations(&rest), ["update", "revert", "delete"]);
    service.get("/audit/articles?limit=0").problem(400, "limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn mutations_are_run_and_jobs_are_done() {
    let service = Service::start().await;
    let path = service.article("Counted");
    let words = format!("{path}/mutations/words");
    assert_eq!(service.get(&words).expect(200).json(), json!({"value": 4}));
    service.get(&format!("{words}/stored")).problem(404, "no result is stored");
    assert_eq!(service.send("POST", &words, &[], "").expect(200).json(), json!({"value": 4}));
    service.send("PATCH", &path, &[], r#"{"body": "one"}"#).expect(200);
    let stored = service.get(&format!("{words}/stored")).expect(200).json();
    assert_eq!((&stored["value"], &stored["stale"]), (&json!(4), &json!(true)));
    assert_eq!(service.get(&format!("{words}?version=1")).json(), json!({"value": 4}));
    assert_eq!(service.get(&words).json(), json!({"value": 1}));
    service.get(&format!("{words}?version=9")).problem(404, "not found");
    let unknown = service.get(&format!("{path}/mutations/letters"));
    assert_eq!(unknown.problem(404, "no mutation `letters`")["known"], json!(["words"]));

    let outline = format!("{path}/transformations/outline");
    service.get(&outline).problem(404, "no run was ever requested");
    service.send("DELETE", &outline, &[], "").problem(404, "no live job");
    service.send("PATCH", &path, &[], r##"{"body": "# A\ntext\n## B\n"}"##).expect(200);
    let accepted = service.send("POST", &outline, &[], "").expect(202);
    assert_eq!(accepted.header("location"), outline);
    let job = accepted.json()["job"].clone();
    wait::until("the job is done", PATIENCE, async || {
        service.get(&outline).expect(200).json()["state"] == "done"
    })
    .await;
    let status = service.get(&outline).json();
    assert_eq!((&status["job"], &status["result"]), (&job, &json!(["A", "B"])));
    assert_eq!(status["result_version"], 3);
    let unknown = service.send("POST", &format!("{path}/transformations/sum"), &[], "");
    unknown.problem(404, "no transformation `sum`");
    let gone = "/items/articles/gone/transformations/outline";
    service.send("POST", gone, &[], "").problem(404, "not found");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_its_server_is_away_it_reports_that_and_continues_afterwards() {
    let mut service = Service::start().await;
    let path = service.article("Lasting");
    service.redis.kill();
    for (method, path, body) in [
        ("GET", path.as_str(), ""),
        ("GET", "/items/articles", ""),
        ("PATCH", path.as_str(), r#"{"stars": 1}"#),
        ("POST", "/items/articles", r#"{"title": "Never", "body": ""}"#),
    ] {
        let answer = service.send(method, path, &[], body).expect(503);
        assert_eq!(answer.header("retry-after"), "1");
        let problem = answer.problem(503, "try again");
        // The address of its server is not shown.
        assert!(!problem.to_string().contains("127.0.0.1"), "{problem}");
    }
    // Paths that need no server always work.
    service.get("/collections").expect(200);
    service.redis.restart().await;
    wait::until("it answers again", PATIENCE, async || service.get(&path).status == 200).await;
    // No refused request is applied afterwards.
    let item = service.get(&path).json();
    assert_eq!((&item["version"], &item["data"]["title"]), (&json!(1), &json!("Lasting")));
    assert_eq!(service.post("/count/articles", &json!({})).json(), json!({"count": 1}));
    service.send("PATCH", &path, &[("if-match", "\"1\"")], r#"{"stars": 2}"#).expect(200);

    // It can be stopped while its server is away.
    service.redis.kill();
    service.signal(Signal::TERM);
    service.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_with_an_unknown_outcome_has_an_error_of_its_own() {
    let service = Service::start().await;
    service.article("First");
    service.redis.freeze();
    let unknown = service.post("/items/articles", &article("Perhaps"));
    assert!(!unknown.headers.contains_key("retry-after"), "{unknown:?}");
    let unknown = unknown.problem(504, "look before trying again");
    let commit = unknown["commit"].as_str().expect("it names the write");
    service.redis.thaw();
    wait::until("it answers again", PATIENCE, async || {
        service.get("/items/articles").status == 200
    })
    .await;
    // The commit id shows whether it was applied.
    let page = service.get("/items/articles").expect(200).json();
    let items = page["items"].as_array().unwrap();
    let done = items.iter().any(|item| item["commit"] == commit);
    assert_eq!(items.len(), if done { 2 } else { 1 }, "{page}");

    service.redis.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
    service.post("/items/articles", &article("Too much")).problem(507, "no room");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_what_it_has_begun_before_it_ends() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut service = Service::start().await;
        // An idle connection does not delay it.
        service.get("/collections").expect(200);
        let body = article("Last").to_string();
        let (mut slow, rest) = service.begin(&body).await;
        service.signal(signal);
        wait::until("nobody is let in any more", PATIENCE, async || {
            TcpStream::connect(&service.address).await.is_err()
        })
        .await;
        slow.write_all(rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, slow.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
        service.ends().await;
        assert_eq!(service.redis.cli(&["ZCARD", "idx:myapp:service:articles"]).await.as_int(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_ends_does_not_keep_it_from_ending() {
    let mut service = Service::start_with(&["--grace", "1"]).await;
    let body = article("Never").to_string();
    let (_slow, _rest) = service.begin(&body).await;
    service.signal(Signal::TERM);
    service.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_start_with_is_an_error() {
    for (words, expected) in [
        (vec![], "where is the data to be kept?"),
        (vec!["--listen", "nowhere"], "where is the data to be kept?"),
        (vec!["--max-body", "much"], "invalid value 'much'"),
    ] {
        let mut command = Command::new(program());
        let output = example::run(command.env_remove("REDIS_URL").args(&words)).await;
        let said = example::text_of(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "{words:?}: {said}");
    }
    let redis = Server::start().await;
    let mut command = Command::new(program());
    let output = example::run(command.env("REDIS_URL", redis.url()).args(["--listen", "x"])).await;
    let said = example::text_of(&output.stderr);
    assert!(!output.status.success() && said.contains("cannot listen on `x`"), "{said}");
}

/// The answer to a request that is sent as it is.
async fn raw(service: &Service, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(&service.address).await.expect("it listens");
    let mut answer = Vec::new();
    // A connection that is closed with something unread is reset, perhaps before the answer is
    // read.
    let _ = stream.write_all(request).await;
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it ends in time");
    String::from_utf8(answer).expect("is text")
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_not_held_for_ever() {
    let service = Service::start_with(&["--head-timeout", "1", "--body-timeout", "1"]).await;
    let body = article("Slow").to_string();
    let begin = "POST /items/articles HTTP/1.1\r\nhost: a\r\n";
    let length = body.len();
    let head = format!("{begin}content-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    // What each sends at once; then one byte at a time without end: of a header, of the body, or
    // nothing.
    let kinds =
        [(begin.to_owned(), Some("x-slow: yes")), (head, Some(&*body)), (String::new(), None)];
    let mut clients = Vec::new();
    for number in 0..150 {
        let (at_once, slowly) = kinds[number % kinds.len()].clone();
        let mut stream = TcpStream::connect(&service.address).await.expect("it listens");
        let slowly = slowly.unwrap_or_default().to_owned();
        clients.push(tokio::spawn(async move {
            stream.write_all(at_once.as_bytes()).await.expect("it reads");
            let (mut read, mut write) = stream.split();
            let trickle = async {
                for byte in slowly.bytes().cycle() {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    if write.write_all(&[byte]).await.is_err() {
                        break;
                    }
                }
                std::future::pending::<()>().await;
            };
            let mut answer = Vec::new();
            tokio::select! {
                _ = read.read_to_end(&mut answer) => {}
                () = trickle => {}
            }
            (number % 3, String::from_utf8_lossy(&answer).into_owned())
        }));
    }
    for client in clients {
        let ended = timeout(PATIENCE, client).await.expect("the connection is closed in time");
        let (kind, answer) = ended.unwrap();
        if kind == 1 {
            assert!(answer.starts_with("HTTP/1.1 408 Request Timeout"), "{answer}");
            assert!(answer.contains("the body did not come in time"), "{answer}");
        }
    }
    assert_eq!(service.post("/count/articles", &json!({})).json(), json!({"count": 0}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_accepted_only_with_its_declared_type_and_length() {
    let service = Service::start().await;
    let body = article("Typed").to_string();
    let post = |content_type: &str| {
        let length = body.len();
        format!(
            "POST /items/articles HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{content_type}\
             content-length: {length}\r\n\r\n{body}"
        )
    };
    for (content_type, status) in [
        ("", "415 Unsupported Media Type"),
        ("content-type:\r\n", "415 Unsupported Media Type"),
        ("content-type: text/plain\r\n", "415 Unsupported Media Type"),
        ("content-type: application/x-www-form-urlencoded\r\n", "415 Unsupported Media Type"),
        ("content-type: application/jsonp\r\n", "415 Unsupported Media Type"),
        ("content-type: application/json\r\n", "201 Created"),
        ("content-type: Application/JSON; charset=utf-8\r\n", "201 Created"),
        ("content-type: application/vnd.article+json\r\n", "201 Created"),
    ] {
        let answer = raw(&service, post(content_type).as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{content_type}: {answer}");
    }
    let long = "x".repeat(400_000);
    let long = format!("GET /collections HTTP/1.1\r\nhost: a\r\nx-long: {long}\r\n\r\n");
    let answer = raw(&service, long.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_there_twice_is_refused_and_a_byte_order_mark_is_not() {
    let service = Service::start().await;
    for body in [
        r#"{"title": "a", "body": "b", "title": "c"}"#,
        r#"{"title": "a", "body": "b", "tit\u006ce": "c"}"#,
    ] {
        let refused = service.send("POST", "/items/articles", &[], body);
        refused.problem(400, "the key `title` is there twice");
    }
    let nested = r#"{"where": [{"field": "topic", "operator": "eq", "value": "a", "value": "b"}]}"#;
    service.send("POST", "/find/articles", &[], nested).problem(400, "`value` is there twice");
    let path = service.article("Whole");
    let patch = service.send("PATCH", &path, &[], r#"{"stars": 1, "stars": 2}"#);
    patch.problem(400, "`stars` is there twice");
    assert_eq!(service.get(&path).json()["version"], 1);

    let marked = format!("\u{feff}{}", article("Marked"));
    let made = service.send("POST", "/items/articles", &[], &marked).expect(201).json();
    assert_eq!(made["data"]["title"], "Marked");
    // Only one, and only at the beginning.
    let twice = format!("\u{feff}{marked}");
    service.send("POST", "/items/articles", &[], &twice).problem(400, "cannot be read");
}
