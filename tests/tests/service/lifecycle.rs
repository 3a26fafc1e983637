//! Start, outages of the server and shutdown.

use metastore_tests::example::PATIENCE;
use metastore_tests::{Server, example, wait};
use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::{Service, article, program};

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
