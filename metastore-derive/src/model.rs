//! A definition that passed every check: it can be expanded without further checks.

use std::num::{NonZeroU32, NonZeroU64};

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::{Generics, Ident, Member, Path, Type, Visibility};

pub(crate) use crate::name::Name;
pub(crate) use crate::raw::{Format, IndexKind};

/// A checked `#[derive(Collection)]`.
pub(crate) struct Collection {
    pub(crate) item: Item,
    pub(crate) schema: Schema,
    pub(crate) members: Members,
}

/// A struct with named fields and without generics.
pub(crate) struct Item {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    /// The runtime crate, if it is not `::metastore`.
    pub(crate) krate: Option<Path>,
    /// The names of the types that are generated, where they are not the usual ones.
    pub(crate) patch: Option<Ident>,
    pub(crate) handle: Option<Ident>,
}

impl Item {
    /// The name of the patch type.
    pub(crate) fn patch(&self) -> Ident {
        self.patch.clone().unwrap_or_else(|| format_ident!("{}Patch", self.ident))
    }

    /// The name of the handle type.
    pub(crate) fn handle(&self) -> Ident {
        self.handle.clone().unwrap_or_else(|| format_ident!("{}Handle", self.ident))
    }
}

/// The options of `#[collection]`.
pub(crate) struct Schema {
    pub(crate) domain: Name,
    pub(crate) app: Name,
    pub(crate) name: Name,
    pub(crate) object_type: ObjectType,
    /// `None` leaves it to the object type.
    pub(crate) ttl: Option<Ttl>,
    pub(crate) ttl_on_update: TtlOnUpdate,
    /// How many versions are kept; `None` keeps any number.
    pub(crate) keep: Option<NonZeroU32>,
    /// How long a superseded version is kept, in milliseconds; `None` keeps it forever.
    pub(crate) keep_for: Option<NonZeroU64>,
    /// `None` leaves it to the store.
    pub(crate) audit: Option<bool>,
    /// Whether the descriptor is to hold a JSON Schema.
    pub(crate) json_schema: bool,
    pub(crate) denies_unknown: bool,
    /// Whether a read may return another document than was written.
    pub(crate) reads_otherwise: bool,
    /// The number of the document's shape.
    pub(crate) number: u32,
    /// A hash of the document's shape.
    pub(crate) fingerprint: u64,
    /// The name under which serde writes the name of the struct.
    pub(crate) tag: Option<String>,
    /// Whether every written document reads back.
    pub(crate) reads_back: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectType {
    Config,
    Settings,
    State,
    Texts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ttl {
    Never,
    Millis(NonZeroU64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TtlOnUpdate {
    Reset,
    Keep,
}

/// The sources of methods and constants.
pub(crate) struct Members {
    /// Whether a patch is read from JSON like the document is.
    pub(crate) patch_is_read: bool,
    pub(crate) fields: Vec<Field>,
    pub(crate) mutations: Vec<Accessor>,
    pub(crate) transformations: Vec<Transformation>,
    /// The upgrade functions from each schema number to the next.
    pub(crate) upgrades: Vec<Path>,
}

/// A field of the document.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    /// The visibility of its setter.
    pub(crate) vis: Visibility,
    pub(crate) ty: Ty,
    /// How many lists or maps there are around a set in it.
    pub(crate) set: Option<u8>,
    /// Names other than its own by which it is read.
    pub(crate) aliases: Vec<String>,
    pub(crate) json: Json,
    /// The names by which JSON sets it in a patch; none if it cannot.
    pub(crate) read_names: Vec<String>,
    /// The functions by which serde writes and reads the value, if they are not those of its type.
    pub(crate) format: Format,
}

/// A field as the stored document shows it.
pub(crate) enum Json {
    /// It has a name of its own, by which it can be indexed.
    Named { name: String, index: Option<Index> },
    /// serde flattens or skips it.
    Nameless,
}

/// The index of a field.
pub(crate) struct Index {
    pub(crate) kind: IndexKind,
    /// Its constant for queries.
    pub(crate) constant: Ident,
}

/// A mutation, or the part of a transformation that a mutation has too.
pub(crate) struct Accessor {
    /// The method's name, as the user wrote it.
    pub(crate) ident: Ident,
    pub(crate) name: Name,
    pub(crate) constant: Ident,
    pub(crate) ty: Ty,
}

/// A transformation.
pub(crate) struct Transformation {
    pub(crate) accessor: Accessor,
    pub(crate) options: TransformationOptions,
}

/// The options of a transformation for its jobs; times in milliseconds.
#[derive(Default)]
pub(crate) struct TransformationOptions {
    pub(crate) timeout: Option<NonZeroU64>,
    pub(crate) retries: Option<u32>,
    pub(crate) retry_delay: Option<NonZeroU64>,
    pub(crate) result_ttl: Option<NonZeroU64>,
    pub(crate) inline: bool,
    /// Another transformation, as the user wrote it here.
    pub(crate) after: Option<Ident>,
    pub(crate) on_create: bool,
    pub(crate) on_update: bool,
}

/// A type that means the same wherever it is put: `Self` is replaced by the struct's name.
pub(crate) struct Ty {
    pub(crate) tokens: TokenStream,
    /// Where the type starts.
    pub(crate) span: Span,
}

impl ToTokens for Ty {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.tokens.to_tokens(tokens);
    }
}

/// A checked `#[derive(Indexable)]`.
pub(crate) struct Indexable {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) krate: Option<Path>,
    pub(crate) form: IndexableForm,
}

/// The part of a value that an index contains.
pub(crate) enum IndexableForm {
    /// What serde writes.
    Written,
    /// The only field.
    Field(Member, Box<Type>),
}

/// A checked `#[derive(Repository)]`.
pub(crate) struct Repository {
    pub(crate) item: Item,
    pub(crate) fields: Vec<(Ident, Ty)>,
}
