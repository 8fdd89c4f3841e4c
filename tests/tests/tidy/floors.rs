//! The floors of the house: dependencies point down, and each wrapped crate is named in one room.

use std::process::Command;

use serde_json::Value;

use crate::none;
use crate::tree::top;

/// What each crate may build on. `store`, `mesh` and `cli` never meet; only `node` and `tests` see
/// more than their own column.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("certmesh-wire", &[]),
    ("certmesh-intel", &[]),
    ("certmesh-fuzz", &["certmesh-intel"]),
    ("certmesh-sim", &["certmesh-engine", "certmesh-wire"]),
    ("certmesh-engine", &["certmesh-wire", "certmesh-intel"]),
    ("certmesh-api", &["certmesh-wire", "certmesh-intel"]),
    ("certmesh-store", &["certmesh-engine", "certmesh-wire", "certmesh-intel"]),
    ("certmesh-mesh", &["certmesh-engine", "certmesh-wire"]),
    ("certmesh-cli", &["certmesh-api", "certmesh-wire", "certmesh-intel"]),
    (
        "certmesh-node",
        &[
            "certmesh-api",
            "certmesh-engine",
            "certmesh-intel",
            "certmesh-mesh",
            "certmesh-store",
            "certmesh-wire",
        ],
    ),
    (
        "certmesh-tests",
        &[
            "certmesh-api",
            "certmesh-engine",
            "certmesh-intel",
            "certmesh-mesh",
            "certmesh-store",
            "certmesh-wire",
        ],
    ),
];

/// Who alone may name a crate, or a family of crates (`libp2p` covers `libp2p-stream`).
const WRAPPED: [(&str, &str); 4] = [
    ("rocksdb", "certmesh-store"),
    ("librocksdb-sys", "certmesh-store"),
    ("libp2p", "certmesh-mesh"),
    ("serde_cbor", "certmesh-wire"),
];

/// A line of a package's manifest: the package, and what it depends on (for any purpose).
type Edge = (String, String);

fn edges() -> Vec<Edge> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(top());
    let metadata: Value = serde_json::from_slice(&cargo.output().unwrap().stdout).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let of = |package: &Value| -> Vec<Edge> {
        list(&package["dependencies"]).iter().map(|to| (name(package), name(to))).collect()
    };
    list(&metadata["packages"]).iter().flat_map(of).collect()
}

fn broken_floors(edges: &[Edge]) -> Vec<String> {
    let house = edges.iter().filter(|(_, to)| to.starts_with("certmesh-"));
    let allowed = |from: &str| MAY_USE.iter().find(|(name, _)| *name == from).map(|(_, uses)| *uses);
    let fault = |(from, to): &Edge| match allowed(from) {
        Some(uses) if uses.contains(&to.as_str()) => None,
        Some(uses) => {
            Some(format!("{from} depends on {to}; it may build on {uses:?} alone: move the shared part down"))
        }
        None => Some(format!("{from} stands on no floor: add it to MAY_USE and node/ARCHITECTURE.md")),
    };
    house.filter_map(fault).collect()
}

fn leaking_wrappers(edges: &[Edge]) -> Vec<String> {
    let owner = |to: &str| {
        let covers =
            |name: &str| to == name || to.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
        WRAPPED.iter().find(|(name, _)| covers(name)).map(|(_, owner)| *owner)
    };
    let fault = |(from, to): &Edge| {
        let owner = owner(to).filter(|owner| owner != from)?;
        Some(format!(
            "{from} names {to}: only {owner} may, so that it can be replaced there; use {owner}'s types"
        ))
    };
    edges.iter().filter_map(fault).collect()
}

fn edge(from: &str, to: &str) -> Edge {
    (from.to_owned(), to.to_owned())
}

#[test]
fn dependencies_point_down() {
    let edges = edges();
    assert!(edges.contains(&edge("certmesh-node", "certmesh-store")), "cargo metadata shows no workspace");
    none(broken_floors(&edges));
}

#[test]
fn each_wrapped_crate_is_named_in_one_room() {
    let edges = edges();
    assert!(edges.contains(&edge("certmesh-store", "rocksdb")), "cargo metadata shows no dependencies");
    none(leaking_wrappers(&edges));
}

#[test]
fn a_broken_floor_is_found() {
    for (from, to) in [
        ("certmesh-cli", "certmesh-store"),
        ("certmesh-store", "certmesh-mesh"),
        ("certmesh-wire", "certmesh-intel"),
        ("certmesh-attic", "certmesh-wire"),
    ] {
        assert_eq!(broken_floors(&[edge(from, to)]).len(), 1, "{from} on {to}");
    }
}

#[test]
fn a_leak_is_found() {
    for (from, to) in [
        ("certmesh-node", "rocksdb"),
        ("certmesh-engine", "serde_cbor"),
        ("certmesh-node", "libp2p"),
        ("certmesh-tests", "libp2p-stream"),
    ] {
        assert_eq!(leaking_wrappers(&[edge(from, to)]).len(), 1, "{from} on {to}");
    }
    assert!(leaking_wrappers(&[edge("certmesh-mesh", "libp2p-stream")]).is_empty());
}
