//! How serde writes a document as JSON, and whether it reads back what it wrote.

use syn::Type;
use syn::ext::IdentExt as _;

use crate::case::Case;
use crate::check::shape;
use crate::ctxt::Ctxt;
use crate::raw::{Collection, Field, Rename, SerdeContainer};

/// Checks the attributes of the struct.
pub(crate) fn container(cx: &Ctxt, raw: &Collection) {
    // Versions, indexes and patches all require a document to be an object.
    if let Some(transparent) = &raw.serde.transparent {
        cx.error(
            transparent,
            "a document must be a JSON object; remove `transparent`, or make this a field",
        );
    }
    if let Some(context) = &raw.validate_context {
        cx.error(
            context,
            "each write validates the document by itself, so its rules cannot take a `context`; remove \
             `context`, and check what needs more than the document before the write",
        );
    }
    // serde then implements nothing for the struct itself.
    if let Some(remote) = &raw.serde.remote {
        cx.error(
            remote,
            "a document is stored by its own `Serialize`, which a struct with `remote` has not; \
             remove `remote`",
        );
    }
}

/// The stored name of each field; `None` when it has none of its own.
pub(crate) fn names(cx: &Ctxt, raw: &Collection) -> Vec<Option<String>> {
    let mut names: Vec<Option<String>> = Vec::new();
    let mut read_otherwise = None;
    for field in &raw.fields {
        reads_back(cx, &raw.serde, field);
        let name = stored_name(&raw.serde, field);
        if let Some(name) = &name {
            read_otherwise = read_otherwise.or(same_both_ways(cx, raw, field, name));
            unlike_others(cx, raw, field, name, &names);
        }
        names.push(name);
    }
    // It applies to every field, so it is reported at the first.
    if let (Some(message), Some(rename_all)) = (read_otherwise, &raw.serde.rename_all) {
        cx.error(&rename_all.key, message);
    }
    names
}

/// The name of a field in the stored document; `None` when serde flattens or skips it.
pub(crate) fn stored_name(container: &SerdeContainer, field: &Field) -> Option<String> {
    let own_name = field.serde.flatten.is_none() && field.serde.not_written.is_none();
    own_name.then(|| name(container, field, |rename| rename.serialize.as_deref()))
}

/// The names other than its own by which a field is read.
pub(crate) fn aliases(container: &SerdeContainer, field: &Field, written: &str) -> Vec<String> {
    if field.serde.not_read {
        return Vec::new();
    }
    let read = name(container, field, |rename| rename.deserialize.as_deref());
    let mut names = field.serde.aliases.clone();
    names.push(read);
    names.retain(|name| name != written);
    names.sort();
    names.dedup();
    names
}

/// Whether every written document reads back, as far as a macro can tell.
pub(crate) fn proven(raw: &Collection) -> bool {
    let field = |field: &Field| {
        let serde = &field.serde;
        let skipped = serde.not_written.is_some();
        serde.forms.is_empty()
            && serde.flatten.is_none()
            && (skipped || serde.not_read || shape::reads_back(&field.ty))
    };
    raw.serde.forms.is_empty() && raw.fields.iter().all(field)
}

/// The name under which serde writes the name of the struct.
pub(crate) fn tag(raw: &Collection) -> Option<String> {
    raw.serde.forms.iter().find(|(key, _)| key == "tag").map(|(_, name)| name.clone())
}

/// The names by which a field is read; none when serde flattens or skips it.
pub(crate) fn read_names(container: &SerdeContainer, field: &Field) -> Vec<String> {
    if field.serde.flatten.is_some() || field.serde.not_read {
        return Vec::new();
    }
    let mut names = vec![name(container, field, |rename| rename.deserialize.as_deref())];
    for alias in &field.serde.aliases {
        if !names.contains(alias) {
            names.push(alias.clone());
        }
    }
    names
}

/// A field must be read by the name under which it is written. Returns the message if it is not,
/// unless its own `rename` says so.
fn same_both_ways(cx: &Ctxt, raw: &Collection, field: &Field, written: &str) -> Option<String> {
    let serde = &field.serde;
    let read = name(&raw.serde, field, |rename| rename.deserialize.as_deref());
    let known = read == written || serde.aliases.iter().any(|alias| alias == written);
    if known || serde.not_read || raw.serde.read_as_other {
        return None;
    }
    let ident = &field.ident;
    let message = format!(
        "`{ident}` would be stored as `{written}` but read as `{read}`, so a stored document could \
         not be read back; use one name, or add `#[serde(alias = \"{written}\")]`"
    );
    let Some(rename) = &serde.rename else {
        return Some(message);
    };
    cx.error(&rename.key, message);
    None
}

/// An object has each member once.
fn unlike_others(cx: &Ctxt, raw: &Collection, field: &Field, name: &str, seen: &[Option<String>]) {
    let Some(first) = seen.iter().position(|seen| seen.as_deref() == Some(name)) else {
        return;
    };
    let (first, ident) = (&raw.fields[first].ident, &field.ident);
    let message = format!("`{ident}` and `{first}` would both be stored as `{name}`; rename one");
    match &field.serde.rename {
        Some(rename) => cx.error(&rename.key, message),
        None => cx.error(ident, message),
    };
}

/// Whether a read may return another document than was written, as far as indexes are concerned.
pub(crate) fn reads_otherwise(raw: &Collection) -> bool {
    let container = &raw.serde;
    let indexed = || raw.fields.iter().filter(|field| !field.indexes.is_empty());
    container.read_as_other
        || container.written_as_other
        || indexed().any(|field| !absent_is_what_is_left_out(container, field))
}

/// Whether a field is only left out when it has the value that an absent one is read as.
fn absent_is_what_is_left_out(container: &SerdeContainer, field: &Field) -> bool {
    let serde = &field.serde;
    let Some(function) = &serde.skipped_if else { return true };
    let is = |name: &str| function.rsplit("::").next().is_some_and(|last| last.trim() == name);
    let absent_is_none = is_option(&field.ty) && !container.default && !serde.own_default;
    let absent_is_default = serde.default && !serde.own_default;
    (is("is_none") && absent_is_none) || (is("is_empty") && absent_is_default)
}

fn name(
    container: &SerdeContainer,
    field: &Field,
    side: impl Fn(&Rename) -> Option<&str>,
) -> String {
    if let Some(name) = field.serde.rename.as_ref().and_then(&side) {
        return name.to_owned();
    }
    let case = container.rename_all.as_ref().and_then(side).map_or(Case::Unchanged, Case::new);
    case.apply(&field.ident.unraw().to_string())
}

/// A field that is not always stored needs a default for reading.
fn reads_back(cx: &Ctxt, container: &SerdeContainer, field: &Field) {
    let serde = &field.serde;
    let Some(left_out) = serde.not_written.as_ref().or(serde.sometimes_written.as_ref()) else {
        return;
    };
    let absent_is_none = is_option(&field.ty) && !serde.read_with;
    let readable = serde.not_read
        || serde.default
        || serde.flatten.is_some()
        || container.default
        || container.read_as_other
        || absent_is_none;
    if !readable {
        let ident = &field.ident;
        cx.error(
            left_out,
            format!(
                "`{ident}` may be missing in a stored document but is required when it is read; \
                 add `#[serde(default)]`"
            ),
        );
    }
}

/// As far as a macro can tell, which sees no types.
fn is_option(ty: &Type) -> bool {
    match ty {
        Type::Path(ty) => ty.path.segments.last().is_some_and(|last| last.ident == "Option"),
        Type::Group(group) => is_option(&group.elem),
        Type::Paren(paren) => is_option(&paren.elem),
        _ => false,
    }
}
