//! The dependencies as text, for Graphviz and for Mermaid.

use crate::graph::Graph;

/// Every resource in the order in which it would be made, with what it needs below it.
pub fn text(graph: &Graph) -> String {
    let mut text = String::new();
    for address in graph.order() {
        text += &format!("{address}\n");
        for need in graph.needs(address) {
            text += &format!("  needs {need}\n");
        }
    }
    text
}

/// For `dot`.
pub fn dot(graph: &Graph) -> String {
    let quoted = |address: &crate::lab::Address| serde_json::Value::from(address.to_string()).to_string();
    let mut text = "digraph lab {\n  rankdir = LR;\n  node [shape = box];\n".to_owned();
    for address in graph.order() {
        text += &format!("  {};\n", quoted(address));
    }
    for (needed, user) in graph.edges() {
        text += &format!("  {} -> {};\n", quoted(needed), quoted(user));
    }
    text + "}\n"
}

/// For Mermaid.
pub fn mermaid(graph: &Graph) -> String {
    let order = graph.order();
    let number = |address: &crate::lab::Address| order.iter().position(|other| *other == address).unwrap_or_default();
    let mut text = "flowchart LR\n".to_owned();
    for (index, address) in order.iter().enumerate() {
        // Mermaid takes HTML's entities in a quoted label, and no backslashes.
        text += &format!("  n{index}[\"{}\"]\n", address.to_string().replace('"', "#quot;"));
    }
    for (needed, user) in graph.edges() {
        text += &format!("  n{} --> n{}\n", number(needed), number(user));
    }
    text
}
