//! Taking JSON that stands at other keys of the server into a collection.

use std::borrow::Cow;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use serde_json::Value;

use crate::document::Document;
use crate::document::content::content;
use crate::document::encode::encode_json;
use crate::document::envelope;
use crate::document::header::Head;
use crate::document::item::Item;
use crate::document::unknown::UnknownFields;
use crate::error::{Error, ErrorKind, Result};
use crate::json::exact::Exact;
use crate::json::input::checked;
use crate::json::tree::same;
use crate::key::{Id, Key};
use crate::redis::command::{Command, Reply, unexpected};
use crate::redis::script::{REMOVE_ORIGINAL, ScriptCall};
use crate::repo::Repo;

const OPERATION: &str = "import";

/// How many keys one SCAN looks at.
const PAGE: u64 = 500;

/// How many documents are taken in at once.
const AT_ONCE: usize = 16;

/// The most problems that a report lists.
const LISTED: usize = 100;

type IdOf<'a> = Box<dyn Fn(&str) -> Option<String> + Send + Sync + 'a>;
type Transform<'a> = Box<dyn Fn(Value) -> Result<Value, String> + Send + Sync + 'a>;

/// An import to be run: set what you need, then `.await` it.
#[must_use = "nothing is imported until this is awaited"]
pub struct Import<'a, T: Document> {
    walk: Walk<'a, T>,
    progress: Box<dyn FnMut(&ImportReport) + Send + 'a>,
    cursor: u64,
}

/// What the steps of an import need to know.
struct Walk<'a, T: Document> {
    repo: &'a Repo<T>,
    pattern: String,
    id_of: IdOf<'a>,
    transform: Option<Transform<'a>>,
    schema: u32,
    dry_run: bool,
    delete_originals: bool,
}

/// What an import has done, or would do in a dry run.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// Keys that match the pattern and were looked at. SCAN may give a key twice; it then counts twice.
    pub scanned: u64,
    /// Documents that became items; in a dry run, that would.
    pub imported: u64,
    /// Documents that are items already, with the same content.
    pub already: u64,
    /// Keys that hold another type of value, or that are gone by now.
    pub skipped: u64,
    /// Documents that were left alone because something is wrong with them.
    pub failed: u64,
    /// Originals that were removed.
    pub deleted: u64,
    /// The first 100 of those that failed, and what is wrong.
    pub problems: Vec<ImportProblem>,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Where to go on, by [`Import::resume`]; `None` at the end.
    pub resume: Option<u64>,
}

/// A document that was left alone.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ImportProblem {
    /// The key.
    pub key: String,
    /// What is wrong: no JSON, a rule that it breaks, an id that cannot be one or that is taken.
    pub reason: String,
}

/// How an original is stored.
#[derive(Clone, Copy, Debug)]
enum Original {
    /// A string that holds JSON text.
    String,
    /// A document of the `RedisJSON` module.
    RedisJson,
}

impl Original {
    fn of_type(name: &str) -> Option<Self> {
        match name {
            "string" => Some(Self::String),
            "ReJSON-RL" => Some(Self::RedisJson),
            _ => None,
        }
    }

    fn command(self) -> &'static str {
        match self {
            Self::String => "GET",
            Self::RedisJson => "JSON.GET",
        }
    }
}

impl<T: Document> Repo<T> {
    /// Takes JSON documents that stand at keys of a pattern, such as `legacy:user:*`, into the collection.
    ///
    /// Each becomes an item at version 1, by way of everything that a create goes by: validation, indexes,
    /// unique fields, audit. Its id is what the first `*` of the pattern stands for, unless
    /// [`Import::id_from`] says otherwise. Strings that hold JSON are imported, and documents of `RedisJSON`
    /// where the server has the module; other types, and metastore's own keys, are skipped. Originals stay
    /// as they are, unless [`Import::delete_originals`] is set. Fields that `T` does not know are kept.
    ///
    /// It can be repeated and broken off at any time: what is an item already, with the same content, is
    /// left as it is. One with other content is reported and left alone.
    ///
    /// One SCAN for each 500 keys of the whole server, two round trips for those that match, one or two for each
    /// document, 16 at once.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "users", object_type = texts)]
    /// # struct User { name: String }
    /// # async fn example(users: Repo<User>) -> Result<(), metastore::Error> {
    /// let would = users.import("legacy:user:*").dry_run().await?;
    /// for problem in &would.problems {
    ///     println!("{}: {}", problem.key, problem.reason);
    /// }
    /// let report = users.import("legacy:user:*").await?;
    /// println!("{} imported, {} were there", report.imported, report.already);
    /// # Ok(())
    /// # }
    /// ```
    pub fn import(&self, pattern: impl Into<String>) -> Import<'_, T> {
        let pattern = pattern.into();
        let (before, after) = match pattern.split_once('*') {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => (String::new(), String::new()),
        };
        let id_of = move |key: &str| {
            let rest = key.strip_prefix(&before)?;
            Some(rest.strip_suffix(&after).unwrap_or(rest).to_owned())
        };
        Import {
            walk: Walk {
                repo: self,
                pattern,
                id_of: Box::new(id_of),
                transform: None,
                schema: T::SCHEMA.version,
                dry_run: false,
                delete_originals: false,
            },
            progress: Box::new(|_| {}),
            cursor: 0,
        }
    }
}

impl<'a, T: Document> Import<'a, T> {
    /// Makes the id from the key; `None` leaves the document alone. Default: what the first `*` of the
    /// pattern stands for.
    pub fn id_from(mut self, id: impl Fn(&str) -> Option<String> + Send + Sync + 'a) -> Self {
        self.walk.id_of = Box::new(id);
        self
    }

    /// Changes each document before it is read as `T`; the text of an error is reported.
    pub fn map(
        mut self,
        transform: impl Fn(Value) -> Result<Value, String> + Send + Sync + 'a,
    ) -> Self {
        self.walk.transform = Some(Box::new(transform));
        self
    }

    /// The number of the shape that the originals have; upgrade functions bring them to the current one.
    /// Default: the current one.
    pub fn schema(mut self, schema: u32) -> Self {
        self.walk.schema = schema;
        self
    }

    /// Reads and checks everything and writes nothing. A value of a unique field that another item has shows
    /// only in a real run.
    pub fn dry_run(mut self) -> Self {
        self.walk.dry_run = true;
        self
    }

    /// Removes each original once its item is there, in one atomic step, and only if it still holds what was
    /// imported. Default: originals stay.
    pub fn delete_originals(mut self) -> Self {
        self.walk.delete_originals = true;
        self
    }

    /// Goes on where an earlier run was, at the number in its report. Default: at the beginning, which is
    /// right too, since what is imported is only passed.
    pub fn resume(mut self, cursor: u64) -> Self {
        self.cursor = cursor;
        self
    }

    /// Calls a function with the report so far, after each 500 keys of the server.
    pub fn progress(mut self, progress: impl FnMut(&ImportReport) + Send + 'a) -> Self {
        self.progress = Box::new(progress);
        self
    }

    async fn run(self) -> Result<ImportReport> {
        let Self { walk, mut progress, mut cursor } = self;
        if !walk.pattern.contains('*') {
            let message = "the pattern must have a `*`, such as `legacy:user:*`".to_owned();
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        let mut report = ImportReport { dry_run: walk.dry_run, ..ImportReport::default() };
        loop {
            let (next, keys) = walk.scan(cursor).await?;
            cursor = next;
            report.scanned += keys.len() as u64;
            walk.take_in(keys, &mut report).await?;
            report.resume = (cursor != 0).then_some(cursor);
            progress(&report);
            if cursor == 0 {
                return Ok(report);
            }
        }
    }
}

/// What became of one document.
enum Outcome {
    Imported { deleted: bool },
    Already { deleted: bool },
    Failed(ImportProblem),
}

impl<T: Document> Walk<'_, T> {
    /// The next keys that match, without those that metastore has made.
    async fn scan(&self, cursor: u64) -> Result<(u64, Vec<String>)> {
        let command = Command::new("SCAN").int(cursor).arg("MATCH").arg(self.pattern.clone());
        let reply = self.call(command.arg("COUNT").int(PAGE)).await?;
        let mut parts = reply.into_array().unwrap_or_default().into_iter();
        let (Some(next), Some(Reply::Array(keys))) =
            (parts.next().and_then(|next| next.as_u64()), parts.next())
        else {
            return Err(unexpected(OPERATION, &"no page of keys"));
        };
        let foreign = |key: &Reply| {
            let key = key.as_text()?;
            Key::parse(key).is_none().then(|| key.to_owned())
        };
        Ok((next, keys.iter().filter_map(foreign).collect()))
    }

    async fn take_in(&self, keys: Vec<String>, report: &mut ImportReport) -> Result<()> {
        let types = keys.iter().map(|key| Command::new("TYPE").arg(key.clone())).collect();
        let types = self.pipeline(types).await?;
        let of_type =
            |(key, found): (String, Reply)| Some((key, Original::of_type(found.as_text()?)?));
        let scanned = keys.len();
        let originals: Vec<_> = keys.into_iter().zip(types).filter_map(of_type).collect();
        report.skipped += (scanned - originals.len()) as u64;
        // So many at a time that memory holds no more documents than that.
        for chunk in originals.chunks(AT_ONCE) {
            let read =
                |(key, kind): &(String, Original)| Command::new(kind.command()).arg(key.clone());
            let texts = self.pipeline(chunk.iter().map(read).collect()).await?;
            let mut found = Vec::with_capacity(chunk.len());
            for ((key, kind), text) in chunk.iter().zip(texts) {
                found.extend(text.into_data().map(|text| self.adopt_one(key.clone(), *kind, text)));
            }
            let outcomes: Vec<_> = stream::iter(found).buffer_unordered(AT_ONCE).collect().await;
            report.skipped += (chunk.len() - outcomes.len()) as u64;
            for outcome in outcomes {
                match outcome? {
                    Outcome::Imported { deleted } => {
                        report.imported += 1;
                        report.deleted += u64::from(deleted);
                    }
                    Outcome::Already { deleted } => {
                        report.already += 1;
                        report.deleted += u64::from(deleted);
                    }
                    Outcome::Failed(problem) => {
                        report.failed += 1;
                        if report.problems.len() < LISTED {
                            report.problems.push(problem);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    async fn adopt_one(&self, key: String, kind: Original, text: Bytes) -> Result<Outcome> {
        let failed =
            |reason: String| Ok(Outcome::Failed(ImportProblem { key: key.to_owned(), reason }));
        let id = match (self.id_of)(&key).map(|id| Id::new(&id)) {
            Some(Ok(id)) => id,
            Some(Err(error)) => return failed(error.to_string()),
            None => return failed("the key gives no id".to_owned()),
        };
        let (document, unknown) = match self.read(&id, &text) {
            Ok(item) => {
                let unknown = item.unknown().clone();
                (item.into_data(), unknown)
            }
            Err(reason) => return failed(reason),
        };
        let repo = self.repo;
        let now = repo.store().now();
        let new = match repo.prepare(id.clone(), now, document.clone(), &unknown, OPERATION) {
            Ok(new) => new,
            Err(error) if error.is_invalid_document() => return failed(error.kind().to_string()),
            Err(error) => return Err(error),
        };
        let written = if self.dry_run {
            let key = repo.address().latest(&id);
            if repo.exists(&id).await? {
                Err(Error::new(OPERATION, ErrorKind::AlreadyExists { field: None }).at(key))
            } else {
                return Ok(Outcome::Imported { deleted: false });
            }
        } else {
            repo.create_alone(new, OPERATION).await
        };
        match written {
            Ok(_) => {
                let deleted = self.remove(&key, kind, text, &id).await?;
                Ok(Outcome::Imported { deleted })
            }
            Err(error) => match error.kind() {
                ErrorKind::AlreadyExists { field: None } => {
                    if self.is_stored(&id, &document, &unknown).await? {
                        let deleted = self.remove(&key, kind, text, &id).await?;
                        return Ok(Outcome::Already { deleted });
                    }
                    failed(format!("the item {id} is there with other content"))
                }
                kind => failed(kind.to_string()),
            },
        }
    }

    /// Reads an original as a document of the collection, with the fields that `T` does not know.
    fn read(&self, id: &Id, text: &[u8]) -> Result<Item<T>, String> {
        let text = checked(text, self.repo.store().limits()).map_err(|kind| match kind {
            ErrorKind::InvalidJson { path, message } if path.is_empty() => {
                format!("it does not hold JSON: {message}")
            }
            ErrorKind::InvalidJson { path, message } => {
                format!("it does not hold JSON that can be taken in, at `{path}`: {message}")
            }
            kind => kind.to_string(),
        })?;
        let text = match &self.transform {
            None => Cow::Borrowed(text),
            Some(transform) => {
                let (value, exact) = Exact::read(text).map_err(|error| error.to_string())?;
                Cow::Owned(exact.write(&transform(value)?).map_err(|error| error.to_string())?)
            }
        };
        if !text.starts_with('{') {
            return Err("it does not hold a JSON object".to_owned());
        }
        let head = Head {
            version: 1,
            id: id.clone(),
            commit: String::new(),
            origin: None,
            expires: None,
            schema: self.schema,
            created: self.repo.store().now(),
            updated: None,
            actor: None,
            owner: None,
        };
        let latest = self.repo.address().latest(id);
        envelope::decode(&encode_json(&head, &text), &latest, OPERATION)
            .map_err(|error| error.kind().to_string())
    }

    /// Whether the item's first version has this content: later changes do not make it another one.
    async fn is_stored(&self, id: &Id, document: &T, unknown: &UnknownFields) -> Result<bool> {
        let limits = self.repo.store().limits();
        let content = |document: &T, unknown: &UnknownFields| {
            let json = content(document, unknown, limits, OPERATION).ok()?;
            String::from_utf8(json).ok()
        };
        let first = self.repo.get_version(id, 1).await?;
        let stored = first.and_then(|item| content(&item.data, item.unknown()));
        let own = content(document, unknown);
        Ok(stored.zip(own).is_some_and(|(stored, own)| same(&stored, &own)))
    }

    async fn remove(&self, key: &str, kind: Original, text: Bytes, id: &Id) -> Result<bool> {
        if !self.delete_originals || self.dry_run {
            return Ok(false);
        }
        let call = ScriptCall::new(&REMOVE_ORIGINAL)
            .key(key.to_owned())
            .key(self.repo.address().latest(id))
            .arg(text)
            .arg(kind.command());
        Ok(self.repo.write(OPERATION, "", call).await?.code == 1)
    }

    async fn call(&self, command: Command) -> Result<Reply> {
        let reply = self.repo.store().reader().call(command).await;
        reply.map_err(|fault| fault.into_error(OPERATION))
    }

    async fn pipeline(&self, commands: Vec<Command>) -> Result<Vec<Reply>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let replies = self.repo.store().reader().pipeline(commands).await;
        replies.map_err(|fault| fault.into_error(OPERATION))
    }
}

impl<'a, T: Document> IntoFuture for Import<'a, T> {
    type Output = Result<ImportReport>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
