//! Upgrades of documents of an older schema, applied when they are read.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::ErrorKind;
use crate::json::exact::Exact;

/// A function that turns a document of one schema number into one of the next:
/// `fn(&mut serde_json::Map<String, Value>) -> Result<(), E>`, where `E` is `Display`.
///
/// It is declared by `#[upgrade(1 -> 2, with = function)]` and called whenever a document of the
/// older number is read: the current version or one from history, by a service, a worker or a
/// migration. So it should depend on its argument alone, and it must stay in the program as long as
/// such documents exist.
///
/// A read stores nothing. The next write of the item stores the new shape, and
/// [`Repo::migrate`](crate::Repo::migrate) stores it for all of them. Fields that the function does
/// not touch are preserved byte for byte, including unknown ones.
///
/// An error is reported as [`ErrorKind::Upgrade`](crate::ErrorKind::Upgrade), and so is a panic,
/// which would otherwise end a list, a migration or a worker because of one document.
///
/// ```
/// use metastore::Collection;
/// use serde::{Deserialize, Serialize};
/// use serde_json::{Map, Value};
/// use validator::Validate;
///
/// #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
/// #[collection(domain = "myapp", app = "accounts", name = "users", object_type = settings)]
/// #[collection(schema = 2)]
/// #[upgrade(1 -> 2, with = split_name)]
/// struct User {
///     first: String,
///     last: String,
/// }
///
/// fn split_name(user: &mut Map<String, Value>) -> Result<(), String> {
///     let name = user.remove("name").ok_or("there is no name")?;
///     let names = name.as_str().and_then(|name| name.split_once(' '));
///     let (first, last) = names.ok_or("only one name")?;
///     user.insert("first".into(), first.into());
///     user.insert("last".into(), last.into());
///     Ok(())
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an upgrade function",
    label = "expected `fn(&mut serde_json::Map<String, serde_json::Value>) -> Result<(), E>`",
    note = "`E` is any type that can be shown, such as `String`"
)]
pub trait Upgrade: Send + Sync {
    /// Upgrades a document in place.
    ///
    /// # Errors
    ///
    /// The error of the function.
    fn upgrade(&self, document: &mut Map<String, Value>) -> Result<(), String>;
}

impl<F, E> Upgrade for F
where
    F: Fn(&mut Map<String, Value>) -> Result<(), E> + Send + Sync,
    E: Display,
{
    fn upgrade(&self, document: &mut Map<String, Value>) -> Result<(), String> {
        self(document).map_err(|error| error.to_string())
    }
}

/// Why a document could not be upgraded.
#[derive(Debug)]
pub(crate) struct NotUpgraded {
    from: u32,
    message: String,
}

impl NotUpgraded {
    pub(crate) fn into_kind(self, version: u64) -> ErrorKind {
        let Self { from, message } = self;
        ErrorKind::Upgrade { version, from, to: from.saturating_add(1), message }
    }
}

/// The JSON of a document at the schema number `to`; the stored JSON if no upgrade is needed.
pub(crate) fn upgraded<'j>(
    json: &'j str,
    from: u32,
    to: u32,
    upgrades: &[&dyn Upgrade],
) -> Result<Cow<'j, str>, NotUpgraded> {
    if from >= to {
        return Ok(Cow::Borrowed(json));
    }
    let wrong = |from, message| NotUpgraded { from, message };
    let steps = usize::try_from(from).ok().and_then(|from| upgrades.get(from.checked_sub(1)?..));
    let Some(steps) = steps else {
        return Err(wrong(from, "such a schema number does not exist".to_owned()));
    };
    let stored: BTreeMap<String, &RawValue> =
        serde_json::from_str(json).map_err(|error| wrong(from, error.to_string()))?;
    let (document, exact) = Exact::read(json).map_err(|error| {
        let read = |(name, value): (&String, &&RawValue)| {
            let error = serde_json::from_str::<Value>(value.get()).err()?;
            Some(format!("`{name}`: {error}"))
        };
        wrong(from, stored.iter().find_map(read).unwrap_or_else(|| error.to_string()))
    })?;
    let Value::Object(mut document) = document else {
        return Err(wrong(from, "it is not a JSON object".to_owned()));
    };
    let before = document.clone();
    for (number, step) in (from..).zip(steps) {
        catch_unwind(AssertUnwindSafe(|| step.upgrade(&mut document)))
            .unwrap_or_else(|panic| Err(describe_panic(&*panic)))
            .map_err(|message| wrong(number, message))?;
    }
    // An unchanged field is copied from the stored text: in a `Value`, a number has lost how it was
    // written, and one of more than 64 bits some of its digits.
    let mut fields: BTreeMap<&str, Cow<'_, RawValue>> = BTreeMap::new();
    for (name, value) in &document {
        let field = match stored.get(name) {
            Some(stored) if before.get(name) == Some(value) => Cow::Borrowed(*stored),
            _ => Cow::Owned(
                exact
                    .write(value)
                    .and_then(RawValue::from_string)
                    .map_err(|error| wrong(from, format!("`{name}`: {error}")))?,
            ),
        };
        fields.insert(name, field);
    }
    serde_json::to_string(&fields).map(Cow::Owned).map_err(|error| wrong(from, error.to_string()))
}

fn describe_panic(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the function panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))
}
