//! The compiler's messages for wrong definitions, and definitions that must compile: one file for
//! each rule of the derives, in folders by class. Each file starts with its rule.
//!
//! The `.stderr` files contain the messages; `TRYBUILD=overwrite` updates them.

/// The folders whose files must not compile.
const WRONG: [&str; 11] = [
    "options",
    "names",
    "shape",
    "mutations",
    "transformations",
    "upgrades",
    "fields",
    "serde",
    "repository",
    "types",
    "mistakes",
];

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    for class in WRONG {
        cases.compile_fail(format!("ui/{class}/*.rs"));
    }
}
