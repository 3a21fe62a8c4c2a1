//! Order, cycles and selections, from lab files.

use super::Graph;
use crate::config::Sources;
use crate::kinds;
use crate::lab::{self, Address};

/// A lab of files on one node: each with the files that it comes after.
fn graph(files: &[(&str, &[&str])]) -> Graph {
    let mut text = "[lab]\nname = \"test\"\n[nodes.n5]\naddress = \"192.168.4.5\"\n".to_owned();
    for (name, after) in files {
        let after: Vec<String> = after.iter().map(|name| format!("'nodes.n5.files.\"/{name}\"'")).collect();
        text += &format!("[nodes.n5.files.\"/{name}\"]\ncontent = \"\"\nafter = [{}]\n", after.join(", "));
    }
    let loaded = lab::load(&Sources::memory([("homelab.toml", text.as_str())]));
    Graph::new(&kinds::declare(&loaded.lab.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))))
}

fn address(name: &str) -> Address {
    Address::new(["nodes", "n5", "files", &format!("/{name}")])
}

fn names<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Vec<String> {
    addresses.into_iter().map(|address| address.segments()[3][1..].to_owned()).collect()
}

#[test]
fn what_is_needed_stands_before_what_needs_it_and_equals_stand_by_address() {
    let graph = graph(&[("a", &["d"]), ("b", &[]), ("c", &["a"]), ("d", &[])]);
    assert_eq!(names(graph.order()), ["b", "d", "a", "c"]);
}

#[test]
fn the_order_does_not_depend_on_the_order_of_the_file() {
    let one = graph(&[("a", &["c"]), ("b", &["c"]), ("c", &[])]);
    let other = graph(&[("c", &[]), ("b", &["c"]), ("a", &["c"])]);
    assert_eq!(names(one.order()), names(other.order()));
}

#[test]
fn a_cycle_is_told_as_a_path_with_the_place_of_each_edge() {
    let cycles = graph(&[("a", &["c"]), ("b", &["a"]), ("c", &["b"]), ("d", &["a"])]).cycles();
    let [cycle] = cycles.as_slice() else { panic!("{cycles:#?}") };
    let path = "nodes.n5.files.\"/a\" -> nodes.n5.files.\"/b\" -> nodes.n5.files.\"/c\" -> nodes.n5.files.\"/a\"";
    assert!(cycle.summary.contains(path), "{}", cycle.summary);
    let lines: Vec<u32> = cycle.labels.iter().map(|label| label.place.line).collect();
    assert_eq!(lines, [10, 13, 7], "where b, c and a say what they come after");
}

#[test]
fn each_of_two_cycles_is_told() {
    assert_eq!(graph(&[("a", &["b"]), ("b", &["a"]), ("c", &["d"]), ("d", &["c"])]).cycles().len(), 2);
    assert!(graph(&[("a", &["b"]), ("b", &[])]).cycles().is_empty());
}

#[test]
fn a_target_takes_what_it_needs_along_and_an_exclusion_what_needs_it() {
    let graph = graph(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[])]);
    assert_eq!(names(&graph.with_needs(&[address("b")])), ["a", "b"]);
    assert_eq!(names(&graph.with_users(&[address("b")])), ["b", "c"]);
    assert_eq!(names(&graph.with_needs(&[Address::new(["nodes", "n5"])])).len(), 4);
}
