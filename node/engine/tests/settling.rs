//! Checkpoints: what a member's manifest says of a forked log, and what every node makes of it.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use certmesh_engine::store::{Batch, Family, MemoryStore, Order, Readable, Store, StoreError, Visit};
use certmesh_engine::sync::frontier;
use certmesh_engine::{Document, Membership, Query, counts, forks};
use certmesh_wire::{Checkpoint, Manifest, NodeState, Parcel, Record, RosterLimits, SignedManifest};
use mesh::{MY, Peer, SG, VN, indicator, manifest, membership, root_key, roster};

/// SG's two histories: `common` publications, and then these many on each branch.
fn branches(common: u32, apart: [u32; 2]) -> [Vec<Parcel>; 2] {
    let (mut one, mut other) = (Peer::new(SG), Peer::new(SG));
    let mut both = Vec::new();
    for n in 0..common {
        both.extend(one.publish(&[&indicator(n, "common.example", 2021)]));
    }
    other.enter(&both);
    let branch = |peer: &mut Peer, first: u32, count: u32| {
        let publish = |n| peer.publish(&[&indicator(first + n, "branch.example", 2021)]);
        both.iter().cloned().chain((0..count).flat_map(publish)).collect()
    };
    [branch(&mut one, 1_000, apart[0]), branch(&mut other, 2_000, apart[1])]
}

/// The mesh once SG has vouched for this record.
fn vouching_for(parcel: &Parcel) -> Membership {
    let record = Record::decode(parcel.record()).unwrap();
    let at = Checkpoint { log: record.header().log, seq: record.header().seq, record: record.id() };
    let roster = roster(RosterLimits::default());
    let mesh = roster.mesh();
    let manifests = (0..3).map(|member| {
        manifest(mesh, member, NodeState::Live, if member == SG { vec![at] } else { Vec::new() })
    });
    Membership::new(roster, manifests).unwrap()
}

fn seen(peer: &Peer) -> Vec<String> {
    let mut seen: Vec<_> = peer.find(&Query::default()).into_iter().map(|object| object.json).collect();
    seen.sort();
    seen
}

fn digest(peer: &Peer) -> [u8; 32] {
    frontier(peer.store(), peer.engine.membership(), "MY".parse().unwrap()).unwrap().digest()
}

/// The node after a restart with what SG vouches for, and with everything done that it has to do.
fn restarted(member: u8, store: &Arc<MemoryStore>, vouched: &Parcel) -> Peer {
    let mut peer = Peer::with(vouching_for(vouched), member, Arc::clone(store));
    peer.resume();
    peer
}

fn rounds(peers: &mut [Peer]) {
    for _ in 0..4 {
        for asking in 0..peers.len() {
            for answering in (0..peers.len()).filter(|other| *other != asking) {
                let (one, other) = two(peers, asking, answering);
                one.sync_from(other);
            }
        }
    }
}

fn two(peers: &mut [Peer], one: usize, other: usize) -> (&mut Peer, &Peer) {
    let (low, high) = peers.split_at_mut(one.max(other));
    if one < other { (&mut low[one], &high[0]) } else { (&mut high[0], &low[other]) }
}

#[test]
fn the_vouched_branch_returns_on_every_node_whichever_it_had() {
    for (apart, vouched) in [([3, 3], 3), ([5, 2], 4), ([2, 400], 2), ([400, 3], 350), ([4, 4], 1)] {
        let [right, wrong] = branches(2, apart);
        let at = &right[2 + vouched];
        let (mut my, mut vn, mut sg) = (Peer::new(MY), Peer::new(VN), Peer::new(SG));
        my.enter(&right);
        vn.enter(&wrong);
        sg.enter(&right);
        let whole = seen(&my);
        my.sync_from(&vn);
        vn.sync_from(&my);
        sg.sync_from(&vn);
        assert_eq!(forks(vn.store()).unwrap().len(), 1);
        assert_eq!((seen(&my).len(), seen(&vn).len()), (2, 2), "all end below the fork");
        let mut peers =
            [restarted(MY, &my.store, at), restarted(VN, &vn.store, at), restarted(SG, &sg.store, at)];
        rounds(&mut peers);
        for peer in &peers {
            assert_eq!((digest(peer), seen(peer)), (digest(&peers[0]), whole.clone()), "{apart:?} {vouched}");
            assert_eq!(counts(peer.store()).unwrap(), counts(peers[0].store()).unwrap());
            assert_eq!(counts(peer.store()).unwrap().objects, whole.len() as u64);
        }
    }
}

#[test]
fn a_node_that_knows_of_the_checkpoint_first_ends_on_the_vouched_branch() {
    let [right, wrong] = branches(1, [4, 2]);
    let at = &right[4];
    for first in [&right, &wrong] {
        let mut my = Peer::with(vouching_for(at), MY, Arc::default());
        let mut vn = Peer::with(vouching_for(at), VN, Arc::default());
        my.enter(first);
        my.enter(&right);
        my.enter(&wrong);
        vn.enter(&right);
        let mut peers = [my, vn];
        rounds(&mut peers);
        assert_eq!((digest(&peers[0]), seen(&peers[0])), (digest(&peers[1]), seen(&peers[1])));
        assert_eq!(seen(&peers[0]).len(), 5);
    }
}

#[test]
fn the_log_goes_on_above_its_checkpoint_and_can_be_disputed_again() {
    let [right, wrong] = branches(1, [3, 1]);
    let at = &right[3];
    let mut my = Peer::new(MY);
    my.enter(&right[..4]);
    my.enter(&wrong);
    let mut my = restarted(MY, &my.store, at);
    my.enter(&right);
    assert_eq!(seen(&my).len(), 4);
    let mut twin = Peer::new(SG);
    twin.enter(&right[..4]);
    let other = twin.publish(&[&indicator(3_000, "above.example", 2021)]);
    my.enter(&other);
    assert_eq!(seen(&my).len(), 3, "the head is below the fork above the checkpoint");
    assert_eq!(forks(my.store()).unwrap().into_values().next().unwrap().seq, 4);
}

#[test]
fn a_long_tail_goes_and_comes_in_portions_and_a_restart_between_them_loses_nothing() {
    let [right, wrong] = branches(1, [1_500, 1]);
    let mut my = Peer::new(MY);
    for part in right.chunks(500) {
        my.enter(part);
    }
    let whole = seen_count(&my);
    let mut steps = certmesh_engine::Steps::default();
    let origin = certmesh_engine::Origin::Pull(my.node_id());
    my.engine.enter(&*my.store, origin, wrong, 1, &mut steps, |candidates| {
        candidates.into_iter().map(|(prechecked, body)| prechecked.verify(body)).collect()
    });
    my.engine.dispute(&*my.store, &mut steps).unwrap();
    certmesh_engine::commit(&*my.store, steps).unwrap();
    assert!(my.engine.has_more());
    let mut portions = 0;
    loop {
        let mut again = Peer::with(membership(), MY, Arc::clone(&my.store));
        let mut steps = certmesh_engine::Steps::default();
        if !again.engine.resume(&*again.store, 1, &mut steps).unwrap() {
            break;
        }
        certmesh_engine::commit(&*again.store, steps).unwrap();
        portions += 1;
    }
    assert!(portions >= 3, "{portions}");
    assert_eq!(counts(my.store()).unwrap().objects, 1);
    let back = restarted(MY, &my.store, &right[1_000]);
    assert_eq!(seen_count(&back), whole);
    assert_eq!(counts(back.store()).unwrap().records, right.len() as u64);
}

/// A store that counts how often it is read.
struct Counting<'a>(&'a MemoryStore, AtomicUsize);

impl Readable for Counting<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.get(family, key)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.0.scan(family, from, to, order, visit)
    }
}

impl Store for Counting<'_> {
    fn freeze(&self, look: &mut dyn FnMut(&dyn Readable)) -> Result<(), StoreError> {
        self.0.freeze(look)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        self.0.commit(batch)
    }
}

/// SG vouches for this record in a manifest that comes live; what else it says makes it another document.
fn live_checkpoint(parcel: &Parcel, expires_ms: u64) -> Document {
    let vouched = vouching_for(parcel).manifests()[1].unverified().clone();
    let first = membership().manifests()[1].clone();
    let next = Manifest { version: 1, prev: Some(first.id()), expires_ms, ..vouched };
    Document::Manifest(SignedManifest::sign(next, &root_key(SG)).unwrap())
}

#[test]
fn a_document_makes_nobody_walk_a_long_branch_before_it_counts() {
    let [right, wrong] = branches(1, [2_500, 1]);
    let mut my = Peer::new(MY);
    right.chunks(500).for_each(|part| drop(my.enter(part)));
    let whole = seen(&my);
    my.enter(&wrong);
    assert_eq!(seen_count(&my), 1);
    let store = Arc::clone(&my.store);
    let counting = Counting(&store, AtomicUsize::new(0));
    let mut steps = certmesh_engine::Steps::default();
    let checkpoint = live_checkpoint(right.last().unwrap(), 7);
    my.engine.enter_documents(&counting, vec![checkpoint], &mut steps).unwrap();
    certmesh_engine::commit(&*my.store, steps).unwrap();
    let reads = counting.1.load(Ordering::Relaxed);
    assert!(reads < 50, "{reads} reads for one document");
    // A portion is followed, and other documents, which come in between, begin nothing anew.
    let mut portions = 0;
    while my.engine.has_more() {
        let mut steps = certmesh_engine::Steps::default();
        my.engine.resume(&*my.store, 1, &mut steps).unwrap();
        certmesh_engine::commit(&*my.store, steps).unwrap();
        portions += 1;
        assert!(portions < 20, "it comes to an end");
        let other = manifest_of_vn(portions);
        let mut steps = certmesh_engine::Steps::default();
        my.engine.enter_documents(&*my.store, vec![other], &mut steps).unwrap();
        certmesh_engine::commit(&*my.store, steps).unwrap();
    }
    assert_eq!(seen(&my), whole);
}

/// The next manifest of VN, which changes nothing here.
fn manifest_of_vn(version: u64) -> Document {
    let mut last = membership().manifests()[2].clone();
    for version in 1..=version {
        let next = Manifest { version, prev: Some(last.id()), ..last.unverified().clone() };
        last = SignedManifest::sign(next, &root_key(VN)).unwrap();
    }
    Document::Manifest(last)
}

fn seen_count(peer: &Peer) -> u64 {
    counts(peer.store()).unwrap().objects
}

#[test]
fn a_version_that_a_withdrawn_one_had_replaced_arrives_again() {
    let old = indicator(1, "a.example", 2021);
    let new = indicator(1, "b.example", 2022);
    let (mut sg, mut twin) = (Peer::new(SG), Peer::new(SG));
    let first = sg.publish(&[&old]);
    twin.enter(&first);
    let second = sg.publish(&[&new]);
    let other = twin.publish(&[&indicator(2, "c.example", 2021)]);
    let mut my = Peer::new(MY);
    my.enter(&first);
    my.enter(&second);
    let cursor = my.find(&Query::default())[0].arrival;
    assert_eq!(seen(&my), [new]);
    my.enter(&other);
    let found = my.find(&Query::default());
    assert_eq!(found.iter().map(|object| &object.json).collect::<Vec<_>>(), [&old]);
    assert!(found[0].arrival > cursor, "whoever polls from there on sees it");
    let by_value = Query { value: Some("a.example".into()), ..Query::default() };
    assert_eq!(my.find(&by_value).len(), 1);
    assert_eq!(counts(my.store()).unwrap().objects, 1);
}

#[test]
fn a_fork_of_the_opening_reaches_nodes_that_have_nothing_of_the_log() {
    let (mut one, mut other) = (Peer::new(SG), Peer::new(SG));
    other.now_ms += 1;
    let openings = [
        one.publish(&[&indicator(1, "a.example", 2021)]),
        other.publish(&[&indicator(2, "b.example", 2021)]),
    ];
    let proof = openings.map(|parcels| parcels[0].record().to_vec());
    let (mut my, mut vn) = (Peer::new(MY), Peer::new(VN));
    my.engine.enter_fork(&proof).unwrap();
    my.dispute();
    vn.sync_from(&my);
    assert_eq!(forks(vn.store()).unwrap().len(), 1);
    assert_eq!(digest(&my), digest(&vn));
}

#[test]
fn a_branch_that_was_here_once_counts_again_though_another_took_its_place() {
    let [right, wrong] = branches(0, [4, 2]);
    let at = &right[3];
    let mut my = Peer::new(MY);
    my.enter(&right[..2]);
    my.enter(&wrong[..2]);
    // Its own disk has the beginning of the branch that counts, and does not lead to the checkpoint.
    let mut my = restarted(MY, &my.store, at);
    my.enter(&wrong);
    let mut vn = Peer::with(vouching_for(at), VN, Arc::default());
    vn.enter(&right);
    let mut peers = [my, vn];
    rounds(&mut peers);
    assert_eq!((digest(&peers[0]), seen(&peers[0])), (digest(&peers[1]), seen(&peers[1])));
    assert_eq!(seen(&peers[0]).len(), 4);
}
