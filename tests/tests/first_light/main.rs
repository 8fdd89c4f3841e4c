//! First light: what one CERT publishes reaches every other, whole and unchanged, whatever dies on
//! the way, and nothing else does. Real processes on loopback.
#![allow(clippy::unwrap_used)]

mod crashes;
mod desk;
mod outsiders;
mod receipts;
mod spreading;
mod values;

use certmesh_api::ObjectLine;
use certmesh_tests::{Mesh, Node};

/// Asserts that a node shows exactly these objects, each once, in a strict order of arrival.
#[track_caller]
fn shows_exactly(node: &Node, expected: &[String]) {
    let found = node.query(&[]);
    let member = node.member();
    assert!(
        found.windows(2).all(|pair| pair[0].arrival > pair[1].arrival),
        "{member}: arrivals are not strictly increasing"
    );
    let mut texts: Vec<_> = found.iter().map(|line| line.object.get()).collect();
    texts.sort_unstable();
    assert_eq!(texts.len(), expected.len(), "{member} shows another number of objects");
    for (shown, published) in texts.iter().zip(expected) {
        assert_eq!(shown, published, "{member} shows another text");
    }
}

/// Asserts that every node shows exactly these objects.
#[track_caller]
fn all_show_exactly(mesh: &Mesh, mut expected: Vec<String>) {
    expected.sort();
    mesh.nodes().iter().for_each(|node| shows_exactly(node, &expected));
}

/// Asserts that a query on this node finds one object, published by this member.
#[track_caller]
fn finds_one_of(node: &Node, value: &str, publisher: &Node) -> ObjectLine {
    let mut found = node.query(&[value]);
    assert_eq!(found.len(), 1, "{} finds {found:?} for {value}", node.member());
    let line = found.remove(0);
    assert_eq!((&*line.member, &*line.node_id), (publisher.member(), &*publisher.node_id().to_string()));
    line
}
