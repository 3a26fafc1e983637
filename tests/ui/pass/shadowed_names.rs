// The expansion means the standard library's types and the runtime's, whatever is in scope.

#![allow(dead_code)]

mod metastore {}
mod core {}
mod std {}
struct Option;
struct Some;
struct Ok;
struct Result;
struct String;
struct Store;
struct Error;
struct Repo;
trait From {}
trait Deref {}
trait Clone {}
trait Default {}

#[derive(
    ::std::clone::Clone,
    ::serde::Serialize,
    ::serde::Deserialize,
    ::validator::Validate,
    ::metastore::Collection,
)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(length -> usize)]
#[transformation(summarize -> u8)]
struct Text {
    content: ::std::string::String,
}

impl Text {
    fn length(&self) -> usize {
        self.content.len()
    }
}

#[derive(::metastore::Repository)]
struct MyRepo {
    texts: ::metastore::Repo<Text>,
}

fn main() {}
