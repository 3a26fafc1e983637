//! Chains of transformations: `after` names another one, and no chain is circular.

use syn::Ident;
use syn::ext::IdentExt as _;

use crate::ctxt::Ctxt;
use crate::model::Transformation;
use crate::suggest;

/// Reports and omits each `after` that names nothing or leads back to its start.
pub(crate) fn chains(cx: &Ctxt, transformations: &mut [Transformation]) {
    let chain: Vec<(String, Option<Ident>)> = transformations
        .iter()
        .map(|found| (found.accessor.name.as_str().to_owned(), found.options.after.clone()))
        .collect();
    for transformation in transformations {
        let Some(after) = &transformation.options.after else { continue };
        let own = transformation.accessor.name.as_str();
        if let Some(message) = wrong(own, &after.unraw().to_string(), &chain) {
            cx.error(after, message);
            transformation.options.after = None;
        }
    }
}

fn wrong(own: &str, first: &str, chain: &[(String, Option<Ident>)]) -> Option<String> {
    let names: Vec<&str> = chain.iter().map(|(name, _)| name.as_str()).collect();
    if first == own {
        return Some(format!("`{own}` cannot come after itself; name another transformation"));
    }
    if !names.contains(&first) {
        let others: Vec<&str> = names.iter().copied().filter(|name| *name != own).collect();
        return Some(match suggest::closest(first, &others) {
            Some(meant) => format!("there is no transformation `{first}`; did you mean `{meant}`?"),
            None => format!("there is no transformation `{first}` in this collection"),
        });
    }
    // In a circle, as many steps as there are transformations return to the start.
    let mut at = first.to_owned();
    for _ in chain {
        let next = chain.iter().find(|(name, _)| *name == at)?.1.as_ref()?;
        at = next.unraw().to_string();
        if at == own {
            return Some(format!(
                "`{own}` comes after `{first}`, which comes after `{own}`: it would never end; \
                 remove one `after`"
            ));
        }
    }
    None
}
