//! The definition as the user wrote it: it may be wrong, and every part has its span.

use proc_macro2::TokenStream;
use syn::{Generics, Ident, LitInt, Member, Path, Token, Type, Variant, Visibility};

use crate::attr::Opt;
use crate::ctxt::Reported;

/// The item under a derive.
pub(crate) struct Item {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) generics: Generics,
    pub(crate) shape: Shape,
}

/// What kind of item it is.
pub(crate) enum Shape {
    /// A struct with named fields, or with braces and none.
    Named,
    Tuple,
    Unit,
    Enum(Token![enum]),
    Union(Token![union]),
}

/// `#[derive(Collection)]`.
pub(crate) struct Collection {
    pub(crate) item: Item,
    /// The first `#[collection]`, where missing options are reported.
    pub(crate) attr: Option<Path>,
    /// The reported error of a `#[collection]` that is not a list of options.
    pub(crate) unreadable: Option<Reported>,
    pub(crate) options: Vec<Opt>,
    /// Mutations and transformations, in their order.
    pub(crate) accessors: Vec<Accessor>,
    /// Upgrades of stored documents, in their order, or the reported error of one that cannot be
    /// parsed.
    pub(crate) upgrades: Vec<Result<Upgrade, Reported>>,
    pub(crate) serde: SerdeContainer,
    /// Derives that fail for a reason of their own, which they report.
    pub(crate) broken: Broken,
    /// `context` in `#[validate]` of the struct.
    pub(crate) validate_context: Option<Path>,
    pub(crate) fields: Vec<Field>,
}

/// The other derives that will certainly refuse one of their attributes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Broken {
    pub(crate) serde: bool,
    pub(crate) validate: bool,
}

/// `#[mutation(name -> Type)]` or `#[transformation(name -> Type, …)]`.
pub(crate) struct Accessor {
    pub(crate) kind: AccessorKind,
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) options: Vec<Opt>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessorKind {
    Mutation,
    Transformation,
}

impl AccessorKind {
    /// The name of the attribute, which is also the word for it in messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Mutation => "mutation",
            Self::Transformation => "transformation",
        }
    }
}

/// `#[upgrade(1 -> 2, with = path)]`.
pub(crate) struct Upgrade {
    /// The attribute's name.
    pub(crate) attr: Path,
    pub(crate) from: LitInt,
    pub(crate) to: LitInt,
    pub(crate) options: Vec<Opt>,
}

/// A field with its attributes.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) ty: Type,
    pub(crate) indexes: Vec<Index>,
    pub(crate) serde: SerdeField,
}

/// One `#[index]`, `#[index(range)]` or `#[unique]`.
pub(crate) struct Index {
    pub(crate) attr: Path,
    pub(crate) kind: IndexKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexKind {
    Equality,
    Range,
    Unique,
}

/// The serde attributes of the struct that affect a document in JSON.
#[derive(Default)]
pub(crate) struct SerdeContainer {
    pub(crate) transparent: Option<Path>,
    pub(crate) rename_all: Option<Rename>,
    pub(crate) default: bool,
    /// `deny_unknown_fields`: an unknown field is an error, not something to be kept.
    pub(crate) denies_unknown: bool,
    /// `from` or `try_from`: another type decides what is read.
    pub(crate) read_as_other: bool,
    /// `into`: another type decides what is written.
    pub(crate) written_as_other: bool,
    /// `remote`: the struct itself is not `Serialize`.
    pub(crate) remote: Option<Path>,
    /// The types and the tag that decide what is stored instead of the fields, each with its key.
    pub(crate) forms: Vec<(String, String)>,
}

/// The serde attributes of a field.
#[derive(Default)]
pub(crate) struct SerdeField {
    pub(crate) rename: Option<Rename>,
    pub(crate) aliases: Vec<String>,
    pub(crate) flatten: Option<Path>,
    /// `skip` or `skip_serializing`.
    pub(crate) not_written: Option<Path>,
    /// `skip_serializing_if`.
    pub(crate) sometimes_written: Option<Path>,
    /// The function of `skip_serializing_if`.
    pub(crate) skipped_if: Option<String>,
    /// `skip` or `skip_deserializing`.
    pub(crate) not_read: bool,
    pub(crate) default: bool,
    /// `default = "…"`.
    pub(crate) own_default: bool,
    /// The functions by which the value is written and read.
    pub(crate) format: Format,
    /// `with` or `deserialize_with`: serde then takes an absent `Option` for an error.
    pub(crate) read_with: bool,
    /// The functions that decide how the value is stored, each with its key.
    pub(crate) forms: Vec<(String, String)>,
}

/// The functions of `with`, `serialize_with` and `deserialize_with`.
#[derive(Clone, Default)]
pub(crate) struct Format {
    pub(crate) serialize: Option<TokenStream>,
    pub(crate) deserialize: Option<TokenStream>,
}

/// `rename = "…"` or `rename(serialize = "…", deserialize = "…")`, of a field or of all.
pub(crate) struct Rename {
    pub(crate) key: Path,
    pub(crate) serialize: Option<String>,
    pub(crate) deserialize: Option<String>,
}

/// `#[derive(Indexable)]`.
pub(crate) struct Indexable {
    pub(crate) item: Item,
    pub(crate) options: Vec<Opt>,
    /// The fields of a struct: their names, or their positions, and their types.
    pub(crate) fields: Vec<(Member, Type)>,
    /// The variants of an enum that have fields.
    pub(crate) with_fields: Vec<Variant>,
}

/// `#[derive(Repository)]`.
pub(crate) struct Repository {
    pub(crate) item: Item,
    pub(crate) options: Vec<Opt>,
    pub(crate) fields: Vec<(Ident, Type)>,
}
