//! Documents: their trait, and how they are stored, checked, patched and compared.

pub(crate) mod content;
pub(crate) mod diff;
pub(crate) mod encode;
pub(crate) mod envelope;
pub(crate) mod header;
pub(crate) mod item;
pub(crate) mod mutation;
pub(crate) mod patch;
pub(crate) mod patch_json;
pub(crate) mod set;
mod traits;
pub(crate) mod transformation;
pub(crate) mod unknown;
pub(crate) mod upgrade;
pub(crate) mod validation;

pub use traits::Document;
