//! History, mutations and jobs over HTTP.

use metastore_tests::example::PATIENCE;
use metastore_tests::wait;
use serde_json::{Value, json};

use super::Service;

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
    assert_eq!(unknown.problem(404, "unknown mutation `letters`")["known"], json!(["words"]));

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
    unknown.problem(404, "unknown transformation `sum`");
    let gone = "/items/articles/gone/transformations/outline";
    service.send("POST", gone, &[], "").problem(404, "not found");
}
