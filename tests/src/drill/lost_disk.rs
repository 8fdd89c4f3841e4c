//! A node loses its disk.
//!
//! A key whose log is gone must not sign again: nobody can say what it has signed. So the member
//! retires it and names a fresh one, and the node gets every log back from the others, that of its
//! own old key too.

use std::fs;

use certmesh_wire::{Consent, NodeEntry, NodeId, NodeState, SecretKey, SignedManifest};

use super::story::count;
use super::{Stage, Story, Verdict};
use crate::bundle::Bundle;
use crate::holdings::log_for_all;
use crate::mesh::Mesh;
use crate::node::Node;
use crate::program::certmesh;

/// Objects that each member publishes before and after.
const OBJECTS: usize = 40;

pub(super) fn run(stage: &Stage, story: &Story) -> Verdict {
    let mesh = Mesh::raise_at(&stage.folder, stage.nodes, &[]);
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    let victim = nodes[stage.nodes - 1];
    let name = victim.member();
    let mut records = publish_everywhere(&mesh, stage.seed);
    mesh.wait_for_objects((OBJECTS * nodes.len()) as u64);
    let old = victim.node_id();
    let old_log = nodes[0].holdings().heads.get(&log_for_all(name, old)).copied();
    story.tell(format_args!(
        "{} members are up, and each has published {}",
        nodes.len(),
        count(OBJECTS, "object")
    ));

    victim.kill();
    fs::remove_dir_all(victim.data_dir()).unwrap();
    story.tell(format_args!("the disk of {name} is gone, and all that it held"));
    let new = renew_key(victim);
    story.tell(format_args!("{name} makes a node key anew and retires the lost one in a manifest"));
    let manifest = renew_manifest(&mesh, victim, old, new);
    // Beside the one that it follows: a node that starts from nothing needs the whole chain.
    let file = victim.manifests().join(format!("{}-1.cbor", name.to_lowercase()));
    fs::write(&file, &manifest).unwrap();
    nodes[0].run(["manifest".as_ref(), "submit".as_ref(), file.as_os_str()]).done();
    story.tell(format_args!(
        "the operator of {} has submitted it, and it travels to the others",
        nodes[0].member()
    ));
    victim.start_to_sign();
    story.tell(format_args!("{name} is back, and signs with its fresh key"));

    let mut verdict = Verdict::default();
    mesh.wait_for_objects((OBJECTS * nodes.len()) as u64);
    let held = victim.holdings();
    verdict.claim(
        old_log.is_some() && held.heads.get(&log_for_all(name, old)).copied() == old_log,
        format_args!("{name} got its own old log back, to the last record"),
    );
    story.tell(format_args!("{name} has got every log back: {}", count(held.records.len(), "record")));
    records.extend(publish_everywhere(&mesh, stage.seed + 1));
    let holdings = verdict.claim_agreement(&nodes, &[]);
    let lost = records.iter().filter(|id| !holdings.has_published(id)).count();
    verdict.claim(
        lost == 0,
        format_args!("of {} published before and after, {lost} are lost", count(records.len(), "record")),
    );
    verdict.claim(
        holdings.heads.contains_key(&log_for_all(name, new)),
        format_args!("{name} publishes again, under its fresh key"),
    );
    verdict.claim_no_fork(&nodes);
    verdict
}

/// Each member publishes a bundle; the records that they became.
fn publish_everywhere(mesh: &Mesh, seed: u64) -> Vec<String> {
    let publish = |(at, node): (usize, &Node)| {
        let bundle = Bundle::bulky((4 << 40) | (seed << 8) | at as u64, OBJECTS, 0);
        node.publish(&bundle.write(&mesh.path("")))
    };
    mesh.nodes().iter().enumerate().flat_map(publish).collect()
}

/// Puts another key in the place of a node's.
fn renew_key(node: &Node) -> NodeId {
    fs::remove_file(node.key_path()).unwrap();
    let _ = fs::remove_file(node.stop_note());
    certmesh(["key".as_ref(), "new".as_ref(), node.key_path().as_os_str()]).done();
    node.secret_key().node_id()
}

/// The next version of the member's manifest: the old key retired, the new one live at its addresses.
fn renew_manifest(mesh: &Mesh, node: &Node, old: NodeId, new: NodeId) -> Vec<u8> {
    let code = node.member().to_lowercase();
    let current = fs::read(node.manifests().join(format!("{code}.cbor"))).unwrap();
    let current = SignedManifest::decode(&current).unwrap();
    let mut next = current.unverified().clone();
    (next.version, next.prev) = (next.version + 1, Some(current.id()));
    let consent = Consent::sign(next.mesh, next.member, &node.secret_key());
    let entry = next.nodes.iter_mut().find(|entry| entry.node == old).expect("its manifest names it");
    entry.state = NodeState::Retired;
    let live = NodeEntry { node: new, state: NodeState::Live, consent, ..entry.clone() };
    next.nodes.push(live);
    next.nodes.sort_by_key(|entry| entry.node);
    let root = fs::read_to_string(mesh.path(&format!("roots/{code}.key"))).unwrap();
    SignedManifest::sign(next, &SecretKey::from_pem(&root).unwrap()).unwrap().encode()
}
