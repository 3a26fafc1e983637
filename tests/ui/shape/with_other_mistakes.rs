// A wrong shape does not hide mistakes in the attributes.

use metastore::Collection;

#[derive(Collection)]
#[collection(domian = "myapp")]
#[mutation(wordcount)]
enum Text {}

fn main() {}
