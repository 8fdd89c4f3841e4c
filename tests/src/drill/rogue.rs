//! A member's node key signs two histories: half of the mesh is told one, half the other.
//!
//! Whichever each node met first, all of them have to end with the log as it was before, to show the
//! fork, and to keep what nobody doubts.

use certmesh_wire::{MeshId, RecordId, SecretKey};

use super::story::count;
use super::{Stage, Story, Verdict};
use crate::bundle::Bundle;
use crate::holdings::log_for_all;
use crate::library::Library;
use crate::mesh::Mesh;
use crate::node::Node;
use crate::outsider::Outsider;
use crate::patience::eventually;
use crate::pen::Pen;

/// Objects that each member publishes while all is well.
const OBJECTS: usize = 20;
/// Records of each false history.
const RECORDS: usize = 5;

pub(super) fn run(stage: &Stage, story: &Story) -> Verdict {
    let mesh = Mesh::raise_at(&stage.folder, stage.nodes, &[]);
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    let (rogue, honest) = nodes.split_last().expect("a mesh has nodes");
    let name = rogue.member();
    publish_everywhere(&mesh, stage.seed);
    mesh.wait_for_objects((OBJECTS * nodes.len()) as u64);
    story.tell(format_args!(
        "{} members are up, and each has published {}",
        nodes.len(),
        count(OBJECTS, "object")
    ));
    rogue.stop();
    let log = log_for_all(rogue.member(), rogue.node_id());
    let before = honest[0].holdings();
    let (next, head) = before.heads[&log];

    story
        .tell(format_args!("somebody with the node key of {name} signs two histories from record {next} on"));
    let (here, there) = honest.split_at(honest.len() / 2);
    let pen = Pen::new(rogue.member(), rogue.secret_key(), mesh.id()).behind(next, head);
    let faces = [
        Face::show(&mesh, rogue.secret_key(), mesh.id(), &pen, stage.seed + 1, here),
        Face::show(&mesh, rogue.secret_key(), mesh.id(), &pen, stage.seed + 2, there),
    ];
    for (face, audience) in faces.iter().zip([here, there]) {
        let names: Vec<_> = audience.iter().map(|node| node.member()).collect();
        story.tell(format_args!("told to {}: the one that goes on with {}", names.join(", "), face.first));
    }
    for node in honest {
        eventually(&format!("{} to find the fork", node.member()), || match node.forks().as_slice() {
            [] => Err(format!("it holds {:?} (records, objects)", node.holds())),
            _ => Ok(()),
        });
        story.tell(format_args!("{} has found it out", node.member()));
    }
    drop(faces);

    let mut verdict = Verdict::default();
    let found: Vec<_> = honest.iter().map(|node| node.forks()).collect();
    let right = found.iter().all(|forks| {
        matches!(&forks[..], [fork] if fork.member == name && fork.log == log.to_string() && fork.seq == next)
    });
    verdict.claim(right, format_args!("`certmesh forks` shows it on every node: {name}, record {next}"));
    let holdings = verdict.claim_agreement(honest, &[]);
    verdict.claim(
        holdings.heads.get(&log) == Some(&(next, head)),
        format_args!("{name}'s log ends below the fork"),
    );
    verdict.claim(holdings.lacks(before.records.keys()) == 0, "what came before it stays, on every node");
    let bundle = Bundle::bulky((5 << 40) | stage.seed, 1, 0);
    let record = honest[0].publish(&bundle.write(&stage.folder));
    let holdings = verdict.claim_agreement(honest, &[]);
    let goes_on = record.iter().all(|id| holdings.has_published(id));
    verdict.claim(goes_on, "the others go on publishing as if nothing had happened");
    verdict
}

fn publish_everywhere(mesh: &Mesh, seed: u64) {
    for (at, node) in mesh.nodes().iter().enumerate() {
        let bundle = Bundle::bulky((6 << 40) | (seed << 8) | at as u64, OBJECTS, 0);
        node.publish(&bundle.write(&mesh.path("")));
    }
}

/// One of the two histories, and the endpoint that shows it to a part of the mesh.
struct Face {
    /// The id of its first record.
    first: RecordId,
    _endpoint: Outsider,
}

impl Face {
    fn show(mesh: &Mesh, key: SecretKey, id: MeshId, pen: &Pen, seed: u64, audience: &[&Node]) -> Self {
        let mut pen = pen.clone();
        let objects = Bundle::bulky((7 << 40) | seed, RECORDS, 0).objects;
        let written: Vec<_> = objects.chunks(1).map(|objects| pen.write(objects)).collect();
        let mut peers = mesh.addresses();
        peers.retain(|node, _| audience.iter().any(|listener| listener.node_id() == *node));
        let library = Library::default();
        let endpoint = Outsider::start(key, id, peers, library.clone());
        endpoint.wait_for(&audience.iter().map(|node| node.node_id()).collect::<Vec<_>>());
        let first = written[0].record.id();
        library.add(written.iter().cloned());
        written.iter().for_each(|one| endpoint.gossip(one.parcel()));
        Self { first, _endpoint: endpoint }
    }
}
