//! Random bytes of stored documents, index entries and job records are changed: no operation fails
//! with a script error, each error names its item, all others continue, and the damage can be
//! repaired.
//!
//! The seed of a run is printed; `METASTORE_SEED` runs one again, `METASTORE_ROUNDS` more or fewer
//! rounds.

use std::time::Duration;

use futures_util::StreamExt as _;
use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection as _, Error, Store};
use metastore_tests::{Connection, Reply};

use crate::fixture::{MyRepo, Order, Summary, Text, order, start_with, text};

/// The types of keys, each of which one damage in a round is done to.
const TYPES: [&str; 5] = ["string", "hash", "zset", "list", "stream"];

/// How many more damages one round does, to keys of any type.
const MORE: usize = 3;

const IDS: [&str; 4] = ["a", "b", "c", "d"];

/// Values that make no sense wherever a number, an id or a document is expected.
const NONSENSE: [&str; 14] = [
    "",
    "0",
    "-1",
    "x",
    "two words",
    "1e60",
    "nan",
    "18446744073709551616",
    "99999999999999",
    "1000000000000000000000000000000000000000000000000000000000000",
    "{\"version\":1}",
    "{\"version\":99999999999999999999,\"id\":\"a\",\"commit\":\"x\"}",
    "null",
    "000000000001999:by:x1:x",
];

fn number_of(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

/// Changes some bytes.
fn mutate(random: &mut fastrand::Rng, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.usize(1..4) {
        let at = random.usize(0..=bytes.len());
        match random.usize(0..8) {
            0 | 1 if at < bytes.len() => bytes[at] = random.u8(..),
            2 if at < bytes.len() => bytes[at] ^= 1 << random.u8(0..8),
            3 => bytes.truncate(at),
            4 => {
                let end = (at + random.usize(0..20)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 => bytes = random.choice(NONSENSE).unwrap_or_default().into(),
            6 => {
                // A number becomes another one.
                let digit = |byte: &u8| byte.is_ascii_digit();
                let numbers: Vec<usize> =
                    (0..bytes.len()).filter(|&place| digit(&bytes[place])).collect();
                if let Some(&place) = random.choice(&numbers) {
                    let other = random.choice(NONSENSE).unwrap_or_default();
                    bytes.splice(place..=place, other.bytes());
                }
            }
            _ => {
                let piece = random.choice(NONSENSE).unwrap_or_default();
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
    bytes
}

/// Damages one stored value, without changing the type of its key.
async fn damage(
    connection: &mut Connection,
    random: &mut fastrand::Rng,
    of_type: Option<&str>,
) -> String {
    let mut scan = vec!["SCAN", "0", "COUNT", "10000"];
    scan.extend(of_type.into_iter().flat_map(|of_type| ["TYPE", of_type]));
    let reply = connection.call(&scan).await.unwrap();
    let keys = reply.as_array()[1].as_array();
    let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.as_bytes().to_vec()).collect();
    let is_damaged = |key: &&Vec<u8>| !key.starts_with(b"catalog") && !key.ends_with(b":commits");
    let keys: Vec<&Vec<u8>> = keys.iter().filter(is_damaged).collect();
    let Some(key) = random.choice(keys) else { return String::new() };
    let mut call = async |command: &[&[u8]]| connection.call(command).await.unwrap();
    let kind = call(&[b"TYPE", key]).await.as_str().to_owned();
    let any = |random: &mut fastrand::Rng, reply: &Reply| {
        let parts = reply.as_array();
        random.choice(0..parts.len()).map(|at| parts[at].as_bytes().to_vec()).unwrap_or_default()
    };
    let shown = match kind.as_str() {
        _ if of_type.is_none() && random.usize(0..4) == 0 && !key.ends_with(b":latest") => {
            call(&[b"DEL", key]).await;
            Vec::new()
        }
        "string" => {
            let old = call(&[b"GET", key]).await;
            let new = mutate(random, old.as_bytes());
            call(&[b"SET", key, &new, b"KEEPTTL"]).await;
            new
        }
        "hash" => {
            let fields = call(&[b"HKEYS", key]).await;
            let field = any(random, &fields);
            let old = call(&[b"HGET", key, &field]).await;
            let new = mutate(random, old.as_bytes());
            call(&[b"HSET", key, &field, &new]).await;
            [&field[..], b" = ", &new].concat()
        }
        "zset" => {
            let members = call(&[b"ZRANGE", key, b"0", b"-1"]).await;
            let member = any(random, &members);
            if random.bool() {
                let score = random.choice([&b"-inf"[..], b"1e300", b"-5", b"1.5", b"0"]).unwrap();
                call(&[b"ZADD", key, score, &member]).await;
                [&member[..], b" = ", score].concat()
            } else {
                let new = mutate(random, &member);
                call(&[b"ZREM", key, &member]).await;
                call(&[b"ZADD", key, b"0", &new]).await;
                new
            }
        }
        "list" => {
            let members = call(&[b"LRANGE", key, b"0", b"-1"]).await;
            let member = any(random, &members);
            let new = mutate(random, &member);
            call(&[b"LPUSH", key, &new]).await;
            new
        }
        "stream" => {
            let new = mutate(random, b"update");
            call(&[b"XADD", key, b"*", b"op", &new, b"version", b"x"]).await;
            new
        }
        _ => Vec::new(),
    };
    format!("{}: {}", key.escape_ascii(), shown.escape_ascii())
}

async fn fill(repo: &MyRepo) {
    for (number, id) in IDS.iter().enumerate() {
        repo.texts.create_with_id(*id, text("some words")).await.unwrap();
        for version in 0..number {
            let patch = Text::patch().content(format!("version {version}"));
            repo.texts.update(*id, patch).await.unwrap();
        }
        repo.texts.item(*id).wordcount().materialize().await.unwrap();
        repo.texts.item(*id).summarize().enqueue().await.unwrap();
        let order = Order {
            country: Some("fr".into()),
            tags: vec!["x".into(), "y".into()],
            payment: Some(format!("p{number}")),
            ..order(number.try_into().unwrap())
        };
        repo.as_user("u1").unwrap().orders.create_with_id(*id, order).await.unwrap();
    }
}

/// Calls every operation and returns the errors.
async fn run_all(repo: &MyRepo, random: &mut fastrand::Rng) -> Vec<Error> {
    let (texts, orders) = (&repo.texts, &repo.orders);
    let mut errors = Vec::new();
    macro_rules! try_all {
        ($($call:expr),* $(,)?) => {{$( errors.extend($call.await.err()); )*}};
    }
    let queue = Queue::new(texts, Text::SUMMARIZE);
    match queue.take(&TakeOptions::new("w", 3)).await {
        Ok(taken) => {
            for job in taken.jobs {
                let claims = std::slice::from_ref(&job.claim);
                try_all![queue.renew(claims, Duration::from_secs(5))];
                match random.usize(0..3) {
                    0 => try_all![queue.finish(&job.claim, &Summary { sentences: vec![] })],
                    1 => try_all![queue.fail(&job.claim, "no", None)],
                    _ => {}
                }
            }
        }
        Err(error) => errors.push(error),
    }
    try_all![
        texts.list(),
        texts.list().oldest_first().limit(2).page(),
        texts.list().with_mutation(Text::WORDCOUNT),
        texts.list().with_transformation(Text::SUMMARIZE).ids(),
        texts.find(Text::LANGUAGE.is_none()),
        texts.find(Text::LANGUAGE.is_none()).count(),
        texts.count(),
        orders.list().owned_by("u1"),
        orders.find(Order::COUNTRY.eq("fr")),
        orders.find(Order::TAGS.contains("x").and(Order::TOTAL.at_least(0))),
        orders.find(Order::TAGS.contains("x").and(Order::TOTAL.at_least(0))).count(),
        orders.list().descending_by(Order::TOTAL).ids(),
        orders.get_by(Order::PAYMENT, "p1"),
        texts.verify(),
        orders.verify(),
        texts.migrate(),
        texts.trim_all(),
        texts.stats(),
        orders.stats(),
        texts.reap_expired(),
        queue.stats(),
        queue.dead(0, 10),
        texts.audit_feed(),
    ];
    for result in texts.get_many(IDS).await {
        errors.extend(result.err());
    }
    let mut stream = std::pin::pin!(orders.list().stream());
    while let Some(item) = stream.next().await {
        errors.extend(item.err());
    }
    for id in IDS {
        try_all![
            texts.get(id),
            texts.get_raw(id),
            texts.versions(id),
            texts.as_of(id, texts.store().now()),
            texts.diff(id, 1, 2),
            texts.audit(id),
            texts.item(id).wordcount().cached(),
            texts.item(id).wordcount().materialize(),
            texts.item(id).summarize().enqueue(),
            texts.item(id).summarize().status(),
            texts.item(id).summarize().cancel(),
            queue.retry(id),
            queue.discard(id),
            texts.update(id, Text::patch().content(random.u32(..).to_string())),
            texts.update_at(id, 1, Text::patch().content("y")),
            texts.revert(id, 1),
            orders.update(id, Order::patch().country("de").total(7)),
            orders.modify(id, |order| order.tags.push("z".into())),
            orders.get(id),
        ];
    }
    try_all![
        orders.create_with_id("a", order(3)),
        orders.create(Order { payment: Some("p0".into()), ..order(9) }),
        texts.create(text("new")),
    ];
    errors
}

fn assert_no_script_errors(errors: &[Error], context: &str) {
    for error in errors {
        let shown = format!("{error} {error:?}").to_lowercase();
        for word in ["script", "lua", "attempt to", "bad argument", "unexpected reply"] {
            assert!(!shown.contains(word), "{error:?}\n{context}");
        }
    }
}

#[tokio::test]
async fn no_damaged_byte_fails_a_script_and_everything_can_be_healed() {
    let seed = number_of("METASTORE_SEED", fastrand::u64(..));
    eprintln!("METASTORE_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let mut connection = server.connect().await.unwrap();
    let (texts, orders) = (&repo.texts, &repo.orders);
    for round in 0..number_of("METASTORE_ROUNDS", 45) {
        connection.call(&["FLUSHALL"]).await.unwrap();
        fill(&repo).await;
        let mut damages = Vec::new();
        for of_type in TYPES.map(Some).into_iter().chain([None; MORE]) {
            damages.push(damage(&mut connection, &mut random, of_type).await);
        }
        let context = format!("seed {seed}, round {round}:\n{}", damages.join("\n"));
        let errors = Box::pin(run_all(&repo, &mut random)).await;
        assert_no_script_errors(&errors, &context);

        // Everything can be repaired: unreadable items are deleted by id, `repair` does the rest.
        for report in [texts.repair().await, orders.repair().await] {
            report.unwrap_or_else(|error| panic!("{error:?}\n{context}"));
        }
        for id in IDS {
            if texts.get(id).await.is_err() {
                let deleted = texts.delete(id).await;
                assert!(deleted.is_ok(), "{deleted:?}\n{context}");
            }
            if orders.get(id).await.is_err() {
                let deleted = orders.delete(id).await;
                assert!(deleted.is_ok(), "{deleted:?}\n{context}");
            }
        }
        // Two items may have the same unique value now; the one that is refused is deleted.
        for failure in orders.repair().await.unwrap().failures {
            orders.delete(&failure.id).await.unwrap();
        }
        texts.repair().await.unwrap();
        for report in [orders.verify().await.unwrap(), texts.verify().await.unwrap()] {
            // Lost versions and audit entries remain lost.
            let open =
                (report.wrong, report.unlisted, report.orphans, report.lost_jobs, report.failed);
            assert_eq!(open, (0, 0, 0, 0, 0), "{report:?}\n{context}");
        }
        let listed = orders.list().limit(100).await.unwrap();
        assert_eq!(listed.len() as u64, orders.count().await.unwrap(), "{context}");
        assert!(listed.unreadable.is_empty(), "{context}");
        let found = orders.find(Order::TOTAL.at_least(i64::MIN)).limit(100).await;
        assert_eq!(found.unwrap().len(), listed.len(), "{context}");
    }
}
