//! Rust sources as tokens and items: as much of the syntax as the rules need.

mod item;
mod lexer;
mod literal;

pub(crate) use self::item::{Item, items};
pub(crate) use self::lexer::{Token, Tree, parse};

#[test]
fn sources_are_read_as_items() {
    let text = "//! Crate.\n#[cfg(test)]\nmod tests { fn a() {} }\npub(crate) use a::{b, c as d};\n\
                const A: &[u8] = b\"\\\"//\";\nfn f<'a>(c: char) -> &'a str { r#\"\n\"# }\nimpl T for U {}\n";
    let trees = parse(text);
    let items = items(&trees);
    let shown: Vec<_> = items
        .iter()
        .map(|item| (item.keyword, item.name, item.is_public, item.is_test, item.trees[0].line))
        .collect();
    assert_eq!(
        shown,
        [
            ("mod", Some("tests"), false, true, 3),
            ("use", None, true, false, 4),
            ("const", Some("A"), false, false, 5),
            ("fn", Some("f"), false, false, 6),
            ("impl", None, false, false, 8),
        ]
    );
}
