//! Items over HTTP: their life, ids, refusals and lists.

use serde_json::{Value, json};

use super::{Service, article};

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
    let unknown = service.get("/items/article").problem(404, "unknown collection `article`");
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
    assert!(unknown.problem(422, "unknown field `colour`")["known"].is_array());
    service.post("/items/articles", &json!([1])).problem(422, "expected an object");
    let condition = |field: &str, operator: &str| json!({"where": [{"field": field, "operator": operator, "value": 1}]});
    service
        .post("/find/articles", &condition("colour", "eq"))
        .problem(422, "unknown field `colour`");
    service
        .post("/find/articles", &condition("stars", "like"))
        .problem(422, "unknown operator `like`");
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
