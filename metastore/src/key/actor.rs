//! Actors: the users and services that write and own items.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Id, InvalidId, ToId};

/// The longest actor, in bytes as JSON writes it. The header of a document has room for two.
const MAX_LEN: usize = 512;

/// A user or a service that writes versions or owns items.
///
/// Any text, such as `auth0|5f7c8ec7c33c6c004bbafe82`, `us-east-1:1b2c…` or `O'Brien, Ada`, of 1 to
/// 512 bytes as JSON writes it: a quotation mark and a backslash count two, a control character up
/// to six. It is compared byte by byte. It is stored unchanged in each version and each audit
/// entry, and is never part of a key. Cloning is cheap.
///
/// ```
/// use metastore::Actor;
///
/// assert_eq!(Actor::new("auth0|x y")?.as_str(), "auth0|x y");
/// assert!(Actor::new("").is_err());
/// # Ok::<(), metastore::InvalidActor>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Actor(Arc<str>);

impl Actor {
    /// Checks the length of an actor.
    ///
    /// # Errors
    ///
    /// [`InvalidActor`] if it is empty or too long.
    pub fn new(actor: &str) -> Result<Self, InvalidActor> {
        if actor.is_empty() {
            return Err(InvalidActor { length: 0 });
        }
        let length = json_length(actor);
        if length > MAX_LEN {
            return Err(InvalidActor { length });
        }
        Ok(Self(actor.into()))
    }

    /// The actor as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many bytes JSON writes between the quotation marks.
fn json_length(text: &str) -> usize {
    let length = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(length).sum()
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Actor({:?})", &*self.0)
    }
}

impl From<Id> for Actor {
    /// Every id is within the limit.
    fn from(id: Id) -> Self {
        Self(id.as_str().into())
    }
}

impl FromStr for Actor {
    type Err = InvalidActor;

    fn from_str(actor: &str) -> Result<Self, InvalidActor> {
        Self::new(actor)
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// An actor that is empty or too long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an actor has 1 to {MAX_LEN} bytes as JSON writes it, not {length}; for a longer name, use an id of the actor"
)]
pub struct InvalidActor {
    length: usize,
}

/// For collections whose item ids are user ids. Fails if the actor is not a valid id.
impl ToId for Actor {
    fn to_id(&self) -> Result<Id, InvalidId> {
        Id::new(&self.0)
    }
}

/// A value that names an actor: an [`Actor`], an [`Id`], or text whose length is checked on use.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a user",
    label = "expected text, an `Actor` or an `Id`",
    note = "write `.to_string()` for a number or a `Uuid`"
)]
pub trait ToActor {
    /// The actor.
    ///
    /// # Errors
    ///
    /// [`InvalidActor`] if it is empty or too long.
    fn to_actor(&self) -> Result<Actor, InvalidActor>;
}

impl ToActor for Actor {
    fn to_actor(&self) -> Result<Actor, InvalidActor> {
        Ok(self.clone())
    }
}

impl ToActor for Id {
    fn to_actor(&self) -> Result<Actor, InvalidActor> {
        Ok(self.clone().into())
    }
}

impl ToActor for str {
    fn to_actor(&self) -> Result<Actor, InvalidActor> {
        Actor::new(self)
    }
}

impl ToActor for String {
    fn to_actor(&self) -> Result<Actor, InvalidActor> {
        Actor::new(self)
    }
}

impl<A: ToActor + ?Sized> ToActor for &A {
    fn to_actor(&self) -> Result<Actor, InvalidActor> {
        (**self).to_actor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_length_is_that_of_the_json(text in "[\0-\u{7f}äß\u{2028}😀\"\\\\]{0,20}") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(json_length(&text), json.len() - 2);
        }
    }

    #[test]
    fn any_text_is_an_actor_up_to_a_length() {
        let longest = "x".repeat(512);
        for actor in
            ["auth0|x", "us-east-1:1b2c", "o'brien@example.com", "a b\n\"", "Zoë", &longest]
        {
            let actor = Actor::new(actor).expect(actor);
            let json = serde_json::to_string(&actor).unwrap();
            assert_eq!(serde_json::from_str::<Actor>(&json).unwrap(), actor);
        }
        for wrong in [String::new(), "x".repeat(513), "\"".repeat(257), "\0".repeat(86)] {
            let error = Actor::new(&wrong).expect_err(&wrong).to_string();
            assert!(error.contains("1 to 512 bytes"), "{error}");
        }
    }
}
