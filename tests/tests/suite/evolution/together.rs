//! Two programs with different versions of one struct, run against each other through every
//! operation.

use std::fmt;

use futures_util::StreamExt as _;
use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection, Dynamic, DynamicQuery, Error, ErrorKind, Repo, Store};
use metastore_tests::Server;
use serde_json::{Value, json};

use super::pairs::{self, Change, Pair};

/// Which of the two works on documents of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Older,
    Newer,
}

/// Operations that treat a document in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Read,
    Diff,
    Change,
    Replace,
    Revert,
    Delete,
    Repair,
    Migrate,
}

const KINDS: [Kind; 8] = [
    Kind::Read,
    Kind::Diff,
    Kind::Change,
    Kind::Replace,
    Kind::Revert,
    Kind::Delete,
    Kind::Repair,
    Kind::Migrate,
];

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Self::Read => "reads",
            Self::Diff => "compares (`diff`)",
            Self::Change => "updates",
            Self::Replace => "replaces",
            Self::Revert => "reverts",
            Self::Delete => "deletes",
            Self::Repair => "`repair`, `backfill`",
            Self::Migrate => "`migrate`",
        }
    }

    /// Whether each document is written, or its indexes.
    fn writes(self) -> bool {
        !matches!(self, Self::Read | Self::Diff | Self::Migrate)
    }

    fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Read => &[
                "get",
                "get_many",
                "get_version",
                "as_of",
                "list",
                "find",
                "stream",
                "mutation",
                "take",
                "get by name",
                "find by name",
            ],
            Self::Diff => &["diff"],
            Self::Change => {
                &["in hand", "modify", "update by name", "update_at by name", "many by name"]
            }
            Self::Replace => &["replace", "replace in hand", "replace by name"],
            Self::Revert => &["revert", "revert by name"],
            Self::Delete => &["delete", "delete_at", "delete_many"],
            Self::Repair => &["repair", "backfill"],
            Self::Migrate => &["migrate"],
        }
    }
}

/// The effect on the document, as its author sees it afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Everything that its author wrote is preserved; the intended change is applied.
    Kept,
    /// The same, and queries by the new index are refused until `repair` or the next write by the
    /// newer program.
    KeptAndNoticed,
    /// Fields that the writer does not know are gone.
    Dropped,
    /// The same, and the newer program's time to live applies.
    Expires,
    /// The same, and it has no time to live any more.
    Endless,
    /// `NewerSchema`; nothing is written.
    Refused,
    /// It does not decode as the struct: `Decode`, with the id and the path.
    Unreadable,
    /// The writer understands it; its author can no longer read it.
    LostToAuthor,
    Gone,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept => "kept",
            Self::KeptAndNoticed => "kept; the index is refused until `repair`",
            Self::Dropped => "unknown fields are dropped",
            Self::Expires => "kept; expires from now on",
            Self::Endless => "kept; expires no more",
            Self::Refused => "refused (`NewerSchema`)",
            Self::Unreadable => "error (`Decode`)",
            Self::LostToAuthor => "kept; older programs no longer read it",
            Self::Gone => "deleted",
        })
    }
}

/// The table: the expected effect on a document of the other program.
fn expected(change: Change, by: By, kind: Kind) -> Outcome {
    use Outcome::{
        Dropped, Endless, Expires, Gone, Kept, KeptAndNoticed, LostToAuthor, Refused, Unreadable,
    };
    let indexed = matches!(change, Change::Indexed | Change::Unique);
    match (change, by, kind) {
        (_, _, Kind::Delete) => Gone,
        // A field that the other program requires under another name.
        (Change::Renamed, By::Older, Kind::Repair | Kind::Migrate | Kind::Diff) => Kept,
        // By its alias, the newer program reads what is written.
        (Change::Renamed, By::Older, Kind::Replace) => Kept,
        (Change::Renamed, By::Older, _) => Unreadable,
        (Change::Renamed, By::Newer, Kind::Change | Kind::Replace | Kind::Revert) => LostToAuthor,
        // An older program writes neither the newer shape nor the older one over it.
        (Change::Schema, By::Older, Kind::Change | Kind::Replace | Kind::Revert) => Refused,
        // Fields that the writer does not know are preserved, unless it replaces the document.
        (Change::Added | Change::Nested | Change::Flattened, By::Older, Kind::Replace)
        | (Change::Removed, By::Newer, Kind::Replace) => Dropped,
        // An older program takes the document out of an index that it does not know.
        (_, By::Older, kind) if indexed && kind.writes() => KeptAndNoticed,
        // Each writer applies the time to live that it knows.
        (Change::TimeToLive, By::Older, kind) if kind.writes() => Endless,
        (Change::TimeToLive, By::Newer, kind) if kind.writes() => Expires,
        _ => Kept,
    }
}

/// A document with another title.
fn retitled<T: Collection>(document: &T) -> T {
    let mut json = serde_json::to_value(document).unwrap();
    json["title"] = "second".into();
    serde_json::from_value(json).unwrap()
}

/// One operation by a program on the document `d`, which is at version 2.
async fn operate<T: Collection>(repo: &Repo<T>, own: &Value, operation: &str) -> Result<(), Error> {
    let dynamic = Dynamic::new().with(repo);
    let patch = json!({"title": "second"});
    let document: T = serde_json::from_value(own.clone()).unwrap();
    let titled = DynamicQuery::new().filter("title", "eq", "first");
    match operation {
        "get" => drop(repo.get("d").await?.unwrap()),
        "get_many" => drop(repo.get_many(["d"]).await.remove(0)?.unwrap()),
        "get_version" => drop(repo.get_version("d", 1).await?.unwrap()),
        "as_of" => drop(repo.as_of("d", repo.store().now()).await?.unwrap()),
        // The stored text is compared, whether it decodes or not.
        "diff" => drop(repo.diff("d", 1, 2).await?),
        "list" => {
            let mut found = repo.list().await?;
            // A list names what cannot be decoded, and continues.
            if let Some(unreadable) = found.unreadable.pop() {
                assert_eq!((unreadable.id.as_str(), found.len()), ("d", 0));
                return Err(unreadable.error);
            }
            assert_eq!(found.len(), 1);
        }
        "stream" => drop(std::pin::pin!(repo.list().stream()).next().await.unwrap()?),
        "find" | "find by name" => {
            let mut found = dynamic.find_items("docs", &titled).await?;
            if let Some(unreadable) = found.unreadable.pop() {
                assert_eq!((unreadable.id.as_str(), found.items.len()), ("d", 0));
                return Err(unreadable.error);
            }
            assert_eq!(found.items.len(), 1);
        }
        "mutation" => {
            assert_eq!(dynamic.run_mutation("docs", "d", "length").await?, 5);
            assert_eq!(dynamic.materialize_mutation("docs", "d", "length").await?, 5);
            assert_eq!(dynamic.get_mutation("docs", "d", "length").await?.unwrap().value, 5);
        }
        "take" => {
            dynamic.enqueue("docs", "d", "digest").await?;
            let queue = Queue::all(repo).remove(0);
            let taken = queue.take(&TakeOptions::new("w", 1)).await?.jobs.remove(0);
            taken.item?;
            assert!(queue.finish(&taken.claim, &"short").await?);
            let result = dynamic.transformation_result("docs", "d", "digest").await?;
            assert_eq!(result, Some("short".into()));
        }
        "get by name" => drop(dynamic.get_item("docs", "d").await?.unwrap()),
        "in hand" => {
            let item = repo.get("d").await?.unwrap();
            let changed = retitled(&item.data);
            repo.modify(&item, |data| data.clone_from(&changed)).await?;
        }
        "modify" => drop(repo.modify("d", |data| *data = retitled(data)).await?),
        "update by name" => drop(dynamic.update_item("docs", "d", patch).await?),
        "update_at by name" => drop(dynamic.update_item_at("docs", "d", 2, patch).await?),
        "many by name" => drop(dynamic.update_items("docs", [("d", patch)]).await?.remove(0)?),
        "replace" => drop(repo.replace("d", retitled(&document)).await?),
        "replace in hand" => {
            // Without reading, there is nothing in hand.
            match repo.get("d").await {
                Ok(item) => drop(repo.replace(&item.unwrap(), retitled(&document)).await?),
                Err(_) => drop(repo.replace("d", retitled(&document)).await?),
            }
        }
        "replace by name" => {
            let json = serde_json::to_value(retitled(&document)).unwrap();
            drop(dynamic.replace_item("docs", "d", json).await?);
        }
        "revert" => drop(repo.revert("d", 1).await?),
        "revert by name" => drop(dynamic.revert("docs", "d", 1).await?),
        "delete" => assert!(repo.delete("d").await?),
        "delete_at" => repo.delete_at("d", 2).await?,
        "delete_many" => assert!(repo.delete_many(["d"]).await.remove(0)?),
        "repair" => drop(repo.repair().await?),
        "backfill" => drop(repo.backfill().await?),
        "migrate" => drop(repo.migrate().await?),
        other => unreachable!("{other}"),
    }
    Ok(())
}

/// The effect of an operation of `W` on a document of `A`.
async fn outcome<A: Collection, W: Collection>(
    change: Change,
    by: By,
    (author, writer): (&Value, &Value),
    operation: &str,
    kind: Kind,
) -> Outcome {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    let (authors, writers) = (store.repo::<A>(), store.repo::<W>());
    let dynamic = Dynamic::new().with(&authors);
    let mut first = author.clone();
    // The revert must have an effect.
    first["title"] = if kind == Kind::Revert { "second" } else { "before" }.into();
    if !kind.writes() {
        first["title"] = "other".into();
    }
    dynamic.create_item_with_id("docs", "d", first).await.unwrap();
    let written = dynamic.replace_item("docs", "d", author.clone()).await.unwrap();
    if by == By::Newer && matches!(change, Change::Indexed | Change::Unique) {
        // As after a deployment.
        writers.backfill().await.unwrap();
    }
    if let Err(error) = operate(&writers, writer, operation).await {
        let after = dynamic.get_item("docs", "d").await.unwrap().unwrap();
        assert_eq!((after.version, &after.data), (2, &written.data), "{change:?} {operation}");
        return match error.kind() {
            ErrorKind::NewerSchema { .. } => Outcome::Refused,
            ErrorKind::Decode { .. } => Outcome::Unreadable,
            _ => panic!("{change:?} {by:?} {operation}: {error}"),
        };
    }
    let after = match dynamic.get_item("docs", "d").await {
        Ok(Some(after)) => after,
        Ok(None) => return Outcome::Gone,
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Decode { .. }), "{error}");
            assert!(writers.get("d").await.is_ok(), "{change:?} {operation}");
            return Outcome::LostToAuthor;
        }
    };
    let mut all = written.data.value().clone();
    if matches!(kind, Kind::Change | Kind::Replace | Kind::Revert) {
        all["title"] = "second".into();
        assert_eq!(after.data["title"], "second", "{change:?} {operation}");
    }
    if after.data != all {
        return Outcome::Dropped;
    }
    if change == Change::TimeToLive && written.expires_at.is_some() != after.expires_at.is_some() {
        return if after.expires_at.is_some() { Outcome::Expires } else { Outcome::Endless };
    }
    if by == By::Older && matches!(change, Change::Indexed | Change::Unique) {
        let by_phone = DynamicQuery::new().filter("phone", "eq", "1");
        match dynamic.find_items("docs", &by_phone).await {
            Ok(found) => assert_eq!(found.items.len(), 1, "{operation}"),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::IndexIncomplete { .. }), "{error}");
                assert!(authors.repair().await.unwrap().failures.is_empty());
                assert_eq!(dynamic.find_items("docs", &by_phone).await.unwrap().items.len(), 1);
                return Outcome::KeptAndNoticed;
            }
        }
    }
    Outcome::Kept
}

async fn run<P: Pair>() {
    let (older, newer) = (P::older(), P::newer());
    let mut wrong = Vec::new();
    for kind in KINDS {
        for operation in kind.operations() {
            for by in [By::Older, By::Newer] {
                let change = P::CHANGE;
                let is = match by {
                    By::Older => {
                        let documents = (&newer, &older);
                        outcome::<P::Newer, P::Older>(change, by, documents, operation, kind).await
                    }
                    By::Newer => {
                        let documents = (&older, &newer);
                        outcome::<P::Older, P::Newer>(change, by, documents, operation, kind).await
                    }
                };
                let must_be = expected(change, by, kind);
                if is != must_be {
                    wrong.push(format!("{by:?} {operation}: {is:?}, not {must_be:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{:?}:\n{}", P::CHANGE, wrong.join("\n"));
}

macro_rules! together {
    ($($test:ident: $pair:ident;)*) => {$(
        #[tokio::test]
        async fn $test() {
            run::<pairs::$pair>().await;
        }
    )*};
}

together! {
    programs_work_together_over_an_added_field: Added;
    programs_work_together_over_a_removed_field: Removed;
    programs_work_together_over_a_renamed_field: Renamed;
    programs_work_together_over_a_nested_field: Nested;
    programs_work_together_over_a_flattened_field: Flattened;
    programs_work_together_over_an_index: Indexed;
    programs_work_together_over_a_unique_field: Unique;
    programs_work_together_over_a_time_to_live: TimeToLive;
    programs_work_together_over_a_schema: Schema;
}

/// The table in the format of the guide.
fn table() -> String {
    let mut table = String::new();
    for (by, heading) in [
        (By::Older, "The older program works on documents of the newer one"),
        (By::Newer, "The newer program works on documents of the older one"),
    ] {
        let titles: Vec<_> = KINDS.iter().map(|kind| kind.title()).collect();
        table += &format!("### {heading}\n\n| the newer program has | {} |\n", titles.join(" | "));
        table += &format!("|{}\n", " --- |".repeat(KINDS.len() + 1));
        for change in Change::ALL {
            let cells: Vec<_> =
                KINDS.iter().map(|kind| expected(change, by, *kind).to_string()).collect();
            table += &format!("| {} | {} |\n", change.title(), cells.join(" | "));
        }
        table.push('\n');
    }
    table
}

#[test]
fn the_guide_has_the_table_that_is_tested() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/schema-evolution.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- table: generated -->\n\n", "<!-- end of table -->");
    let start = guide.find(begin).unwrap() + begin.len();
    let stop = guide.find(end).unwrap();
    if std::env::var_os("WRITE_GUIDE").is_some() {
        let written = format!("{}{}{}", &guide[..start], table(), &guide[stop..]);
        std::fs::write(path, written).unwrap();
        return;
    }
    assert_eq!(
        &guide[start..stop],
        table(),
        "write it again: WRITE_GUIDE=1 cargo test -p metastore-tests --all-features the_guide_has"
    );
}
