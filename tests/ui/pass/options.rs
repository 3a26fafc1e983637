// Every option has its effect on the schema, and none has one by default.

use std::time::Duration;

use metastore::Collection;
use metastore::schema::{ObjectType, TtlOnUpdate};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "9-lives", name = "A_b", object_type = settings)]
#[transformation(plain -> u8)]
struct Settings {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "accounts")]
#[collection(name = "sessions", object_type = state,)]
#[collection()]
#[collection(ttl = "90m", ttl_on_update = keep, audit = on)]
#[mutation(age -> u64,)]
#[transformation(refresh -> Vec<(u8, String)>, timeout = "500ms", retries = 0,)]
#[transformation(digest -> [u8; 32], retries = 1_000, timeout = "24h")]
struct Session {}

impl Session {
    fn age(&self) -> u64 {
        0
    }
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "accounts", name = "pins", object_type = state, ttl = none)]
#[collection(crate = metastore, audit = off)]
struct Pin {}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "accounts", name = "flags", object_type = config)]
#[collection(ttl = "2w", ttl_on_update = reset)]
#[collection(keep = 1, keep_for = "90d")]
struct Flag {}

fn main() {
    let settings = Settings::SCHEMA;
    assert_eq!(
        (settings.domain, settings.app, settings.name),
        ("myapp", "9-lives", "A_b")
    );
    assert_eq!(settings.object_type, ObjectType::Settings);
    assert_eq!(settings.ttl, ObjectType::Settings.default_ttl());
    assert_eq!(settings.ttl_on_update, TtlOnUpdate::Reset);
    assert_eq!((settings.keep, settings.keep_for), (None, None));
    assert_eq!(settings.transformations[0].timeout, None);
    assert_eq!(settings.transformations[0].retries, None);

    let session = Session::SCHEMA;
    assert_eq!(session.object_type, ObjectType::State);
    assert_eq!(session.ttl, Some(Duration::from_secs(90 * 60)));
    assert_eq!(session.ttl_on_update, TtlOnUpdate::Keep);
    assert_eq!(session.mutations, ["age"]);
    let [refresh, digest] = session.transformations else {
        panic!("two were declared")
    };
    assert_eq!(refresh.timeout, Some(Duration::from_millis(500)));
    assert_eq!(refresh.retries, Some(0));
    assert_eq!(digest.timeout, Some(Duration::from_secs(24 * 60 * 60)));
    assert_eq!(digest.retries, Some(1000));
    assert_eq!(Session::DIGEST.schema().name, "digest");

    assert_eq!(settings.audit, None);
    assert_eq!(session.audit, Some(true));
    assert_eq!(Pin::SCHEMA.audit, Some(false));
    assert_eq!(Pin::SCHEMA.ttl, None);
    assert_eq!(Flag::SCHEMA.object_type, ObjectType::Config);
    assert_eq!(Flag::SCHEMA.keep, Some(1));
    assert_eq!(
        Flag::SCHEMA.keep_for,
        Some(Duration::from_secs(90 * 24 * 60 * 60))
    );
    assert_eq!(
        Flag::SCHEMA.ttl,
        Some(Duration::from_secs(14 * 24 * 60 * 60))
    );
}
