//! Guides whose programs run workers. The others are in [`metastore::guide`], their source in the
//! repository's folder `docs/guide`.

/// The links are defined before the text, because the first definition counts: in the repository
/// the same labels lead to files.
macro_rules! guides {
    ($($name:ident = $file:literal;)*) => {$(
        #[doc = "[access-control]: metastore::guide::access_control"]
        #[doc = "[dynamic-api]: metastore::guide::dynamic_api"]
        #[doc = "[dynamic-api#catalog]: metastore::guide::dynamic_api#catalog"]
        #[doc = "[modelling#ids]: metastore::guide::modelling#ids"]
        #[doc = "[mutations-and-transformations]: metastore::guide::mutations_and_transformations"]
        #[doc = "[schema-evolution]: metastore::guide::schema_evolution"]
        #[doc = ""]
        #[doc = include_str!($file)]
        pub mod $name {}
    )*};
}

guides! {
    workers_in_production = "../guide/workers-in-production.md";
    testing = "../guide/testing.md";
    coming_from_define_repo = "../guide/coming-from-define-repo.md";
}
