//! The items of a module.

use super::lexer::{Token, Tree};

/// An item of a module.
pub(crate) struct Item<'t> {
    /// What kind of item it is: `fn`, `use`, `mod` and so on.
    pub(crate) keyword: &'t str,
    /// The name that it defines.
    pub(crate) name: Option<&'t str>,
    pub(crate) is_public: bool,
    /// Whether it exists only in unit tests.
    pub(crate) is_test: bool,
    /// The path that the attribute `path` states.
    pub(crate) path: Option<&'t str>,
    /// The tokens before the keyword: attributes and modifiers.
    pub(crate) attributes: &'t [Tree],
    /// All tokens from the keyword to the end.
    pub(crate) trees: &'t [Tree],
}

const KEYWORDS: [&str; 13] = [
    "mod",
    "use",
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "type",
    "static",
    "impl",
    "const",
    "macro_rules",
    "extern",
];

/// The items among the tokens of a module, or of a file.
pub(crate) fn items(mut trees: &[Tree]) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    while !trees.is_empty() {
        let (item, rest) = next_item(trees);
        items.extend(item);
        trees = rest;
    }
    items
}

fn next_item(mut trees: &[Tree]) -> (Option<Item<'_>>, &[Tree]) {
    let all = trees;
    let (mut is_public, mut is_test, mut path) = (false, false, None);
    loop {
        let Some(first) = trees.first() else { return (None, trees) };
        if first.is('#') {
            let at = if trees.get(1).is_some_and(|next| next.is('!')) { 2 } else { 1 };
            let attribute = trees.get(at).and_then(|group| group.group('[')).unwrap_or_default();
            is_test |= is_cfg_test(attribute);
            path = path.or(path_of(attribute));
            trees = &trees[at + 1..];
        } else if first.name() == Some("pub") {
            is_public = true;
            let is_restricted = trees.get(1).is_some_and(|next| next.group('(').is_some());
            trees = &trees[if is_restricted { 2 } else { 1 }..];
        } else if matches!(first.name(), Some("async" | "unsafe" | "default"))
            || (first.name() == Some("const") && trees.get(1).is_some_and(is_function))
        {
            trees = &trees[1..];
        } else {
            break;
        }
    }
    let attributes = &all[..all.len() - trees.len()];
    let keyword = trees[0].name().filter(|name| KEYWORDS.contains(name)).unwrap_or("macro call");
    let ends_in_semicolon = matches!(keyword, "use" | "const" | "static" | "type" | "extern");
    let end = trees
        .iter()
        .position(|tree| tree.is(';') || (!ends_in_semicolon && tree.group('{').is_some()));
    let (item, rest) = trees.split_at(end.map_or(trees.len(), |end| end + 1));
    let name_at = if keyword == "macro_rules" { 2 } else { 1 };
    let is_named = !matches!(keyword, "use" | "impl" | "extern" | "macro call");
    let name = item.get(name_at).and_then(Tree::name).filter(|_| is_named);
    (Some(Item { keyword, name, is_public, is_test, path, attributes, trees: item }), rest)
}

fn is_function(tree: &Tree) -> bool {
    matches!(tree.name(), Some("fn" | "unsafe" | "async" | "extern"))
}

/// Whether an attribute is `cfg(test)`.
fn is_cfg_test(attribute: &[Tree]) -> bool {
    let [cfg, condition] = attribute else { return false };
    let Some([condition]) = condition.group('(') else { return false };
    cfg.name() == Some("cfg") && condition.name() == Some("test")
}

/// The value of the attribute `path`.
fn path_of(attribute: &[Tree]) -> Option<&str> {
    let [path, _, value] = attribute else { return None };
    match &value.token {
        Token::Text(text) if path.name() == Some("path") => Some(text),
        _ => None,
    }
}
