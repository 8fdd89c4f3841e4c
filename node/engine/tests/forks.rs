//! Forks: a key that signs two histories, and what every node makes of it.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use std::sync::Arc;

use certmesh_engine::sync::frontier;
use certmesh_engine::{
    Membership, PublishFault, Query, Refusal, Steps, StoredObject, counts, forks, versions,
};
use certmesh_wire::{Checkpoint, NodeState, Parcel, Record, RosterLimits};
use mesh::{MY, Peer, SG, VN, indicator, manifest, membership, roster};

/// Two copies of SG's node, both vouched for, which share `common` publications and then part.
fn twins(common: u32, apart: u32) -> (Vec<Parcel>, Vec<Parcel>) {
    let (mut one, mut other) = (Peer::new(SG), Peer::new(SG));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for n in 0..common {
        let parcels = one.publish(&[&indicator(n, "common.example", 2021)]);
        other.enter(&parcels);
        first.extend(parcels.clone());
        second.extend(parcels);
    }
    for n in 0..apart {
        first.extend(one.publish(&[&indicator(100 + n, "one.example", 2021)]));
        second.extend(other.publish(&[&indicator(200 + n, "other.example", 2021)]));
    }
    (first, second)
}

fn seen(peer: &Peer) -> Vec<String> {
    let mut seen: Vec<_> = peer.find(&Query::default()).into_iter().map(|object| object.id).collect();
    seen.sort();
    seen
}

fn digest(peer: &Peer) -> [u8; 32] {
    frontier(peer.store(), peer.engine.membership(), "MY".parse().unwrap()).unwrap().digest()
}

/// Rounds in both directions until nothing changes.
fn settle(one: &mut Peer, other: &mut Peer) {
    for _ in 0..4 {
        one.sync_from(other);
        other.sync_from(one);
    }
}

#[test]
fn whichever_branch_came_first_the_head_falls_below_the_fork_everywhere() {
    for (common, apart) in [(1, 1), (3, 4), (0, 2), (40, 3), (2, 40)] {
        let (first, second) = twins(common, apart);
        let (mut my, mut vn) = (Peer::new(MY), Peer::new(VN));
        my.enter(&first);
        vn.enter(&second);
        let before = counts(my.store()).unwrap().objects;
        assert_eq!(before, u64::from(common + apart));
        settle(&mut my, &mut vn);
        assert_eq!(digest(&my), digest(&vn), "{common} common, {apart} apart");
        assert_eq!(forks(my.store()).unwrap(), forks(vn.store()).unwrap());
        assert_eq!(seen(&my), seen(&vn));
        assert_eq!(seen(&my).len() as u32, common, "what came before stays, and nothing else");
        assert_eq!(counts(my.store()).unwrap(), counts(vn.store()).unwrap());
        assert_eq!(counts(my.store()).unwrap().objects, u64::from(common));
    }
}

#[test]
fn a_third_node_learns_of_it_from_either() {
    let (first, second) = twins(2, 2);
    let (mut my, mut vn) = (Peer::new(MY), Peer::new(VN));
    my.enter(&first);
    my.enter(&second);
    vn.sync_from(&my);
    assert_eq!((digest(&my), seen(&my)), (digest(&vn), seen(&vn)));
    assert_eq!(forks(vn.store()).unwrap().len(), 1);
    assert!(matches!(vn.enter(&first[3..])[..], [Err(Refusal::Disputed { .. }), ..]));
}

#[test]
fn of_two_forks_the_lower_one_counts_in_any_order() {
    let (first, _) = twins(3, 3);
    let low = {
        let mut other = Peer::new(SG);
        other.enter(&first[..2]);
        other.publish(&[&indicator(300, "low.example", 2021)])
    };
    let high = {
        let mut other = Peer::new(SG);
        other.enter(&first[..5]);
        other.publish(&[&indicator(301, "high.example", 2021)])
    };
    let (mut my, mut vn) = (Peer::new(MY), Peer::new(VN));
    for (peer, order) in [(&mut my, [&low, &high]), (&mut vn, [&high, &low])] {
        peer.enter(&first);
        order.iter().for_each(|branch| drop(peer.enter(branch)));
    }
    let place = |peer: &Peer| forks(peer.store()).unwrap().into_values().next().unwrap().seq;
    assert_eq!([place(&my), place(&vn)], [2, 2]);
    assert_eq!((digest(&my), seen(&my)), (digest(&vn), seen(&vn)));
}

#[test]
fn a_fork_met_above_the_place_where_the_histories_part_is_not_the_end_of_it() {
    let (first, second) = twins(1, 6);
    let (mut my, mut vn) = (Peer::new(MY), Peer::new(VN));
    my.enter(&first[..6]);
    vn.enter(&second[..6]);
    // Both meet a fork at 6 first, with different records below it.
    let proof = [first[6].record().to_vec(), second[6].record().to_vec()];
    for peer in [&mut my, &mut vn] {
        peer.engine.enter_fork(&proof).unwrap();
        peer.dispute();
    }
    settle(&mut my, &mut vn);
    assert_eq!((digest(&my), seen(&my)), (digest(&vn), seen(&vn)));
    assert_eq!(forks(my.store()).unwrap().into_values().next().unwrap().seq, 2);
}

#[test]
fn what_others_published_too_stays_with_them_as_its_source() {
    let (first, second) = twins(1, 1);
    let (mut my, mut vn) = (Peer::new(MY), Peer::new(VN));
    my.enter(&first);
    let disputed = indicator(100, "one.example", 2021);
    my.enter(&vn.publish(&[&disputed]));
    my.enter(&second);
    let id = "indicator--00000000-0000-4000-8000-000000000100";
    let left: Vec<StoredObject> = versions(my.store(), id, None).unwrap().objects;
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].member.as_str(), &left[0].json), ("VN", &disputed));
    let by = |code: &str| Query { from: Some(code.parse().unwrap()), ..Query::default() };
    assert_eq!(my.find(&by("VN")).len(), 1);
    assert_eq!(my.find(&by("SG")).len(), 1, "the common one");
}

#[test]
fn proofs_are_checked() {
    let (first, second) = twins(1, 1);
    let mut my = Peer::new(MY);
    let proof = [first[2].record().to_vec(), second[2].record().to_vec()];
    let not = [first[1].record().to_vec(), first[2].record().to_vec()];
    let twice = [first[2].record().to_vec(), first[2].record().to_vec()];
    assert!(matches!(my.engine.enter_fork(&not), Err(Refusal::NoFork(_))));
    assert!(matches!(my.engine.enter_fork(&twice), Err(Refusal::NoFork(_))));
    let mut forged = proof.clone();
    *forged[1].last_mut().unwrap() ^= 1;
    assert!(matches!(my.engine.enter_fork(&forged), Err(Refusal::Signature { .. })));
    assert!(!my.engine.has_found_forks());
    my.engine.enter_fork(&proof).unwrap();
    my.dispute();
    my.enter(&first);
    assert_eq!(seen(&my).len(), 1, "a proof that comes before the records holds too");
}

#[test]
fn the_forked_node_itself_signs_no_more() {
    let (first, second) = twins(1, 1);
    let mut sg = Peer::new(SG);
    sg.enter(&first);
    sg.enter(&second);
    let mut steps = Steps::default();
    let refused = sg.engine.publish(&*sg.store, &[&indicator(9, "x.example", 2021)], 1, &mut steps);
    assert!(matches!(refused, Err(PublishFault::Refused(Refusal::Disputed { seq: 2, .. }))));
}

#[test]
fn a_restart_remembers_the_fork() {
    let (first, second) = twins(1, 2);
    let mut my = Peer::new(MY);
    my.enter(&first);
    my.enter(&second);
    let before = (digest(&my), seen(&my));
    let mut again = Peer::with(membership(), MY, Arc::clone(&my.store));
    assert!(matches!(again.enter(&first[2..])[..], [Err(Refusal::Disputed { .. }), ..]));
    assert_eq!((digest(&again), seen(&again)), before);
}

#[test]
fn forks_up_to_a_checkpoint_are_mere_evidence() {
    let (first, second) = twins(1, 2);
    let vouched = Record::decode(first[3].record()).unwrap();
    let checkpoint = Checkpoint { log: vouched.header().log, seq: 3, record: vouched.id() };
    let roster = roster(RosterLimits::default());
    let mesh = roster.mesh();
    let manifests =
        [manifest(mesh, MY, NodeState::Live, vec![]), manifest(mesh, SG, NodeState::Live, vec![checkpoint])];
    let mut my = Peer::with(Membership::new(roster, manifests).unwrap(), MY, Arc::default());
    my.enter(&first);
    my.enter(&second);
    assert_eq!(forks(my.store()).unwrap().len(), 0);
    assert_eq!(seen(&my).len(), 3);
}

#[test]
fn both_branches_in_one_commit_are_a_fork_too() {
    let (first, second) = twins(1, 1);
    let mut my = Peer::new(MY);
    my.enter(&[&first[..], &second[2..]].concat());
    assert_eq!(forks(my.store()).unwrap().len(), 1);
    assert_eq!(seen(&my).len(), 1);
}

#[test]
fn arrivals_go_on_rising_after_a_withdrawal_and_a_restart() {
    let (first, second) = twins(1, 30);
    let mut my = Peer::new(MY);
    my.enter(&first);
    let last = my.find(&Query::default())[0].arrival;
    my.enter(&second);
    let mut again = Peer::with(membership(), MY, Arc::clone(&my.store));
    again.now_ms = 0;
    again.publish(&[&indicator(9, "x.example", 2021)]);
    assert!(again.find(&Query::default())[0].arrival > last);
}
