//! Job triggers: transformations that a write enqueues, by `on = create, update`.

use crate::document::Document;
use crate::key::Id;
use crate::redis::script::{CREATE_WITH_TRIGGERS, ScriptCall, UPDATE_WITH_TRIGGERS};
use crate::repo::Repo;
use crate::schema::TransformationSchema;

/// A write that can trigger a transformation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TriggerEvent {
    Create,
    Update,
}

impl<T: Document> Repo<T> {
    /// Whether an event triggers a transformation.
    pub(crate) fn has_triggers(event: TriggerEvent) -> bool {
        triggered(T::SCHEMA.transformations, event).next().is_some()
    }

    /// Adds the jobs that a write triggers to its script call, which must have all its
    /// other keys and arguments.
    pub(crate) fn with_triggers(
        &self,
        call: ScriptCall,
        id: &Id,
        event: TriggerEvent,
    ) -> ScriptCall {
        if !Self::has_triggers(event) {
            return call;
        }
        let at = self.address();
        let mut call = call.by(match event {
            TriggerEvent::Create => &CREATE_WITH_TRIGGERS,
            TriggerEvent::Update => &UPDATE_WITH_TRIGGERS,
        });
        let mut count = 0;
        for schema in triggered(T::SCHEMA.transformations, event) {
            call = call
                .key(at.queue(schema.name).jobs)
                .arg(schema.name)
                .arg(self.store().new_ulid().to_string());
            count += 1;
        }
        call.key(at.latest(id))
            .key(at.audit(id))
            .address(at)
            .arg(id.as_str().to_owned())
            .audit(&self.audit_context())
            .arg(self.store().trace().unwrap_or_default())
            .int(count)
    }
}

fn triggered(
    transformations: &'static [TransformationSchema],
    event: TriggerEvent,
) -> impl Iterator<Item = &'static TransformationSchema> {
    transformations.iter().filter(move |schema| match event {
        TriggerEvent::Create => schema.on_create,
        TriggerEvent::Update => schema.on_update,
    })
}
