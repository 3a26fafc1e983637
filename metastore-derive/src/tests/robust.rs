//! With any tokens in an attribute, a derive terminates, does not panic, and returns items or
//! errors.

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse_quote};

use super::collection;

/// Tokens that users write, and mistakes.
const WORDS: [&str; 41] = [
    "domain",
    "app",
    "name",
    "object_type",
    "texts",
    "state",
    "ttl",
    "ttl_on_update",
    "audit",
    "keep",
    "keep_for",
    "0",
    "none",
    "crate",
    "schema",
    "with",
    "1",
    "2",
    "self",
    "Self",
    "_",
    "r#match",
    "range",
    "timeout",
    "retries",
    "wordcount",
    "->",
    "usize",
    "Vec<u8>",
    "=",
    "=",
    "=",
    ",",
    ",",
    ",",
    "::",
    "\"myapp\"",
    "\"30s\"",
    "3",
    "-",
    "(a, b)",
];

/// A fixed random sequence, so that failures are reproducible.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn tokens(&mut self) -> TokenStream {
        let count = self.below(12);
        let words: Vec<_> = (0..count).map(|_| WORDS[self.below(WORDS.len())]).collect();
        words.join(" ").parse().expect("the words are tokens in any order")
    }
}

#[test]
fn any_tokens_in_any_attribute() {
    let mut random = Random(1);
    for _ in 0..1_000 {
        let (options, mutation, transformation, index) =
            (random.tokens(), random.tokens(), random.tokens(), random.tokens());
        let input: DeriveInput = parse_quote! {
            #[collection(#options)]
            #[mutation(#mutation)]
            #[transformation(#transformation)]
            #[upgrade(#transformation)]
            #[upgrade(1 -> 2, #options)]
            #[serde(#index)]
            struct Text {
                #[index(#index)]
                #[serde(#mutation)]
                content: String,
            }
        };
        // Formatting it parses it.
        assert!(!collection(input).is_empty());
    }
}
