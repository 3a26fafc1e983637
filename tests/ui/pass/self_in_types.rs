// `Self` in a field or a result is the document, wherever the type is put.

use metastore::{Collection, Patch, Repo};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "nodes", object_type = texts)]
#[mutation(children -> Vec<Self>)]
#[transformation(parents -> Option<(Self, [Self; Self::MOST])>)]
struct Node {
    children: Vec<Self>,
}

impl Node {
    const MOST: usize = 2;

    fn children(&self) -> Vec<Self> {
        self.children.clone()
    }
}

fn main() {
    let mut node = Node {
        children: Vec::new(),
    };
    Node::patch().children(vec![node.clone()]).apply(&mut node);
    let children: Vec<Node> = Node::CHILDREN.apply(&node);
    assert_eq!(children.len(), 1);
    let _ = async |nodes: Repo<Node>| -> metastore::Result<Vec<Node>> {
        let _: Option<Option<(Node, [Node; 2])>> = nodes.item("id").parents().result().await?;
        nodes.item("id").children().run().await
    };
}
