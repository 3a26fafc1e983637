//! How scripts audit what they write; `lib/audit.lua` reads the arguments.

use std::fmt::Write as _;

use super::ScriptCall;

/// How the writes of a call are audited.
#[derive(Clone, Debug)]
pub(crate) struct AuditContext {
    /// `None` if they are not audited.
    pub(crate) settings: Option<AuditSettings>,
    pub(crate) fields: AuditFields,
}

/// How long the audit entries of a collection are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditSettings {
    /// How many entries the trail of an item keeps at most.
    pub(crate) trail_length: u64,
    /// How many entries the feed of the collection keeps at most.
    pub(crate) feed_length: u64,
    /// How long a trail is kept after its last entry, in milliseconds; 0 for ever.
    pub(crate) life: u64,
}

/// What each entry of a call says besides its operation. A new field is added here and in
/// [`AuditFields::named`], and read in `audit/entry.rs`.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuditFields {
    pub(crate) actor: Option<String>,
}

impl AuditFields {
    /// The fields by name.
    fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [("actor", self.actor.as_deref())];
        all.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

impl AuditContext {
    /// The settings as scripts take them: empty for no audit.
    pub(crate) fn settings_arg(&self) -> String {
        let Some(AuditSettings { trail_length, feed_length, life }) = &self.settings else {
            return String::new();
        };
        format!("{trail_length} {feed_length} {life}")
    }

    /// The fields as scripts take them: names and values, each with its length in front.
    pub(crate) fn fields_arg(&self) -> String {
        let mut arg = String::new();
        for (name, value) in self.fields.named() {
            // Writing to a string cannot fail.
            let _ = write!(arg, "{}:{name}{}:{value}", name.len(), value.len());
        }
        arg
    }
}

impl ScriptCall {
    /// How to audit what the script writes: two arguments, the settings and the fields.
    pub(crate) fn audit(self, context: &AuditContext) -> Self {
        self.arg(context.settings_arg()).arg(context.fields_arg())
    }
}
