//! SOC tools at a node: real clients, and what they are known to do, over real connections.
#![allow(clippy::unwrap_used)]

mod clients;
mod doors;
mod ears;
mod floods;
mod leaks;
mod real;
mod watchers;

use certmesh_tests::{Bundle, Mesh, Node, Reply, Tool};
use serde_json::Value;

const ALL: &str = "/taxii2/mesh/collections/all";

/// A mesh of one member.
fn alone() -> Mesh {
    Mesh::raise(1)
}

/// Publishes so many objects; their texts.
#[track_caller]
fn publish(mesh: &Mesh, node: &Node, seed: u64, count: usize) -> Vec<String> {
    let bundle = Bundle::varied(seed, count);
    node.publish(&bundle.write(&mesh.path("")));
    bundle.objects
}

/// The ids in an envelope or a manifest.
fn ids(page: &Value) -> Vec<String> {
    let objects = page["objects"].as_array().expect("there is always a list of objects");
    objects.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
}

/// The id of an object's text.
fn id_of(text: &str) -> String {
    serde_json::from_str::<Value>(text).unwrap()["id"].as_str().unwrap().to_owned()
}

/// A page of objects.
#[track_caller]
fn page(tool: &Tool, query: &str) -> (Reply, Value) {
    let reply = tool.get(&format!("{ALL}/objects/?{query}")).expect(200);
    let page = reply.json();
    (reply, page)
}
