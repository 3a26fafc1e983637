//! Partial documents: which fields an update sets, and to what.

/// The fields of a document to set; each collection's derive generates one.
///
/// A generated patch is `Deserialize`, so the body of a PATCH request is read straight into it: a
/// field that is absent stays as it is, `null` clears an optional field, and any other value sets
/// it. A field that the document does not have, a duplicate field, and a value of another type are
/// refused. Names, aliases and functions are those of the document; fields that serde flattens or
/// does not read can be set in Rust only, and a document that serde reads `from` another type has
/// no patch in JSON.
///
/// ```
/// use axum::Json;
/// use axum::extract::{Path, State};
/// use axum::http::StatusCode;
/// use metastore::{Collection, Repo};
/// use serde::{Deserialize, Serialize};
/// use validator::Validate;
///
/// #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
/// #[collection(domain = "myapp", app = "notes", name = "notes", object_type = texts)]
/// struct Note {
///     title: String,
///     language: Option<String>,
/// }
///
/// /// `PATCH /notes/{id}` with a body such as `{"title": "Milk", "language": null}`.
/// async fn patch_note(
///     State(notes): State<Repo<Note>>,
///     Path(id): Path<String>,
///     Json(patch): Json<NotePatch>,
/// ) -> Result<Json<Note>, StatusCode> {
///     match notes.update(&id, patch).await {
///         Ok(note) => Ok(Json(note.into_data())),
///         Err(error) if error.is_not_found() => Err(StatusCode::NOT_FOUND),
///         Err(error) if error.is_validation() => Err(StatusCode::UNPROCESSABLE_ENTITY),
///         Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
///     }
/// }
///
/// let app: axum::Router<Repo<Note>> =
///     axum::Router::new().route("/notes/{id}", axum::routing::patch(patch_note));
/// let refused = serde_json::from_str::<NotePatch>(r#"{"titel": "Milk"}"#);
/// assert!(refused.err().unwrap().to_string().contains("unknown field `titel`"));
/// ```
pub trait Patch<T>: Clone + Default + Send + Sync {
    /// Writes the fields that are set into the document and leaves the others alone.
    fn apply(self, document: &mut T);
}
