//! Guides, by subject. Their source is in the repository's folder `docs/guide`.
//!
//! Those about workers, testing and the way from `defineRepo` are in the crate `metastore-worker`.

/// The links are defined before the text, because the first definition counts: in the repository
/// the same labels lead to files.
macro_rules! guides {
    ($($name:ident = $file:literal;)*) => {$(
        #[doc = "[access-control]: crate::guide::access_control"]
        #[doc = "[dynamic-api]: crate::guide::dynamic_api"]
        #[doc = "[dynamic-api#catalog]: crate::guide::dynamic_api#catalog"]
        #[doc = "[errors]: crate::guide::errors"]
        #[doc = "[history-and-audit]: crate::guide::history_and_audit"]
        #[doc = "[modelling]: crate::guide::modelling"]
        #[doc = "[modelling#ids]: crate::guide::modelling#ids"]
        #[doc = "[mutations-and-transformations]: crate::guide::mutations_and_transformations"]
        #[doc = "[queries-and-indexes]: crate::guide::queries_and_indexes"]
        #[doc = "[schema-evolution]: crate::guide::schema_evolution"]
        #[doc = "[schema-evolution#import-documents-of-other-programs]: crate::guide::schema_evolution#import-documents-of-other-programs"]
        #[doc = "[time-to-live]: crate::guide::time_to_live"]
        #[doc = "[versions-and-conflicts]: crate::guide::versions_and_conflicts"]
        #[doc = "[versions-and-conflicts#insert-or-replace]: crate::guide::versions_and_conflicts#insert-or-replace"]
        #[doc = "[testing]: ../../../metastore_worker/guide/testing/index.html"]
        #[doc = "[workers-in-production]: ../../../metastore_worker/guide/workers_in_production/index.html"]
        #[doc = "[workers-in-production#maintenance]: ../../../metastore_worker/guide/workers_in_production/index.html#maintenance"]
        #[doc = ""]
        #[doc = include_str!($file)]
        pub mod $name {}
    )*};
}

guides! {
    modelling = "../guide/modelling.md";
    versions_and_conflicts = "../guide/versions-and-conflicts.md";
    queries_and_indexes = "../guide/queries-and-indexes.md";
    time_to_live = "../guide/time-to-live.md";
    mutations_and_transformations = "../guide/mutations-and-transformations.md";
    history_and_audit = "../guide/history-and-audit.md";
    schema_evolution = "../guide/schema-evolution.md";
    dynamic_api = "../guide/dynamic-api.md";
    errors = "../guide/errors.md";
    access_control = "../guide/access-control.md";
}
