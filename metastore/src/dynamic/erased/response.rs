//! The futures that erased operations return.

use futures_util::future::BoxFuture;

use crate::error::Result;

pub(in crate::dynamic) type Response<'a, R> = BoxFuture<'a, Result<R>>;
pub(in crate::dynamic) type Responses<'a, R> = BoxFuture<'a, Vec<Result<R>>>;
