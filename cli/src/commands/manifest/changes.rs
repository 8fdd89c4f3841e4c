//! What changes from one version of a manifest to the next, a sentence each.

use certmesh_intel::display::safe;
use certmesh_wire::{Manifest, NodeEntry, NodeState};

use crate::table::count;
use crate::time;

/// The sentences, node by node. Empty if nothing changes but numbers.
pub(super) fn changes(before: &Manifest, after: &Manifest) -> Vec<String> {
    let find = |entry: &NodeEntry| before.nodes.iter().find(|old| old.node == entry.node);
    let mut all: Vec<_> = after
        .nodes
        .iter()
        .flat_map(|entry| match find(entry) {
            None => vec![format!("node {} JOINS, at {}", entry.node, places(entry))],
            Some(old) => node(old, entry),
        })
        .collect();
    let gone = before.nodes.iter().filter(|old| after.nodes.iter().all(|entry| entry.node != old.node));
    all.extend(gone.map(|old| format!("node {} is named no more, which retires it", old.node)));
    if before.expires_ms != after.expires_ms {
        let (from, to) = (time::shown(before.expires_ms), time::shown(after.expires_ms));
        all.push(format!("it expires {to}, in place of {from}"));
    }
    if before.roster != after.roster {
        all.push(format!(
            "it is signed under roster version {}, in place of {}",
            after.roster, before.roster
        ));
    }
    all
}

fn node(old: &NodeEntry, new: &NodeEntry) -> Vec<String> {
    let mut all = Vec::new();
    let id = new.node;
    match (old.state, new.state) {
        (old, new) if old == new => {}
        (_, NodeState::Live) => all.push(format!("node {id} is in use again")),
        (_, NodeState::Retired) => {
            all.push(format!("node {id} IS RETIRED: it signs no more, and what it signed stays"))
        }
        (_, NodeState::Cut) => all.push(cut(new)),
    }
    if new.state == NodeState::Live && old.addresses != new.addresses {
        all.push(format!("node {id} is at {}, in place of {}", places(new), places(old)));
    }
    if new.state != NodeState::Cut && old.checkpoints != new.checkpoints {
        let ends = new.checkpoints.iter().map(|at| format!("seq {}", at.seq)).collect::<Vec<_>>().join(", ");
        let logs = count(new.checkpoints.len() as u64, "log");
        all.push(format!("{logs} of node {id} vouched for, up to {ends}"));
    }
    all
}

fn cut(entry: &NodeEntry) -> String {
    let id = entry.node;
    let end = |at: &certmesh_wire::Checkpoint| format!("seq {} ({})", at.seq, at.record);
    match entry.checkpoints.iter().map(end).collect::<Vec<_>>().join(", ") {
        ends if ends.is_empty() => format!("node {id} IS CUT: nothing that it ever signed counts"),
        ends => format!("node {id} IS CUT: what it signed counts up to {ends}"),
    }
}

fn places(entry: &NodeEntry) -> String {
    match entry.addresses.iter().map(|text| safe(text, 256)).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "no address".to_owned(),
        some => some,
    }
}
