//! Compares the libraries of the scripts with the modules that have the same knowledge, on a real
//! server.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::link::{KEYS_LIBRARY, definitions, identifiers};
use super::{Script, ScriptCall};
use crate::document::encode::encode_json;
use crate::document::header::{Header, beginning};
use crate::key::{Actor, Address, Id, Segment};
use crate::redis::command::{Command, Reply};
use crate::repo::mutation::MaterializedResult;
use crate::store::Store;
use crate::time::Timestamp;

async fn run(store: &Store, call: ScriptCall) -> Vec<String> {
    let reply = store.reader().script(&call).await.expect("the script runs");
    let text = |reply: Reply| match reply {
        Reply::Data(data) => String::from_utf8(data.to_vec()).expect("text"),
        Reply::Int(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    reply.into_array().expect("an array").into_iter().map(text).collect()
}

static KEYS: Script = Script::new(
    "test/keys",
    "local domain, app, name, id, version, job, mutation, field = unpack(ARGV)
    local at = address(domain, app, name)
    return {
      latest_key(at, id), version_key(at, id, version), trimmed_key(at, id), record_key(at, id, job),
      derived_key(at, id, transformation_segment(job)), derived_key(at, id, mutation),
      index_key(at), expiry_key(at), entries_key(at), commits_key(at),
      segment_key(at, mutation), segment_key(at, transformation_segment(job)),
      segment_key(at, unique_segment(field)), segment_key(at, held_segment(field)),
      audit_key(at, id), audit_feed_key(at), scratch_key(at), queue_key(at, job, 'jobs'),
      wake_channel(at, job, id), cancel_channel(at, job, id), changes_channel(at, job),
      id_of_latest_key(at, latest_key(at, id)),
      id_of_latest_key(at, latest_key(at .. '2', id)) or 'none',
      address_of_entries_key(entries_key(at)),
      unique_field(unique_segment(field)), unique_field(held_segment(field)) or 'none',
      held_field(held_segment(field)), held_field(unique_segment(field)) or 'none',
      is_value_segment(unique_segment(field)) and 'yes', derived_kind(mutation)
    }",
    None,
);

#[tokio::test]
async fn scripts_build_the_keys_that_this_crate_builds() {
    let tested: HashSet<&str> = identifiers(KEYS.body).into_iter().collect();
    for definition in definitions(KEYS_LIBRARY) {
        assert!(tested.contains(definition.name), "{} is not tested", definition.name);
    }
    let store = Store::embedded().await.expect("a server");
    let ids = [
        Id::new("abc123").unwrap(),
        Id::new(&"x".repeat(128)).unwrap(),
        Id::encoded("us-east-1:1b2c/o'brien é").unwrap(),
        Id::new("ada@example.com").unwrap(),
    ];
    for address in ["myapp:textsplitter:texts", "a:b:c", "A-1:_b:c_d"] {
        // A name begins with a letter or a digit.
        let Ok(at) = address.parse::<Address>() else { continue };
        for id in &ids {
            for field in ["email", "e-mail address", "a:b", "ö\u{1F600}", "100%~"] {
                let unique = Segment::Unique(field.to_owned());
                let held = Segment::Held(field.to_owned());
                let field = unique.to_string().split_off("unique:".len());
                let mutation = Segment::Mutation("word-count".to_owned());
                let call = ScriptCall::new(&KEYS)
                    .key(at.index())
                    .args(address.split(':').map(str::to_owned))
                    .arg(id.to_string())
                    .int(17)
                    .arg("summarize")
                    .arg(mutation.to_string())
                    .arg(field.clone());
                let expected = [
                    at.latest(id),
                    at.version(id, 17),
                    at.trimmed(id),
                    at.transformation(id, "summarize"),
                    at.transformation(id, "summarize"),
                    at.mutation(id, "word-count"),
                    at.index(),
                    at.expiry(),
                    at.entries(),
                    at.commits(),
                    at.segment(&mutation),
                    at.segment(&Segment::Transformation("summarize".to_owned())),
                    at.segment(&unique),
                    at.segment(&held),
                    at.audit(id),
                    at.audit_feed(),
                    at.scratch(),
                    at.queue("summarize").jobs,
                    at.queue("summarize").wake(id.as_str()),
                    at.queue("summarize").cancel(id.as_str()),
                    at.queue("summarize").changes,
                    id.to_string(),
                    "none".to_owned(),
                    at.to_string(),
                    field.clone(),
                    "none".to_owned(),
                    field.clone(),
                    "none".to_owned(),
                    "yes".to_owned(),
                    "mutation".to_owned(),
                ];
                assert_eq!(run(&store, call).await, expected);
            }
        }
    }
}

static SEGMENTS: Script = Script::new(
    "test/segments",
    "local found = {}
    for number, segment in ipairs(ARGV) do
      found[number] = is_value_segment(segment) and 'value' or derived_kind(segment) or 'none'
    end
    return found",
    None,
);

#[tokio::test]
async fn scripts_know_which_segments_are_those_of_values() {
    let store = Store::embedded().await.expect("a server");
    let named = |new: fn(String) -> Segment| new("a.b".to_owned());
    let segments = [
        Segment::Owner,
        named(Segment::By),
        named(Segment::Each),
        named(Segment::Unique),
        named(Segment::Held),
        named(Segment::Mutation),
        named(Segment::Transformation),
    ];
    let call = ScriptCall::new(&SEGMENTS)
        .key("idx:a:b:c")
        .args(segments.iter().map(ToString::to_string))
        .args(["expiry", "entries", "commits"]);
    let mut found = run(&store, call).await.into_iter();
    for segment in segments {
        assert_eq!(found.next().as_deref() == Some("value"), segment.is_by_value(), "{segment}");
    }
    assert!(found.all(|kind| kind == "none"));
}

static HEADERS: Script = Script::new(
    "test/headers",
    "local version, commit, origin = header_of(KEYS[1])
    if not version then
      return {version == nil and 'missing' or commit and 'refused' or 'other'}
    end
    local written, of = written_at(KEYS[1])
    local _, stated = stated_deadline(KEYS[1])
    local _, in_text = header_in(redis.call('GET', KEYS[1]))
    if ARGV[1] then
      state_deadline(KEYS[1], ARGV[1])
    end
    return {whole(version), commit, origin, whole(written), of, stated or '', in_text}",
    None,
);

/// Every combination of the fields that a header may lack, with short and with long values.
fn headers() -> Vec<Header> {
    let mut all = Vec::new();
    for combination in 0..1 << 6 {
        let has = |bit: u32| combination & (1 << bit) != 0;
        let is_long = has(5);
        let actor =
            |text: &str| Actor::new(&if is_long { "\"ö".repeat(120) } else { text.to_owned() });
        all.push(Header {
            version: if is_long { 999_999_999_999_999 } else { 1 },
            id: Id::new(&if is_long { "~".repeat(128) } else { "a".to_owned() }).unwrap(),
            commit: "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
            origin: has(0).then(|| "01BX5ZZKBKACTAV9WEVGEMMVRZ".to_owned()),
            expires: has(1).then(|| Timestamp::from_millis(1_893_456_000_123)),
            schema: if is_long { u32::MAX } else { 1 },
            created: Timestamp::from_millis(1_700_000_000_001),
            updated: has(2).then(|| Timestamp::from_millis(1_700_000_000_002)),
            actor: has(3).then(|| actor("ada").unwrap()),
            owner: has(4).then(|| actor("bob").unwrap()),
        });
    }
    all
}

#[tokio::test]
async fn scripts_read_the_headers_that_this_crate_writes() {
    let store = Store::embedded().await.expect("a server");
    let key = "a:b:c:d:latest";
    let set = async |json: Vec<u8>| {
        let command = Command::new("SET").arg(key).arg(json);
        store.reader().call(command).await.expect("it is set");
    };
    let read = async |deadline: Option<&str>| {
        let call = ScriptCall::new(&HEADERS).key(key);
        run(&store, deadline.into_iter().fold(call, |call, deadline| call.arg(deadline.to_owned())))
            .await
    };
    for header in headers() {
        let document = r#"{"version":7,"commit":"x","origin":"y","expires":8}"#;
        let json = encode_json(&header, document);
        assert!(json.starts_with(beginning(header.version, &header.id, &header.commit).as_bytes()));
        let expires = header.expires.map(|at| at.as_millis().to_string()).unwrap_or_default();
        let expected = [
            header.version.to_string(),
            header.commit.clone(),
            header.origin().to_owned(),
            header.written().as_millis().to_string(),
            header.commit.clone(),
            expires,
            header.commit.clone(),
        ];
        for other in ["", "1893456000999", "9"] {
            set(json.clone()).await;
            assert_eq!(read(Some(other)).await, expected);
            let stated = Header {
                expires: (!other.is_empty())
                    .then(|| Timestamp::from_millis(other.parse().unwrap())),
                ..header.clone()
            };
            let found = store.reader().get(key.to_owned()).await.expect("it is read");
            assert_eq!(found, Reply::Data(encode_json(&stated, document).into()));
        }

        // Another tool has written it, with the parts in another order and with white space.
        let foreign: Value = serde_json::from_slice(&json).unwrap();
        let mut expected = expected;
        expected[5] = String::new();
        set(serde_json::to_vec_pretty(&foreign).unwrap()).await;
        assert_eq!(read(None).await, expected);
    }
    for other in
        ["", "{}", "[1]", "{\"version\":0,\"id\":\"a\",\"commit\":\"b\",\"created\":1}", "null"]
    {
        set(other.into()).await;
        assert_eq!(read(None).await, ["other"], "{other}");
    }
    for (command, expected) in [("DEL", "missing"), ("LPUSH", "refused")] {
        let command = Command::new(command).arg(key);
        let command = if expected == "refused" { command.arg("x") } else { command };
        store.reader().call(command).await.expect("it is done");
        assert_eq!(read(None).await, [expected]);
    }
}

static RESULTS: Script = Script::new(
    "test/results",
    "local version, commit, origin = result_header_of(KEYS[1])
    if not version then
      return {commit and 'refused' or 'none'}
    end
    return {version, commit, origin}",
    None,
);

#[tokio::test]
async fn scripts_read_the_headers_of_results_that_this_crate_writes() {
    let store = Store::embedded().await.expect("a server");
    let key = "a:b:c:d:mutation:e";
    let call = async |command: Command| store.reader().call(command).await.expect("it is done");
    let read = async || run(&store, ScriptCall::new(&RESULTS).key(key)).await;
    let (commit, origin) = ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRZ");
    let values = [
        Value::Null,
        json!("\",\"origin\":\"x"),
        json!({"version": 7, "commit": "x", "origin": "y"}),
    ];
    for version in [1, 2, 999_999_999_999_999, u64::MAX] {
        for value in &values {
            let stored = MaterializedResult {
                version,
                commit: commit.to_owned(),
                origin: origin.to_owned(),
                computed: Timestamp::from_millis(1_700_000_000_001),
                value,
            };
            let json = serde_json::to_string(&stored).unwrap();
            let expected = format!(
                r#"{{"version":{version},"commit":"{commit}","origin":"{origin}","computed":1700000000001,"value":{value}}}"#
            );
            assert_eq!(json, expected);
            call(Command::new("SET").arg(key).arg(json)).await;
            assert_eq!(read().await, [&*version.to_string(), commit, origin]);
        }
    }
    for other in ["", "null", "{}", r#"{"commit":"a","version":1,"origin":"b"}"#] {
        call(Command::new("SET").arg(key).arg(other)).await;
        assert_eq!(read().await, ["none"], "{other}");
    }
    call(Command::new("DEL").arg(key)).await;
    assert_eq!(read().await, ["none"]);
    call(Command::new("LPUSH").arg(key).arg("x")).await;
    assert_eq!(read().await, ["refused"]);
}
