//! Setting one field of a document by its name, as a command line does.

use anyhow::{Context, bail};
use metastore_examples::shown::line;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The document with the field set to what the text says. Its rules are checked when it is written.
pub(crate) fn with_field<T: Serialize + DeserializeOwned>(
    document: &T,
    field: &str,
    text: &str,
) -> anyhow::Result<T> {
    let mut fields = fields_of(document)?;
    let Some(value) = fields.get_mut(field) else {
        let names: Vec<_> = fields.keys().map(|name| format!("`{name}`")).collect();
        bail!("there is no `{}`; there are {}", line(field), names.join(", "));
    };
    // Text needs no quotes, even if it looks like a number.
    *value = match value {
        Value::String(_) => text.into(),
        _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    };
    serde_json::from_value(Value::Object(fields)).with_context(|| format!("`{field}`"))
}

/// One line for each field.
pub(crate) fn lines<T: Serialize>(document: &T) -> anyhow::Result<String> {
    let lines: Vec<_> = fields_of(document)?
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name} = {}", line(&text)),
            value => format!("{name} = {value}"),
        })
        .collect();
    Ok(lines.join("\n"))
}

fn fields_of<T: Serialize>(document: &T) -> anyhow::Result<Map<String, Value>> {
    match serde_json::to_value(document)? {
        Value::Object(fields) => Ok(fields),
        other => bail!("a document is an object, not {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_field_is_set_by_its_name_and_only_to_what_it_can_hold() {
        let set = |field, text| with_field(&Config::default(), field, text);
        assert_eq!(set("greeting", "12").unwrap().greeting, "12");
        assert_eq!(set("sessions_per_user", "12").unwrap().sessions_per_user, 12);
        for (field, text, expected) in [
            ("colour", "red", "there is no `colour`; there are `"),
            ("registration_open", "maybe", "`registration_open`: invalid type"),
            ("sessions_per_user", "-1", "`sessions_per_user`: invalid value"),
        ] {
            let error = format!("{:#}", set(field, text).unwrap_err());
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
