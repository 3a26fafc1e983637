//! Finding items: by creation, by the values of indexed fields, by owner; page by page.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;

use futures_util::stream::{self, Stream, TryStreamExt as _};

use crate::document::Document;
use crate::document::envelope;
use crate::document::item::Item;
use crate::document::mutation::Mutation;
use crate::document::transformation::Transformation;
use crate::error::{Error, ErrorKind, Result};
use crate::index::QueryValue;
use crate::index::condition::Part;
use crate::index::{Comparable, Condition, Field, HasRange, IsUnique};
use crate::index::{IndexValue, Interval};
use crate::key::{Actor, Address, Id, InvalidActor, Segment, ToActor};
use crate::redis::command::{Reply, Verdict, unexpected};
use crate::redis::script::{FIND, ScriptCall};
use crate::repo::Repo;
use crate::repo::page::{Items, Page, Unreadable, warn_of};
use crate::store::cursor::{Cursor, check_offset};

const OPERATION: &str = "find";

/// How many items a page has unless it is told otherwise.
const DEFAULT_LIMIT: usize = 50;

/// The most items of one page: what fits a reply and a caller's memory.
const MAX_LIMIT: usize = 1_000;

/// The items of one page of a stream.
const STREAM_PAGE: usize = 200;

/// After how many bytes of documents a page ends, though it is not full, so that memory stays bounded.
const PAGE_BYTES: usize = 64 * 1024 * 1024;

/// A query: set what you need, then `.await` it, or ask for a page, a count or a stream.
#[must_use = "a query reads nothing until it is awaited"]
pub struct Query<'a, T: Document, O = Unsorted> {
    repo: &'a Repo<T>,
    condition: Option<Condition<T>>,
    owner: Option<Result<Actor, InvalidActor>>,
    /// Derived values that each item must have.
    derived: Vec<Segment>,
    order: Order,
    /// Whether one by creation was chosen, too, which would not count.
    two_orders: bool,
    offset: usize,
    limit: usize,
    after: Option<After>,
    sorted: PhantomData<fn() -> O>,
}

/// Where a query goes on.
#[derive(Clone)]
enum After {
    /// A cursor that a caller has handed in.
    Cursor(Cursor),
    /// A position that this process has from the server.
    Position(Vec<u8>),
}

/// What one page holds, as the server gave it.
pub(crate) struct Rows {
    rows: Vec<Reply>,
    /// How many parts each row has.
    width: usize,
    /// The query, as its cursors are bound to it.
    query: Vec<u8>,
    /// Where the page ended; `None` if nothing follows.
    position: Option<Vec<u8>>,
    /// The bytes of all documents, if there were too many for a full page.
    too_many: Option<usize>,
}

impl Rows {
    /// Ids with what is stored under them, or what says why that cannot be given.
    pub(crate) fn documents(self) -> impl Iterator<Item = (String, Reply)> {
        let mut parts = self.rows.into_iter();
        std::iter::from_fn(move || {
            let id = parts.next()?.into_data().unwrap_or_default();
            Some((String::from_utf8_lossy(&id).into_owned(), parts.next()?))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len() / self.width
    }
}

/// Whether a query is in the order of a field's values: [`Unsorted`] or [`Sorted`].
pub trait Sorting: 'static {}

/// A query that is in no order of values, but by creation.
#[derive(Debug)]
pub enum Unsorted {}

/// A query in the order of a field's values.
#[derive(Debug)]
pub enum Sorted {}

impl Sorting for Unsorted {}
impl Sorting for Sorted {}

/// A query has one order.
#[diagnostic::on_unimplemented(
    message = "this query has an order already",
    label = "a second order",
    note = "keep one of `newest_first`, `oldest_first`, `ascending_by` and `descending_by`; items with equal values come by the time of their creation"
)]
pub trait NoOrderYet: Sorting {}

impl NoOrderYet for Unsorted {}

#[derive(Clone, Debug)]
enum Order {
    /// By creation, the newest first, where an index is in that order anyway; by value otherwise.
    Natural,
    Creation {
        newest_first: bool,
    },
    Value {
        segment: Segment,
        descending: bool,
    },
}

/// What is asked for of each item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Documents,
    Ids,
    Count,
}

impl What {
    fn as_str(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Ids => "ids",
            Self::Count => "count",
        }
    }
}

/// Reads one row of a page.
pub(crate) fn decode<T: Document>(
    address: &Address,
    id: &str,
    found: Reply,
    operation: &'static str,
) -> Result<Item<T>, Unreadable> {
    let key = address.latest_of(id);
    let read = match found {
        Reply::Data(json) => envelope::decode(&json, &key, operation),
        Reply::Int(0) => {
            let message = "the record of its index entries is damaged: `repair()` writes it again";
            let (path, message) = ("index entries".to_owned(), message.to_owned());
            Err(Error::new(operation, ErrorKind::Decode { version: 0, path, message }).at(key))
        }
        _ => {
            let message = "expected a string".to_owned();
            Err(Error::new(operation, ErrorKind::WrongType(message)).at(key))
        }
    };
    read.map_err(|error| Unreadable { id: id.to_owned(), error })
}

/// How the server goes about a query.
struct Walk {
    /// The index of a field, and the stretch of it; `None` for the index of all items.
    index: Option<Part>,
    backwards: bool,
    /// The conditions that each item is held against.
    others: Vec<Part>,
    /// The indexes that must hold all items, for the answer to be right.
    complete: Vec<Segment>,
}

impl<T: Document> Repo<T> {
    /// Lists items by creation time: the 50 newest, unless told otherwise. An item whose document cannot be
    /// read stops no list: see [`Items::unreadable`].
    ///
    /// One round trip a page, whose cost does not grow with the number of items. Expired items are in no
    /// list; what the indexes still hold of them is removed on the way.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// let newest = notes.list().await?;
    /// let third_page = notes.list().oldest_first().offset(40).limit(20).await?;
    ///
    /// let mut page = notes.list().limit(100).page().await?;
    /// while let Some(cursor) = page.next {
    ///     page = notes.list().limit(100).after(&cursor).page().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> Query<'_, T> {
        Query {
            repo: self,
            condition: None,
            owner: None,
            derived: Vec::new(),
            order: Order::Natural,
            two_orders: false,
            offset: 0,
            limit: DEFAULT_LIMIT,
            after: None,
            sorted: PhantomData,
        }
    }

    /// Finds items by the values of indexed fields.
    ///
    /// One round trip a page. A condition on one value gives the newest items first, one on a range the
    /// items in the order of the field's values, unless told otherwise. With several conditions the server
    /// walks the index of the first one on a single value, or else of the first one, and holds each item
    /// against the others, up to 1,000 items a round trip: put the condition that few items meet first.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "shop", app = "web", name = "orders", object_type = texts)]
    /// # struct Order { #[index] country: Option<String>, #[index(range)] total: u64 }
    /// # async fn example(orders: Repo<Order>) -> Result<(), metastore::Error> {
    /// let abroad = orders.find(Order::COUNTRY.eq("fr")).limit(20).await?;
    /// let large = orders.find(Order::TOTAL.between(1_000, 5_000)).descending_by(Order::TOTAL).await?;
    /// let both = Order::COUNTRY.is_none().and(Order::TOTAL.at_least(1_000));
    /// println!("{} of {}", orders.find(both).count().await?, orders.count().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn find(&self, condition: Condition<T>) -> Query<'_, T> {
        Query { condition: Some(condition), ..self.list() }
    }

    /// Reads the item with this value of a unique field; `None` if there is none.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `IndexIncomplete` if the index was added to a collection with items and not filled yet; and as
    /// [`Repo::get`].
    pub async fn get_by<F: QueryValue<V>, K: IsUnique + Comparable<F>, V>(
        &self,
        field: Field<T, F, K>,
        value: V,
    ) -> Result<Option<Item<T>>> {
        self.find(field.eq(value)).limit(1).one("get_by").await
    }

    /// How many items there are; expired ones do not count.
    ///
    /// One round trip, whose cost does not grow with the number of items.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`.
    pub async fn count(&self) -> Result<u64> {
        self.list().count().await
    }
}

impl<'a, T: Document, O: Sorting> Query<'a, T, O> {
    /// At most this many items on a page, from 1 to 1,000. Default: 50.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Leaves out this many items first, up to 4,294,967,295. Default: 0.
    ///
    /// For a few pages; with conditions the server walks over what is left out. A cursor costs the same
    /// wherever it stands.
    pub fn offset(mut self, offset: usize) -> Self {
        self.offset = offset;
        self
    }

    /// Goes on where a page of the same query ended.
    pub fn after(mut self, cursor: &Cursor) -> Self {
        self.after = Some(After::Cursor(cursor.clone()));
        self
    }

    /// Only items that meet this condition, too.
    pub fn and(mut self, condition: Condition<T>) -> Self {
        self.condition = Some(match self.condition {
            Some(first) => first.and(condition),
            None => condition,
        });
        self
    }

    /// Only items that this user created, by [`Repo::as_user`].
    pub fn owned_by(mut self, user: impl ToActor) -> Self {
        self.owner = Some(user.to_actor());
        self
    }

    /// Only items that have a stored result of this mutation, stale or not.
    ///
    /// Such items are kept in a list, which is walked if there is no other condition.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # #[mutation(length -> usize)]
    /// # struct Note { title: String }
    /// # impl Note { fn length(&self) -> usize { self.title.len() } }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// let measured = notes.list().with_mutation(Note::LENGTH).ids().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_mutation<R>(self, mutation: Mutation<T, R>) -> Self {
        self.with_derived(Segment::Mutation(mutation.name().to_owned()))
    }

    /// Only items that have a result of this transformation, stale or not, that has not expired.
    ///
    /// Such items are kept in a list, which is walked if there is no other condition.
    pub fn with_transformation<R>(self, transformation: Transformation<T, R>) -> Self {
        self.with_derived(Segment::Transformation(transformation.name().to_owned()))
    }

    pub(crate) fn with_derived(mut self, derived: Segment) -> Self {
        if !self.derived.contains(&derived) {
            self.derived.push(derived);
        }
        self
    }

    /// The newest item first. The default of a list, and of a condition on a single value. Of `newest_first` and
    /// `oldest_first` the last call counts.
    pub fn newest_first(self) -> Self
    where
        O: NoOrderYet,
    {
        Self { order: Order::Creation { newest_first: true }, ..self }
    }

    /// The oldest item first.
    pub fn oldest_first(self) -> Self
    where
        O: NoOrderYet,
    {
        Self { order: Order::Creation { newest_first: false }, ..self }
    }

    /// In the order of a field's values, the smallest first. Items without a value come before all others,
    /// items with equal values by the time of their creation.
    ///
    /// A query has one order: a second one does not compile, and one by creation before this is refused with
    /// `InvalidArgument`. The query has another type then; [`Query::into_sorted`] gives it to any other one.
    ///
    /// ```compile_fail,E0277
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "shop", app = "web", name = "orders", object_type = texts)]
    /// # struct Order { #[index(range)] total: u64, #[index(range)] weight: u64 }
    /// # async fn example(orders: Repo<Order>) -> Result<(), metastore::Error> {
    /// let twice = orders.list().ascending_by(Order::TOTAL).descending_by(Order::WEIGHT).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn ascending_by<F, K: HasRange>(self, field: Field<T, F, K>) -> Query<'a, T, Sorted>
    where
        O: NoOrderYet,
    {
        self.by_value(field.segment(), false)
    }

    /// In the order of a field's values, the greatest first. Items without a value come last. See
    /// [`Query::ascending_by`].
    pub fn descending_by<F, K: HasRange>(self, field: Field<T, F, K>) -> Query<'a, T, Sorted>
    where
        O: NoOrderYet,
    {
        self.by_value(field.segment(), true)
    }

    pub(crate) fn by_value(self, segment: Segment, descending: bool) -> Query<'a, T, Sorted> {
        let two_orders = !matches!(self.order, Order::Natural);
        let order = Order::Value { segment, descending };
        Query { order, two_orders, ..self.into_sorted() }
    }

    /// The same query as one whose order is chosen, so that queries with and without an order by value have
    /// one type.
    pub fn into_sorted(self) -> Query<'a, T, Sorted> {
        let Self {
            repo, condition, owner, derived, order, two_orders, offset, limit, after, ..
        } = self;
        let sorted = PhantomData;
        Query { repo, condition, owner, derived, order, two_orders, offset, limit, after, sorted }
    }

    /// Reads one page, with the cursor of the next one. It ends early after 64 MiB of documents. Items whose
    /// documents cannot be read are in [`Page::unreadable`], and one warning is logged.
    ///
    /// One round trip, one more for each 4 MiB of documents, and another one for the first cursor that the
    /// store makes or takes.
    ///
    /// # Errors
    ///
    /// `IndexIncomplete` for an index that was added to a collection with items and not filled yet;
    /// `InvalidArgument` for a limit or an offset out of range or a cursor that is not one of this query;
    /// `Unindexable` for a value that no index can hold.
    pub async fn page(self) -> Result<Page<Item<T>>> {
        let rows = self.rows(What::Documents, OPERATION).await?;
        let next = self.next(&rows, OPERATION).await?;
        let (items, unreadable) = self.sorted(rows, OPERATION);
        Ok(Page { items, unreadable, next })
    }

    /// Reads one page of ids, without the documents.
    ///
    /// # Errors
    ///
    /// As [`Query::page`].
    pub async fn ids(self) -> Result<Page<Id>> {
        let rows = self.rows(What::Ids, OPERATION).await?;
        let next = self.next(&rows, OPERATION).await?;
        let (mut items, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
        for id in rows.rows {
            let id = id.into_data().unwrap_or_default();
            let id = String::from_utf8_lossy(&id);
            match Id::new(&id) {
                Ok(id) => items.push(id),
                Err(invalid) => {
                    let error = Error::from(invalid).during(OPERATION);
                    unreadable.push(Unreadable { id: id.into_owned(), error });
                }
            }
        }
        warn_of(&unreadable, OPERATION);
        Ok(Page { items, unreadable, next })
    }

    /// Counts the items that meet all conditions; the limit, the offset and a cursor do not matter.
    ///
    /// One round trip for no or one condition on a field. With several, or one on derived values, one for
    /// each 1,000 items that the index of the first holds.
    ///
    /// # Errors
    ///
    /// As [`Query::page`].
    pub async fn count(self) -> Result<u64> {
        const OPERATION: &str = "count";
        let walk = self.walk(OPERATION)?;
        let (mut total, mut position) = (0, Vec::new());
        loop {
            let answer =
                self.ask(&walk, What::Count, &position, 0, usize::MAX >> 11, OPERATION).await?;
            total += answer.rows.as_u64().ok_or_else(|| unexpected(OPERATION, &answer.rows))?;
            if !answer.more {
                return Ok(total);
            }
            position = answer.position;
        }
    }

    /// All items from here on, read page by page as they are taken, so that memory stays bounded
    /// however many there are. The limit bounds the whole stream only if it was set to less than a page;
    /// take as many as you need with `StreamExt::take`.
    ///
    /// One round trip for each 200 items. What is there from beginning to end is given exactly once. An item
    /// whose document cannot be read is an error in its place, and the stream goes on behind it; it ends with
    /// an error of the server.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut all = std::pin::pin!(notes.list().oldest_first().stream());
    /// while let Some(note) = all.try_next().await? {
    ///     println!("{}", note.data.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(self) -> impl Stream<Item = Result<Item<T>>> + Send + 'a {
        let pages = stream::try_unfold(Some(self.limit(STREAM_PAGE)), |query| async {
            let Some(query) = query else { return Ok::<_, Error>(None) };
            let mut rows = query.rows(What::Documents, OPERATION).await?;
            let position = rows.position.take();
            let address = query.repo.address();
            let items = rows.documents().map(|(id, found)| {
                decode(address, &id, found, OPERATION).map_err(|unreadable| unreadable.error)
            });
            let items = stream::iter(items.collect::<Vec<_>>());
            Ok(Some((items, position.map(|position| query.behind(position)))))
        });
        pages.try_flatten()
    }

    /// All pages from here on, of as many items as the limit says.
    ///
    /// One round trip a page, and another one for the first cursor that the store makes or takes.
    pub fn pages(self) -> impl Stream<Item = Result<Page<Item<T>>>> + Send + 'a {
        stream::try_unfold(Some(self), |query| async {
            let Some(query) = query else { return Ok(None) };
            let mut rows = query.rows(What::Documents, OPERATION).await?;
            let next = query.next(&rows, OPERATION).await?;
            let position = rows.position.take();
            let (items, unreadable) = query.sorted(rows, OPERATION);
            let page = Page { items, unreadable, next };
            Ok(Some((page, position.map(|position| query.behind(position)))))
        })
    }

    /// The same query, from this position on.
    fn behind(self, position: Vec<u8>) -> Self {
        Self { offset: 0, after: Some(After::Position(position)), ..self }
    }

    /// Reads one page whose end does not matter.
    pub(crate) async fn run(self, operation: &'static str) -> Result<Items<T>> {
        let rows = self.rows(What::Documents, operation).await?;
        if let Some(bytes) = rows.too_many {
            let (read, mib) = (rows.len(), bytes >> 20);
            let message = format!(
                "limit is {}, but the first {read} items hold {mib} MiB already: set a smaller limit, or \
                 ask for `page()` or `stream()`, which read so much piece by piece",
                self.limit
            );
            return Err(Error::new(operation, ErrorKind::InvalidArgument(message)));
        }
        let (items, unreadable) = self.sorted(rows, operation);
        Ok(Items::new(items, unreadable))
    }

    /// Reads the first item.
    pub(crate) async fn one(self, operation: &'static str) -> Result<Option<Item<T>>> {
        let query = self.limit(1);
        let rows = query.rows(What::Documents, operation).await?;
        let address = query.repo.address();
        let mut found = rows.documents().map(|(id, found)| decode(address, &id, found, operation));
        found.next().transpose().map_err(|unreadable| unreadable.error)
    }

    /// The items that can be read, and those that cannot.
    fn sorted(&self, rows: Rows, operation: &'static str) -> (Vec<Item<T>>, Vec<Unreadable>) {
        let (mut items, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
        for (id, found) in rows.documents() {
            match decode(self.repo.address(), &id, found, operation) {
                Ok(item) => items.push(item),
                Err(error) => unreadable.push(error),
            }
        }
        warn_of(&unreadable, operation);
        (items, unreadable)
    }

    /// The cursor behind a page.
    pub(crate) async fn next(
        &self,
        rows: &Rows,
        operation: &'static str,
    ) -> Result<Option<Cursor>> {
        match &rows.position {
            Some(position) => {
                self.repo.store().cursor(&rows.query, position, operation).await.map(Some)
            }
            None => Ok(None),
        }
    }

    pub(crate) async fn rows(&self, what: What, operation: &'static str) -> Result<Rows> {
        let invalid =
            |message: String| Err(Error::new(operation, ErrorKind::InvalidArgument(message)));
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            return invalid(format!("limit must be from 1 to {MAX_LIMIT}, not {}", self.limit));
        }
        check_offset(self.offset, operation)?;
        let walk = self.walk(operation)?;
        let query = self.identity(&walk);
        let mut position = match &self.after {
            Some(After::Cursor(cursor)) => {
                self.repo.store().position(cursor, &query, operation).await?
            }
            Some(After::Position(position)) => position.clone(),
            None => Vec::new(),
        };
        if !position.is_empty() && !walk.holds(&position) {
            return invalid("the cursor stands outside of what the query looks through".to_owned());
        }
        let mut offset = self.offset;
        let width = if what == What::Documents { 2 } else { 1 };
        let mut rows = Rows { rows: Vec::new(), width, query, position: None, too_many: None };
        let mut bytes = 0;
        loop {
            let wanted = self.limit - rows.len();
            let answer = self.ask(&walk, what, &position, offset, wanted, operation).await?;
            let found =
                answer.rows.into_array().ok_or_else(|| unexpected(operation, &"no rows"))?;
            bytes += found.iter().map(Reply::len).sum::<usize>();
            rows.rows.extend(found);
            position = answer.position;
            offset = answer.left_out;
            if !answer.more {
                return Ok(rows);
            }
            let is_full = rows.len() >= self.limit;
            if is_full || (bytes > PAGE_BYTES && rows.len() > 0) {
                rows.position = Some(position);
                rows.too_many = (!is_full).then_some(bytes);
                return Ok(rows);
            }
        }
    }

    /// Asks for one stretch; what has expired is forgotten first, in bounded steps.
    async fn ask(
        &self,
        walk: &Walk,
        what: What,
        position: &[u8],
        offset: usize,
        limit: usize,
        operation: &'static str,
    ) -> Result<Answer> {
        let at = self.repo.address();
        let walked = walk.index.as_ref();
        let bounds = walked.map(|part| part.interval.clone()).unwrap_or_else(Interval::everything);
        let mut call = ScriptCall::new(&FIND)
            .key(at.index())
            .keys(self.repo.id_sets())
            .arg(what.as_str())
            .arg(at.item_prefix())
            .arg(walked.map(|part| part.segment.to_string()).unwrap_or_default())
            .arg(if walk.backwards { "1" } else { "0" })
            .arg(bounds.lower)
            .arg(bounds.upper)
            .arg(position.to_vec())
            .int(offset as u64)
            .int(limit as u64)
            .arg(joined(&self.derived))
            .int(walk.complete.len() as u64);
        for segment in &walk.complete {
            call = call.arg(segment.to_string());
        }
        for Part { segment, interval } in &walk.others {
            call = call.arg(segment.to_string());
            call = call.arg(interval.lower.clone()).arg(interval.upper.clone());
        }
        loop {
            let reply = self.repo.store().reader().script(&call).await;
            let reply = reply.map_err(|fault| fault.into_error(operation).at(at.index()))?;
            let mut verdict = Verdict::from_reply(reply, operation)?;
            match verdict.code {
                0 => {}
                -1 => {
                    let segment = verdict.text(operation)?;
                    let field = T::SCHEMA.field_of_segment(&segment);
                    let field = field.map_or(segment, ToOwned::to_owned);
                    let indexed = verdict.number(operation)?;
                    let items = verdict.number(operation)?;
                    let kind = ErrorKind::IndexIncomplete { field, indexed, items };
                    return Err(Error::new(operation, kind).at(at.index()));
                }
                _ => {
                    let (Some(rows), Some(position), Some(more), Some(left_out)) = (
                        verdict.rest.next(),
                        verdict.rest.next().and_then(Reply::into_data),
                        verdict.rest.next(),
                        verdict.rest.next(),
                    ) else {
                        return Err(unexpected(operation, &"too few parts"));
                    };
                    let left_out = left_out.as_u64().and_then(|n| usize::try_from(n).ok());
                    return Ok(Answer {
                        rows,
                        position: position.to_vec(),
                        more: more.as_u64() == Some(1),
                        left_out: left_out.unwrap_or_default(),
                    });
                }
            }
        }
    }

    /// Decides which index to walk.
    fn walk(&self, operation: &'static str) -> Result<Walk> {
        if self.two_orders {
            let message =
                "the query has two orders, by creation and by a field; keep one".to_owned();
            return Err(Error::new(operation, ErrorKind::InvalidArgument(message)));
        }
        let mut parts = match &self.condition {
            Some(condition) => condition.clone().check(operation)?,
            None => Vec::new(),
        };
        if let Some(owner) = &self.owner {
            let owner = owner.clone().map_err(|error| Error::from(error).during(operation))?;
            // Text always has a place in an index.
            let value = IndexValue::text(owner.as_str()).into_bytes().unwrap_or_default();
            let interval = Interval::exactly(&value);
            parts.insert(0, Part { segment: Segment::Owner, interval });
        }
        let mut complete: Vec<Segment> = parts.iter().filter_map(counted).collect();
        let exact = parts.iter().position(|part| part.interval.exact);
        let (chosen, backwards) = match &self.order {
            Order::Natural => match (exact, parts.is_empty()) {
                (Some(exact), _) => (Some(exact), true),
                (None, false) => (Some(0), false),
                (None, true) => (None, true),
            },
            Order::Creation { newest_first } => (exact, *newest_first),
            Order::Value { segment, descending } => {
                let own = parts.iter().position(|part| part.segment == *segment);
                let own = own.unwrap_or_else(|| {
                    let part = Part { segment: segment.clone(), interval: Interval::everything() };
                    complete.extend(counted(&part));
                    parts.push(part);
                    parts.len() - 1
                });
                (Some(own), *descending)
            }
        };
        let index = match (chosen, self.derived.first()) {
            (Some(chosen), _) => Some(parts.remove(chosen)),
            (None, Some(listed)) => {
                Some(Part { segment: listed.clone(), interval: Interval::everything() })
            }
            (None, None) => None,
        };
        complete.sort();
        complete.dedup();
        Ok(Walk { index, backwards, others: parts, complete })
    }

    /// What makes a query the same one, for its cursors.
    fn identity(&self, walk: &Walk) -> Vec<u8> {
        let parts = (&walk.index, walk.backwards, &walk.others);
        format!("{} {parts:?} {:?}", self.repo.address(), self.derived).into_bytes()
    }
}

impl Walk {
    /// Whether a position lies in what is walked, so that going on behind it shows nothing else.
    fn holds(&self, position: &[u8]) -> bool {
        match &self.index {
            Some(part) if part.segment.is_by_value() => part.interval.holds(position),
            // Creation time, a space and an id.
            _ => position.iter().position(|byte| *byte == b' ').is_some_and(|at| {
                std::str::from_utf8(&position[..at])
                    .is_ok_and(|time| time.parse::<f64>().is_ok_and(f64::is_finite))
            }),
        }
    }
}

/// Derived values as scripts take them.
pub(crate) fn joined(derived: &[Segment]) -> String {
    derived.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The index whose size tells whether all items are in it. That of a list's elements does not, but
/// each list stands in the field's own index, too. Not every item has an owner.
fn counted(part: &Part) -> Option<Segment> {
    match &part.segment {
        Segment::Owner | Segment::Mutation(_) | Segment::Transformation(_) => None,
        Segment::Each(field) => Some(Segment::By(field.clone())),
        other => Some(other.clone()),
    }
}

/// What the server found in one stretch.
struct Answer {
    rows: Reply,
    position: Vec<u8>,
    more: bool,
    /// How many are still to be left out.
    left_out: usize,
}

impl<'a, T: Document, O: Sorting> IntoFuture for Query<'a, T, O> {
    type Output = Result<Items<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run(OPERATION))
    }
}
