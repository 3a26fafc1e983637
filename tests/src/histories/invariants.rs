//! The invariants of the store after a history, under any faults.

use std::collections::{BTreeSet, HashMap, HashSet};

use metastore::Repo;

use super::documents::Document;
use super::record::{Call, Kind};
use super::trails::Stored;
use crate::{Connection, Server};

/// Everything about one collection.
pub(super) async fn check<T: Document>(
    server: &Server,
    repo: &Repo<T>,
    calls: &[Call],
) -> Result<Vec<String>, metastore::Error> {
    let mut problems = Vec::new();
    let report = repo.verify().await?;
    if !report.is_clean() {
        problems.push(format!("{:?}: verify finds {report:?}", T::KIND));
    }
    let mut connection = server.connect().await.expect("the server is there");
    let calls: Vec<&Call> = calls.iter().filter(|call| call.kind == T::KIND).collect();
    let stored = versions(&mut connection, repo, &mut problems).await?;
    immutable(&calls, &stored, &mut problems);
    if T::KIND != Kind::Plain {
        super::trails::check(&mut connection, T::KIND, &calls, &stored, &mut problems).await;
    }
    if T::KIND == Kind::Unique {
        claims(&mut connection, &mut problems).await;
    }
    Ok(problems)
}

/// Versions have no gaps, and there are no others.
async fn versions<T: Document>(
    connection: &mut Connection,
    repo: &Repo<T>,
    problems: &mut Vec<String>,
) -> Result<Stored, metastore::Error> {
    let kind = T::KIND;
    let mut stored = Stored::new();
    for item in repo.list().limit(1_000).page().await?.items {
        let mut versions = repo.versions(&item.id).await?;
        versions.reverse();
        let numbers: Vec<u64> = versions.iter().map(|version| version.version).collect();
        if numbers != (1..=item.version).collect::<Vec<_>>() {
            problems.push(format!("{kind:?} {}: versions are {numbers:?}", item.id));
        }
        let commits = versions.into_iter().map(|version| version.commit).collect();
        stored.insert(item.id.to_string(), (item.created_at.as_millis(), commits));
    }
    let prefix = format!("{}:", repo.address());
    let pattern = format!("{prefix}*");
    let keys = connection.call(&["KEYS", pattern.as_str()]).await.expect("the server answers");
    for key in keys.as_strings() {
        let Some((id, what)) = key[prefix.len()..].split_once(':') else { continue };
        let number = what.strip_prefix("version:").and_then(|number| number.parse().ok());
        let is_right = match (stored.get(id), number) {
            (Some((_, commits)), Some(number)) => (1..commits.len()).contains(&number),
            (found, None) => found.is_some() || what != "latest",
            (None, Some(_)) => false,
        };
        if !is_right {
            problems.push(format!("{kind:?}: {key} belongs to no version"));
        }
    }
    Ok(stored)
}

/// All reads of a version of an item return the same.
fn immutable(calls: &[&Call], stored: &Stored, problems: &mut Vec<String>) {
    // The creation time does not distinguish items that were created within the same millisecond.
    let mut created: HashMap<(&str, u64), HashSet<&str>> = HashMap::new();
    let mut known: HashMap<(&str, u64, u64), &str> = HashMap::new();
    let seen = || calls.iter().flat_map(|call| call.seen());
    for seen in seen().filter(|seen| seen.version == 1) {
        created.entry((&seen.id, seen.created)).or_default().insert(&seen.commit);
    }
    let is_one =
        |id: &str, at: u64| created.get(&(id, at)).is_none_or(|commits| commits.len() == 1);
    for (id, (at, commits)) in stored {
        for (number, commit) in (1..).zip(commits) {
            known.insert((id, *at, number), commit);
        }
    }
    for seen in seen().filter(|seen| is_one(&seen.id, seen.created)) {
        let commit = known.entry((&seen.id, seen.created, seen.version)).or_insert(&seen.commit);
        if *commit != seen.commit {
            problems.push(format!(
                "{} version {} was seen with commits {commit} and {}",
                seen.id, seen.version, seen.commit
            ));
        }
    }
    let mut commits = HashMap::new();
    for seen in seen() {
        let shown = (&seen.id, seen.version, &seen.value);
        let first = *commits.entry(&seen.commit).or_insert(shown);
        if first != shown {
            problems.push(format!("commit {} was seen as {first:?} and as {shown:?}", seen.commit));
        }
    }
}

/// No value of the unique field has two claims.
async fn claims(connection: &mut Connection, problems: &mut Vec<String>) {
    let key = "idx:tests:histories:unique:unique:name";
    let claims = connection.call(&["ZRANGE", key, "0", "-1"]).await.expect("the server answers");
    let mut values = BTreeSet::new();
    // An absent value claims nothing.
    let is_claim = |claim: &&crate::Reply| !claim.as_bytes().starts_with(b"0\0");
    for claim in claims.as_array().iter().filter(is_claim) {
        let value = claim.as_bytes().split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        if !values.insert(value) {
            problems.push(format!("two items claim {claim:?}"));
        }
    }
}
