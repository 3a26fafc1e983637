//! The schema: the definition as constant data.

use std::num::NonZeroU64;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;

use super::span::runtime;
use crate::model::{
    Field, IndexKind, Item, Json, Members, Name, ObjectType, Schema, Transformation, Ttl,
    TtlOnUpdate,
};

impl ToTokens for Name {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.as_str().to_tokens(tokens);
    }
}

/// The value of `SCHEMA`.
pub(crate) fn schema(item: &Item, schema: &Schema, members: &Members) -> TokenStream {
    let runtime = runtime(item, Span::call_site());
    let Schema { domain, app, name, .. } = schema;
    let object_type = match schema.object_type {
        ObjectType::Config => quote!(Config),
        ObjectType::Settings => quote!(Settings),
        ObjectType::State => quote!(State),
        ObjectType::Texts => quote!(Texts),
    };
    let ttl = schema.ttl.map(|ttl| match ttl {
        Ttl::Never => quote!(.no_ttl()),
        Ttl::Millis(millis) => {
            let millis = Literal::u64_suffixed(millis.get());
            quote!(.ttl_ms(#millis))
        }
    });
    let keep = match schema.ttl_on_update {
        TtlOnUpdate::Keep => Some(quote!(.keep_ttl_on_update())),
        TtlOnUpdate::Reset => None,
    };
    let versions = schema.keep.map(|versions| {
        let versions = Literal::u32_suffixed(versions.get());
        quote!(.keep(#versions))
    });
    let keep_for = schema.keep_for.map(|millis| {
        let millis = Literal::u64_suffixed(millis.get());
        quote!(.keep_for_ms(#millis))
    });
    let audit = schema.audit.map(|on| quote!(.audit(#on)));
    let deny = schema.denies_unknown.then(|| quote!(.deny_unknown_fields()));
    let reads = schema.reads_otherwise.then(|| quote!(.reads_otherwise()));
    let number = (schema.number > 1).then(|| {
        let number = Literal::u32_suffixed(schema.number);
        quote!(.version(#number))
    });
    let fingerprint = Literal::u64_suffixed(schema.fingerprint);
    let tag = schema.tag.as_ref().map(|tag| quote!(.tag(#tag)));
    let reads_back = schema.reads_back.then(|| quote!(.reads_back()));
    let lists = lists(item, members);
    quote! {
        #runtime::CollectionSchema::new(
            #domain, #app, #name, #runtime::ObjectType::#object_type
        ) #ttl #keep #versions #keep_for #audit #deny #tag #reads_back #reads #number .fingerprint(#fingerprint) #lists
    }
}

/// A schema for a collection whose own is wrong, so that the rest of the code still compiles.
pub(crate) fn nameless(item: &Item, members: &Members) -> TokenStream {
    let runtime = runtime(item, Span::call_site());
    let lists = lists(item, members);
    quote! {
        #runtime::CollectionSchema::new("", "", "", #runtime::ObjectType::Texts) #lists
    }
}

fn lists(item: &Item, members: &Members) -> TokenStream {
    let fields = members.fields.iter().map(|field| self::field(item, field));
    let mutations = members.mutations.iter().map(|mutation| &mutation.name);
    let transformations = members.transformations.iter().map(|found| transformation(item, found));
    let fields = list("fields", fields);
    let mutations = list("mutations", mutations);
    let transformations = list("transformations", transformations);
    quote!(#fields #mutations #transformations)
}

fn list<T: ToTokens>(method: &str, values: impl Iterator<Item = T>) -> Option<TokenStream> {
    let mut values = values.peekable();
    values.peek()?;
    let method = Ident::new(method, Span::call_site());
    Some(quote!(.#method(&[#(#values),*])))
}

fn field(item: &Item, field: &Field) -> TokenStream {
    let runtime = runtime(item, Span::call_site());
    let rust = field.ident.unraw().to_string();
    let Json::Named { name, index } = &field.json else {
        return quote!(#runtime::flattened(#rust));
    };
    let index = index.as_ref().map(|index| match index.kind {
        IndexKind::Equality => quote!(Equality),
        IndexKind::Range => quote!(Range),
        IndexKind::Unique => quote!(Unique),
    });
    let index = index.map(|index| quote!(.indexed(#runtime::IndexKind::#index)));
    let aliases = &field.aliases;
    let aliases = (!aliases.is_empty()).then(|| quote!(.aliases(&[#(#aliases),*])));
    let set = field.set.map(|level| quote!(.set(#level)));
    quote!(#runtime::field(#rust, #name) #index #aliases #set)
}

fn transformation(item: &Item, transformation: &Transformation) -> TokenStream {
    let runtime = runtime(item, Span::call_site());
    let name = &transformation.accessor.name;
    let options = &transformation.options;
    let millis = |method: &str, millis: Option<NonZeroU64>| {
        let method = Ident::new(method, Span::call_site());
        let millis = millis.map(|millis| Literal::u64_suffixed(millis.get()));
        millis.map(|millis| quote!(.#method(#millis)))
    };
    let timeout = millis("timeout_ms", options.timeout);
    let retries = options.retries.map(|retries| {
        let retries = Literal::u32_suffixed(retries);
        quote!(.retries(#retries))
    });
    let retry_delay = millis("retry_delay_ms", options.retry_delay);
    let result_ttl = millis("result_ttl_ms", options.result_ttl);
    let inline = options.inline.then(|| quote!(.inline()));
    let after = options.after.as_ref().map(|after| {
        let after = after.unraw().to_string();
        quote!(.after(#after))
    });
    let on_create = options.on_create.then(|| quote!(.on_create()));
    let on_update = options.on_update.then(|| quote!(.on_update()));
    quote! {
        #runtime::TransformationSchema::new(#name)
            #timeout #retries #retry_delay #result_ttl #inline #after #on_create #on_update
    }
}
