//! The query builder: which items, and which part of the result.

use std::marker::PhantomData;

use super::order::{Order, Sorting, Unsorted};
use crate::document::Document;
use crate::document::mutation::Mutation;
use crate::document::transformation::Transformation;
use crate::error::Result;
use crate::index::Condition;
use crate::key::{Actor, InvalidActor, Segment, ToActor};
use crate::repo::Repo;
use crate::store::cursor::Cursor;

/// The default number of items on a page.
const DEFAULT_LIMIT: usize = 50;

/// A query: set what you need, then `.await` it, or call [`Query::page`], [`Query::count`] or
/// [`Query::stream`].
#[must_use = "a query reads nothing until it is awaited"]
pub struct Query<'a, T: Document, O = Unsorted> {
    pub(super) repo: &'a Repo<T>,
    pub(super) condition: Option<Condition<T>>,
    pub(super) owner: Option<Result<Actor, InvalidActor>>,
    /// Mutations and transformations of which each item must have a result.
    pub(super) derived: Vec<Segment>,
    pub(super) order: Order,
    /// Whether an order by creation was set before the one by value, which would be ignored.
    pub(super) has_two_orders: bool,
    pub(super) offset: usize,
    pub(super) limit: usize,
    pub(super) start: Option<Start>,
    pub(super) sorting: PhantomData<fn() -> O>,
}

/// Where a query continues.
#[derive(Clone)]
pub(super) enum Start {
    /// After a cursor that the caller passed; it is authenticated.
    Cursor(Cursor),
    /// After a position that the server returned to this process.
    Position(Vec<u8>),
}

impl<T: Document> Repo<T> {
    /// Lists items by creation time. Default: the 50 newest. An item whose document cannot be read
    /// does not fail the list: see [`Items::unreadable`](crate::Items::unreadable).
    ///
    /// One round trip a page; its cost does not grow with the number of items. Expired items are
    /// left out, and their index entries are removed.
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
            has_two_orders: false,
            offset: 0,
            limit: DEFAULT_LIMIT,
            start: None,
            sorting: PhantomData,
        }
    }

    /// Finds items by the values of indexed fields.
    ///
    /// One round trip a page. By default, a condition on one value returns the newest items first,
    /// and a condition on a range returns the items in the order of the field's values. With
    /// several conditions, the server walks the index of the first condition on a single value, or
    /// of the first condition if there is none, and checks each item against the others, up to
    /// 1,000 items a round trip: put the condition that matches the fewest items first.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "shop", app = "web", name = "orders", object_type = texts)]
    /// # struct Order { #[index] country: Option<String>, #[index(range)] total: u64 }
    /// # async fn example(orders: Repo<Order>) -> Result<(), metastore::Error> {
    /// let abroad = orders.find(Order::COUNTRY.eq("fr")).limit(20).await?;
    /// let large = Order::TOTAL.between(1_000, 5_000);
    /// let largest_first = orders.find(large).descending_by(Order::TOTAL).await?;
    /// let both = Order::COUNTRY.is_none().and(Order::TOTAL.at_least(1_000));
    /// println!("{} of {}", orders.find(both).count().await?, orders.count().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn find(&self, condition: Condition<T>) -> Query<'_, T> {
        Query { condition: Some(condition), ..self.list() }
    }
}

impl<'a, T: Document, O: Sorting> Query<'a, T, O> {
    /// The maximum number of items on a page, from 1 to 1,000. Default: 50.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Skips this many items, up to 4,294,967,295. Default: 0.
    ///
    /// Use it for the first few pages: with conditions, the server reads every index entry that it
    /// skips. The cost of a cursor does not depend on its position.
    pub fn offset(mut self, offset: usize) -> Self {
        self.offset = offset;
        self
    }

    /// Continues where a page of the same query ended.
    pub fn after(mut self, cursor: &Cursor) -> Self {
        self.start = Some(Start::Cursor(cursor.clone()));
        self
    }

    /// Only items that also meet this condition.
    pub fn and(mut self, condition: Condition<T>) -> Self {
        self.condition = Some(match self.condition {
            Some(first) => first.and(condition),
            None => condition,
        });
        self
    }

    /// Only items that this user created, see [`Repo::as_user`].
    pub fn owned_by(mut self, user: impl ToActor) -> Self {
        self.owner = Some(user.to_actor());
        self
    }

    /// Only items that have a stored result of this mutation, stale or not.
    ///
    /// Such items are in an index, which is walked if there is no other condition.
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
    /// Such items are in an index, which is walked if there is no other condition.
    pub fn with_transformation<R>(self, transformation: Transformation<T, R>) -> Self {
        self.with_derived(Segment::Transformation(transformation.name().to_owned()))
    }

    pub(crate) fn with_derived(mut self, derived: Segment) -> Self {
        if !self.derived.contains(&derived) {
            self.derived.push(derived);
        }
        self
    }

    /// The same query after a position that the server returned.
    pub(super) fn after_position(self, position: Vec<u8>) -> Self {
        Self { offset: 0, start: Some(Start::Position(position)), ..self }
    }
}
