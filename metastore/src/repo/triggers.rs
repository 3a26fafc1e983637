//! Writes that request transformations: `on = create, update`.

use crate::document::Document;
use crate::key::Id;
use crate::redis::script::{CREATE_WITH_TRIGGERS, ScriptCall, UPDATE_WITH_TRIGGERS};
use crate::repo::Repo;
use crate::schema::TransformationSchema;

/// What is done to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Create,
    Update,
}

impl<T: Document> Repo<T> {
    /// Whether something is requested by an event, so that no plain addition will do.
    pub(crate) fn requests_on(event: Event) -> bool {
        requested(T::SCHEMA.transformations, event).next().is_some()
    }

    /// Adds to a write what is requested by it; the call has all its own keys and arguments by then.
    pub(crate) fn requesting(&self, call: ScriptCall, id: &Id, event: Event) -> ScriptCall {
        if !Self::requests_on(event) {
            return call;
        }
        let at = self.address();
        let mut call = call.by(match event {
            Event::Create => &CREATE_WITH_TRIGGERS,
            Event::Update => &UPDATE_WITH_TRIGGERS,
        });
        let mut count = 0;
        for schema in requested(T::SCHEMA.transformations, event) {
            let queue = at.queue(schema.name);
            call = call
                .keys(queue.all())
                .key(at.transformation(id, schema.name))
                .arg(queue.wake)
                .arg(schema.name)
                .arg(self.store().new_ulid().to_string());
            count += 1;
        }
        call.key(at.latest(id))
            .key(at.audit(id))
            .arg(id.as_str().to_owned())
            .arg(self.audit_arg(id))
            .arg(self.actor_arg())
            .arg(self.store().trace().unwrap_or_default())
            .int(count)
    }
}

fn requested(
    transformations: &'static [TransformationSchema],
    event: Event,
) -> impl Iterator<Item = &'static TransformationSchema> {
    transformations.iter().filter(move |schema| match event {
        Event::Create => schema.on_create,
        Event::Update => schema.on_update,
    })
}
