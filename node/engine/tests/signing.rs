//! A node never signs one seq twice: when it signs after a start, and when it does not.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use std::collections::BTreeSet;
use std::sync::Arc;

use certmesh_engine::store::{Batch, Family, MemoryStore, Order, Readable, Store, Write};
use certmesh_engine::{Engine, Membership, PublishFault, Signing, Steps, StopNote};
use certmesh_wire::{Audience, Frontier, FrontierEntry, Opening, Pin, RecordId, SignedRoster};
use mesh::seven::{self, code_of, first_manifest, founded, key, next, root, roster_of};
use mesh::{MY, Peer, SG, VN, indicator, membership};

/// The same disk at this moment: a backup, or the folder on a second machine.
fn copy(store: &MemoryStore) -> Arc<MemoryStore> {
    let copied = MemoryStore::default();
    for family in Family::ALL {
        let mut writes = Vec::new();
        let mut visit = |key: &[u8], value: &[u8]| {
            writes.push(Write::put(family, key, value));
            std::ops::ControlFlow::Continue(())
        };
        store.scan(family, &[], &[u8::MAX; 300], Order::Ascending, &mut visit).unwrap();
        copied.commit(&Batch { writes }).unwrap();
    }
    Arc::new(copied)
}

fn start(store: &Arc<MemoryStore>, note: Option<&StopNote>) -> Peer {
    Peer::unconfirmed(membership(), SG, Arc::clone(store), note)
}

fn signs(peer: &mut Peer) -> bool {
    let mut steps = Steps::default();
    match peer.engine.publish(&*peer.store, &[&indicator(7, "x.example", 2021)], 1, &mut steps) {
        Ok(_) => true,
        Err(PublishFault::Unconfirmed { .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_note_of_a_clean_stop_is_enough_and_only_the_right_one() {
    let mut sg = Peer::new(SG);
    let before = sg.engine.stop_note().unwrap();
    sg.publish(&[&indicator(1, "a.example", 2021)]);
    let after = sg.engine.stop_note().unwrap();
    assert_eq!(StopNote::parse(&after.to_text()).as_ref(), Some(&after));
    assert_eq!(StopNote::parse("certmesh stopped cleanly 1\nx"), None);
    assert!(signs(&mut start(&sg.store, Some(&after))));
    assert!(!signs(&mut start(&sg.store, Some(&before))), "the disk has moved on since");
    assert!(!signs(&mut start(&sg.store, None)));
    let empty = Arc::new(MemoryStore::default());
    assert!(!signs(&mut start(&empty, Some(&after))), "the disk is another one");
}

#[test]
fn two_other_members_confirm_where_the_log_ends() {
    let (mut sg, mut my, mut vn) = (Peer::new(SG), Peer::new(MY), Peer::new(VN));
    sg.publish(&[&indicator(1, "a.example", 2021)]);
    my.sync_from(&sg);
    vn.sync_from(&sg);
    let mut again = start(&sg.store, None);
    again.sync_from(&my);
    again.sync_from(&my);
    assert!(!signs(&mut again), "one member is not enough, however often it says so");
    again.sync_from(&vn);
    assert_eq!(again.engine.signing(), &Signing::Free);
    assert!(signs(&mut again));
}

#[test]
fn members_that_are_behind_confirm_once_they_have_caught_up() {
    let (mut sg, mut my, mut vn) = (Peer::new(SG), Peer::new(MY), Peer::new(VN));
    sg.publish(&[&indicator(1, "a.example", 2021)]);
    vn.sync_from(&sg);
    sg.publish(&[&indicator(2, "b.example", 2021)]);
    let mut again = start(&sg.store, None);
    again.sync_from(&my);
    again.sync_from(&vn);
    assert!(!signs(&mut again), "neither has the log to its end");
    my.sync_from(&again);
    vn.sync_from(&again);
    again.sync_from(&my);
    again.sync_from(&vn);
    assert!(signs(&mut again));
}

#[test]
fn a_fork_of_its_log_at_the_very_beginning_confirms_nothing() {
    let mut sg = Peer::new(SG);
    sg.publish(&[&indicator(1, "a.example", 2021)]);
    let own = Opening { member: "SG".parse().unwrap(), node: sg.node_id(), audience: Audience::All }.log_id();
    let entry =
        FrontierEntry { log: own, next: 0, head: RecordId([0; 32]), bodies: 0, missing: 0, fork: Some(0) };
    let mut again = start(&sg.store, None);
    for peer in [Peer::new(MY), Peer::new(VN)] {
        again.told(peer.node_id(), &Frontier::new([entry]));
    }
    assert!(!signs(&mut again));
}

#[test]
fn a_disk_that_was_rolled_back_signs_only_after_it_has_its_log_again() {
    let (mut sg, mut my, mut vn) = (Peer::new(SG), Peer::new(MY), Peer::new(VN));
    sg.publish(&[&indicator(1, "a.example", 2021)]);
    let backup = copy(&sg.store);
    let lost = sg.publish(&[&indicator(2, "b.example", 2021)]);
    my.sync_from(&sg);
    vn.sync_from(&sg);
    let mut restored = start(&backup, None);
    for peer in [&my, &vn, &my, &vn] {
        restored.sync_from(peer);
    }
    assert!(signs(&mut restored), "it has its log back, and both have confirmed it");
    let places: Vec<_> = restored.engine.stop_note().unwrap().to_text().lines().map(str::to_owned).collect();
    assert!(places[1].contains(" 4 "), "the fourth record came after the lost third: {places:?}");
    assert_eq!(lost.len(), 1);
}

#[test]
fn a_stop_while_it_waits_leaves_no_note_that_the_next_start_would_believe() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    sg.publish(&[&indicator(1, "a.example", 2021)]);
    let backup = copy(&sg.store);
    sg.publish(&[&indicator(2, "b.example", 2021)]);
    my.sync_from(&sg);
    let restored = start(&backup, None);
    let note = restored.engine.stop_note();
    assert_eq!(note, None);
    assert!(!signs(&mut start(&backup, note.as_ref())));
}

#[test]
fn word_of_more_than_is_here_confirms_nothing() {
    let (mut sg, mut my, mut vn) = (Peer::new(SG), Peer::new(MY), Peer::new(VN));
    sg.publish(&[&indicator(1, "a.example", 2021)]);
    let backup = copy(&sg.store);
    sg.publish(&[&indicator(2, "b.example", 2021)]);
    my.sync_from(&sg);
    vn.sync_from(&sg);
    let mut restored = start(&backup, None);
    for peer in [&my, &vn] {
        let code = "SG".parse().unwrap();
        let told = certmesh_engine::sync::frontier(peer.store(), peer.engine.membership(), code).unwrap();
        restored.told(peer.node_id(), &told);
    }
    assert!(!signs(&mut restored));
}

/// The mesh of seven without these members.
fn without(leavers: &[usize]) -> SignedRoster {
    next(&founded(), &[0, 1, 2, 3, 4], |roster| {
        for at in leavers {
            let code = code_of(*at);
            roster.members.retain(|member| member.code != code);
            let (cert, manifest) = (format!("{code}-CERT"), Some(first_manifest(*at).id()));
            roster.pins.push(Pin {
                member: code,
                cert,
                root_key: root(*at).root_key(),
                manifest,
                cuts: Vec::new(),
            });
        }
        roster.pins.sort_by_key(|pin| pin.member);
    })
}

#[test]
fn who_leaves_is_waited_for_no_longer_and_confirms_nothing() {
    for (leavers, expected) in [
        (&[1, 2, 3, 4, 5][..], Signing::Free),
        (&[6], Signing::Waiting { confirmed: BTreeSet::new(), needed: 2 }),
    ] {
        let mut bn = seven::peer(0);
        let mut ph = seven::peer(6);
        ph.enter(&bn.publish(&[&indicator(1, "a.example", 2021)]));
        let engine = Engine::open(Arc::new(seven::membership()), key(0), &*bn.store, None).unwrap();
        let mut again = Peer { engine, ..bn };
        again.sync_from(&ph);
        let confirmed = BTreeSet::from([code_of(6)]);
        assert_eq!(again.engine.signing(), &Signing::Waiting { confirmed, needed: 2 });
        assert_eq!(again.submit(vec![roster_of(&without(leavers))]), [Ok(true)]);
        assert_eq!(again.engine.signing(), &expected, "{leavers:?}");
    }
}

#[test]
fn a_node_that_knows_of_no_other_s_nodes_waits_for_one() {
    let alone = Membership::new(founded(), [first_manifest(0)]).unwrap();
    let store = Arc::new(MemoryStore::default());
    let engine = Engine::open(Arc::new(alone), key(0), &*store, None).unwrap();
    assert_eq!(engine.signing(), &Signing::Waiting { confirmed: BTreeSet::new(), needed: 1 });
}
