//! Requests that are slow or malformed.

use std::time::Duration;

use metastore_tests::example::PATIENCE;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Service, article};

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
