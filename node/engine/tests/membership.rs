//! Membership that changes while nodes run: who counts, and what of theirs, in whatever order documents
//! and records arrive.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use std::ops::ControlFlow;
use std::sync::Arc;

use certmesh_engine::{DocumentFault, Membership, PublishFault, Query, Split, Steps, counts, export};
use certmesh_wire::{
    Checkpoint, Export, NodeState, Parcel, Pin, Roster, RosterFault, SignedManifest, SignedRoster,
};
use mesh::seven::*;
use mesh::{Peer, indicator};

#[test]
fn an_eighth_joins_by_five_votes_and_not_by_four() {
    let mut bn = peer(0);
    let joins = |roster: &mut Roster| roster.members.push(member(7));
    let four = next(&founded(), &[0, 1, 2, 3], joins);
    let refused = bn.submit(vec![roster_of(&four)]);
    assert_eq!(refused, [Err(DocumentFault::Roster(RosterFault::TooFewVotes { found: 4, needed: 5 }))]);
    assert_eq!(bn.engine.membership().roster().version, 0);
    let five = next(&founded(), &[0, 1, 2, 3, 4], joins);
    // In the wrong order: the manifest before the roster that makes its member one.
    assert_eq!(bn.submit(vec![manifest_of(&first_manifest(7)), roster_of(&five)]), [Ok(true), Ok(true)]);
    let mut all = membership().documents().clone();
    all.enter(roster_of(&five)).unwrap();
    all.enter(manifest_of(&first_manifest(7))).unwrap();
    let mut sg = peer_of(Membership::of(all), 7, Arc::default());
    bn.enter(&sg.publish(&[&indicator(1, "a.example", 2021)]));
    assert_eq!(seen(&bn), 1, "it is heard");
    let mut id = peer(1);
    id.sync_from(&bn);
    id.sync_from(&bn);
    assert_eq!((digest(&id), seen(&id)), (digest(&bn), 1), "documents travel by themselves");
}

#[test]
fn what_a_node_takes_in_is_there_after_a_restart() {
    let mut bn = peer(0);
    let five = next(&founded(), &[0, 1, 2, 3, 4], |roster| roster.members.push(member(7)));
    bn.submit(vec![roster_of(&five), manifest_of(&first_manifest(7))]);
    let mut documents = membership().documents().clone();
    documents.load(bn.store()).unwrap();
    assert_eq!(documents.digest(), bn.engine.membership().documents().digest());
    assert_eq!(Membership::of(documents).roster().version, 1);
}

#[test]
fn an_export_has_the_manifests_that_name_its_nodes_and_no_more() {
    let first = first_manifest(5);
    let both = manifest(5, Some(&first), vec![entry(5, NodeState::Live, vec![]), entry_of(15, 5)], &root(5));
    let alone = manifest(5, Some(&both), vec![entry_of(15, 5)], &root(5));
    let renewed = manifest(5, Some(&alone), vec![entry_of(15, 5)], &root(5));
    let mut bn = peer(0);
    let of_my = |bn: &Peer| {
        let mut file = Vec::new();
        let mut take = |item: Vec<u8>| {
            file.extend(item);
            ControlFlow::Continue(())
        };
        export(bn.store(), bn.engine.membership(), &mut take).unwrap();
        let all = Export::open(&file).unwrap().manifests().to_vec();
        all.into_iter().filter(|one| one.unverified().member == CODES[5].parse().unwrap()).collect::<Vec<_>>()
    };
    bn.submit(vec![manifest_of(&both)]);
    assert_eq!(of_my(&bn), std::slice::from_ref(&both), "the newest names all that the one before it does");
    bn.submit(vec![manifest_of(&alone), manifest_of(&renewed)]);
    assert_eq!(of_my(&bn), [first, both, alone, renewed]);
}

/// PH, expelled by the others after its record `last`.
fn expelled(last: Option<&Parcel>) -> SignedRoster {
    next(&founded(), &[0, 1, 2, 3, 4], |roster| {
        roster.members.retain(|member| member.code.as_str() != "PH");
        roster.pins.push(Pin {
            member: "PH".parse().unwrap(),
            cert: "PH-CERT".into(),
            root_key: root(6).root_key(),
            manifest: Some(first_manifest(6).id()),
            cuts: last.map(place).into_iter().collect(),
        });
    })
}

#[test]
fn of_an_expelled_member_what_came_before_stays_and_what_came_after_goes_in_any_order() {
    let mut ph = peer(6);
    let before = ph.publish(&[&indicator(1, "a.example", 2021)]);
    let after =
        [ph.publish(&[&indicator(2, "b.example", 2021)]), ph.publish(&[&indicator(3, "c.example", 2021)])]
            .concat();
    let roster = expelled(before.last());
    let (mut bn, mut id) = (peer(0), peer(1));
    for one in [&mut bn, &mut id] {
        one.enter(&before);
    }
    bn.enter(&after);
    assert_eq!(seen(&bn), 3);
    bn.submit(vec![roster_of(&roster)]);
    id.submit(vec![roster_of(&roster)]);
    assert!(id.enter(&after).iter().all(Result::is_err));
    for one in [&bn, &id] {
        assert_eq!((seen(one), counts(one.store()).unwrap().objects), (1, 1));
        assert!(one.engine.membership().live_nodes().all(|(node, _)| node != key(6).node_id()));
    }
    assert_eq!(digest(&bn), digest(&id));
    ph.submit(vec![roster_of(&roster)]);
    let mut steps = Steps::default();
    let refused = ph.engine.publish(&*ph.store, &[&indicator(9, "x.example", 2021)], 1, &mut steps);
    assert_eq!(refused, Err(PublishFault::NotLive));
}

#[test]
fn a_cut_that_a_later_round_lifts_brings_everything_back() {
    let mut ph = peer(6);
    let parcels: Vec<_> = (0..5).flat_map(|n| ph.publish(&[&indicator(n, "a.example", 2021)])).collect();
    let mut bn = peer(0);
    bn.enter(&parcels);
    let cursor = bn.find(&Query::default())[0].arrival;
    bn.submit(vec![roster_of(&expelled(Some(&parcels[1])))]);
    assert_eq!(seen(&bn), 1);
    let milder = next(&founded(), &[0, 1, 2, 3, 4], |roster| roster.round = 1);
    bn.submit(vec![roster_of(&milder)]);
    assert_eq!(seen(&bn), 5);
    let back = bn.find(&Query::default()).iter().filter(|object| object.arrival > cursor).count();
    assert_eq!(back, 4, "readers see them again");
    assert_eq!(bn.engine.membership().roster().round, 1);
}

#[test]
fn a_lifted_cut_brings_back_what_lies_below_a_fork() {
    let (mut ph, mut thief, mut bn) = (peer(6), peer(6), peer(0));
    let before = ph.publish(&[&indicator(1, "a.example", 2021)]);
    thief.enter(&before);
    bn.enter(&before);
    bn.enter(&ph.publish(&[&indicator(2, "b.example", 2021)]));
    bn.enter(&thief.publish(&[&indicator(3, "c.example", 2021)]));
    assert_eq!(seen(&bn), 1, "the fork ends the log");
    bn.submit(vec![roster_of(&expelled(None))]);
    assert_eq!(seen(&bn), 0);
    bn.submit(vec![roster_of(&next(&founded(), &[0, 1, 2, 3, 4], |roster| roster.round = 1))]);
    assert_eq!(seen(&bn), 1);
}

#[test]
fn a_lost_node_is_replaced_by_its_member_alone() {
    let mut sg = peer(5);
    let old = sg.publish(&[&indicator(1, "a.example", 2021)]);
    let mut bn = peer(0);
    bn.enter(&old);
    let replaced = manifest(
        5,
        Some(&first_manifest(5)),
        vec![entry(5, NodeState::Retired, vec![place(&old[1])]), entry_of(15, 5)],
        &root(5),
    );
    let by_another = manifest(5, Some(&first_manifest(5)), vec![entry_of(15, 5)], &root(4));
    assert!(matches!(bn.submit(vec![manifest_of(&by_another)])[..], [Err(DocumentFault::Manifest(_))]));
    assert_eq!(bn.submit(vec![manifest_of(&replaced)]), [Ok(true)]);
    let fresh = peer_of(bn.engine.membership().as_ref().clone(), 15, Arc::default());
    let mut fresh = fresh;
    fresh.sync_from(&bn);
    assert_eq!(seen(&fresh), 1, "its old log too");
    bn.enter(&fresh.publish(&[&indicator(2, "b.example", 2021)]));
    assert_eq!(seen(&bn), 2);
}

#[test]
fn two_rosters_of_one_round_freeze_membership_in_either_order_and_a_higher_round_thaws_it() {
    let voters = [0, 1, 2, 3, 4];
    let one = next(&founded(), &voters, |roster| roster.name = "one".into());
    let other = next(&founded(), &voters, |roster| roster.name = "other".into());
    let later = next(&founded(), &voters, |roster| (roster.name, roster.round) = ("later".into(), 1));
    let after_one = next(&one, &voters, |roster| roster.name = "after one".into());
    let mut peers = [peer(0), peer(1)];
    for (peer, order) in peers.iter_mut().zip([[&one, &after_one, &other], [&other, &one, &after_one]]) {
        for roster in order {
            peer.submit(vec![roster_of(roster)]);
        }
        let membership = peer.engine.membership();
        assert_eq!(membership.roster().name, "test", "the version before stands");
        assert!(matches!(membership.splits(), [Split::Rosters { version: 1, round: 0, .. }]));
        peer.publish(&[&indicator(1, "a.example", 2021)]);
        peer.submit(vec![roster_of(&later)]);
        assert_eq!(peer.engine.membership().roster().name, "later");
        assert_eq!(peer.engine.membership().splits(), []);
    }
    let head = |peer: &Peer| (peer.engine.membership().head(), peer.engine.membership().documents().digest());
    assert_eq!(head(&peers[0]), head(&peers[1]));
}

#[test]
fn two_manifests_of_one_version_leave_the_one_before_until_the_next_says_which() {
    let first = first_manifest(5);
    let one = manifest(5, Some(&first), vec![entry(5, NodeState::Live, vec![]), entry_of(15, 5)], &root(5));
    let other = manifest(5, Some(&first), vec![entry(5, NodeState::Live, vec![]), entry_of(25, 5)], &root(5));
    let settles = manifest(5, Some(&other), vec![entry_of(25, 5)], &root(5));
    for order in [[&one, &other], [&other, &one]] {
        let mut bn = peer(0);
        for document in order {
            bn.submit(vec![manifest_of(document)]);
        }
        assert!(matches!(bn.engine.membership().splits(), [Split::Manifests { version: 1, .. }]));
        assert_eq!([15, 25].map(|at| state(&bn, at)), [None, None]);
        bn.submit(vec![manifest_of(&settles)]);
        assert_eq!(bn.engine.membership().splits(), []);
        assert_eq!(state(&bn, 25), Some(NodeState::Live));
        assert_eq!(state(&bn, 5), Some(NodeState::Retired), "named no more");
    }
}

#[test]
fn a_rekeyed_member_goes_on_with_its_new_key_from_the_pinned_manifest() {
    let (first, new_root) = (first_manifest(5), new_root());
    let rekeyed = rekeyed(&first);
    let stolen = manifest(5, Some(&first), vec![entry_of(15, 5)], &root(5));
    let rightful = manifest_under(
        1,
        5,
        Some(&first),
        vec![entry(5, NodeState::Live, vec![]), entry_of(25, 5)],
        &new_root,
    );
    let mut bn = peer(0);
    bn.submit(vec![manifest_of(&stolen)]);
    assert_eq!(state(&bn, 15), Some(NodeState::Live));
    bn.submit(vec![roster_of(&rekeyed)]);
    assert_eq!(state(&bn, 15), None, "the old key says nothing more");
    assert_eq!(state(&bn, 5), Some(NodeState::Live));
    bn.submit(vec![manifest_of(&rightful)]);
    assert_eq!(state(&bn, 25), Some(NodeState::Live));
    assert_eq!(bn.engine.membership().splits(), []);
}

#[test]
fn a_root_key_that_has_signed_nothing_can_be_changed_again() {
    let first = first_manifest(5);
    let once = rekeyed(&first);
    let third = root(45);
    let twice = next(&once, &[0, 1, 2, 3, 4], |roster| {
        roster.members[5].root_key = third.root_key();
        roster.pins[0].root_key = new_root().root_key();
    });
    let rightful =
        manifest_under(2, 5, Some(&first), vec![entry(5, NodeState::Live, vec![]), entry_of(25, 5)], &third);
    let mut my = peer(5);
    let mut bn = peer(0);
    bn.enter(&my.publish(&[&indicator(1, "a.example", 2021)]));
    bn.submit(vec![roster_of(&once), roster_of(&twice)]);
    assert_eq!((state(&bn, 5), seen(&bn)), (Some(NodeState::Live), 1));
    bn.submit(vec![manifest_of(&rightful)]);
    assert_eq!(state(&bn, 25), Some(NodeState::Live));
    assert_eq!(bn.engine.membership().splits(), []);
}

#[test]
fn a_stolen_key_is_cut_by_a_manifest_whichever_came_first() {
    let mut my = peer(5);
    let parcels: Vec<_> = (0..4).flat_map(|n| my.publish(&[&indicator(n, "a.example", 2021)])).collect();
    let cut = manifest(
        5,
        Some(&first_manifest(5)),
        vec![entry(5, NodeState::Cut, vec![place(&parcels[2])])],
        &root(5),
    );
    let (mut bn, mut id) = (peer(0), peer(1));
    bn.enter(&parcels);
    bn.submit(vec![manifest_of(&cut)]);
    id.submit(vec![manifest_of(&cut)]);
    id.enter(&parcels);
    assert_eq!((seen(&bn), digest(&bn)), (seen(&id), digest(&id)));
    assert_eq!(seen(&bn), 2);
    assert_eq!(bn.engine.membership().cut(place(&parcels[0]).log), Some(3));
}

#[test]
fn documents_of_others_meshes_older_ones_and_forgeries_change_nothing() {
    let mut bn = peer(0);
    let before = bn.engine.membership().documents().digest();
    let mut strange = founded().roster().clone();
    strange.name = "another mesh".into();
    let strange = SignedRoster::found(strange).unwrap();
    let refused = bn.submit(vec![roster_of(&strange)]);
    assert!(matches!(refused[..], [Err(DocumentFault::Roster(RosterFault::OtherMesh { .. }))]));
    assert_eq!(bn.submit(vec![roster_of(&founded())]), [Ok(false)]);
    let orphan = next(&next(&founded(), &[0, 1, 2, 3, 4], |_| {}), &[0, 1, 2, 3, 4], |_| {});
    assert!(matches!(bn.submit(vec![roster_of(&orphan)])[..], [Err(DocumentFault::Orphan { .. })]));
    assert_eq!(bn.engine.membership().documents().digest(), before);
}

#[test]
fn a_checkpoint_beyond_every_log_is_refused_and_one_near_it_harms_nobody() {
    let mut my = peer(5);
    let parcels = my.publish(&[&indicator(1, "a.example", 2021)]);
    let far = Checkpoint { seq: u64::MAX - 1, ..place(&parcels[1]) };
    let mut bn = peer(0);
    bn.enter(&parcels);
    for state in [NodeState::Live, NodeState::Cut] {
        let far = manifest(5, Some(&first_manifest(5)), vec![entry(5, state, vec![far])], &root(5));
        bn.submit(vec![manifest_of(&far)]);
        bn.sync_from(&my);
    }
    let beyond = Checkpoint { seq: u64::MAX, ..far };
    let nodes = vec![entry(5, NodeState::Cut, vec![beyond])];
    let refused = std::panic::catch_unwind(|| manifest(5, Some(&first_manifest(5)), nodes, &root(5)));
    assert!(refused.is_err(), "it can't even be signed");
}

#[test]
fn a_manifest_signed_again_with_an_old_key_does_not_take_the_place_of_the_right_one() {
    let (first, new_root) = (first_manifest(5), new_root());
    let rekeyed = rekeyed(&first);
    let nodes = || vec![entry(5, NodeState::Live, vec![]), entry_of(25, 5)];
    let rightful = manifest_under(1, 5, Some(&first), nodes(), &new_root);
    let copied = manifest_under(1, 5, Some(&first), nodes(), &root(5));
    assert_eq!(rightful.id(), copied.id());
    let mut bn = peer(0);
    bn.submit(vec![roster_of(&rekeyed)]);
    assert!(matches!(bn.submit(vec![manifest_of(&copied)])[..], [Err(DocumentFault::Manifest(_))]));
    assert_eq!(bn.submit(vec![manifest_of(&rightful)]), [Ok(true)]);
    assert_eq!(state(&bn, 25), Some(NodeState::Live));
}

#[test]
fn what_a_rogue_node_brought_goes_when_no_manifest_that_stands_names_it() {
    let first = first_manifest(5);
    let rogue = manifest(5, Some(&first), vec![entry(5, NodeState::Live, vec![]), entry_of(15, 5)], &root(5));
    let rekeyed = rekeyed(&first);
    let mut bn = peer(0);
    bn.submit(vec![manifest_of(&rogue)]);
    let mut thief = peer_of(bn.engine.membership().as_ref().clone(), 15, Arc::default());
    bn.enter(&thief.publish(&[&indicator(1, "a.example", 2021)]));
    assert_eq!(seen(&bn), 1);
    bn.submit(vec![roster_of(&rekeyed)]);
    assert_eq!((seen(&bn), counts(bn.store()).unwrap().objects), (0, 0));
}

#[test]
fn a_node_that_is_let_in_again_signs_no_place_twice() {
    let mut ph = peer(6);
    let parcels: Vec<_> = (0..3).flat_map(|n| ph.publish(&[&indicator(n, "a.example", 2021)])).collect();
    ph.submit(vec![roster_of(&expelled(Some(&parcels[1])))]);
    let again = next(&founded(), &[0, 1, 2, 3, 4], |roster| roster.round = 1);
    let mut steps = Steps::default();
    ph.engine.enter_documents(&*ph.store, vec![roster_of(&again)], &mut steps).unwrap();
    certmesh_engine::commit(&*ph.store, steps).unwrap();
    let mut steps = Steps::default();
    let publish = |ph: &mut Peer, steps: &mut Steps| {
        ph.engine.publish(&*ph.store, &[&indicator(9, "x.example", 2021)], 1, steps)
    };
    assert_eq!(publish(&mut ph, &mut steps), Err(PublishFault::Unsettled));
    ph.resume();
    publish(&mut ph, &mut steps).unwrap();
}

/// MY's stolen node key on the manifest of BN, to which the thief has had it consent.
fn takes_the_key(prev: &SignedManifest, state: NodeState, checkpoints: Vec<Checkpoint>) -> SignedManifest {
    let of_bn = CODES[0].parse().unwrap();
    let stolen = mesh::node_entry(&key(5), of_bn, founded().mesh(), state, checkpoints);
    manifest(0, Some(prev), vec![entry(0, NodeState::Live, vec![]), stolen], &root(0))
}

#[test]
fn a_stolen_key_that_consents_to_a_second_member_evades_no_cut() {
    let mut my = peer(5);
    let parcels: Vec<_> = (0..4).flat_map(|n| my.publish(&[&indicator(n, "a.example", 2021)])).collect();
    let nodes = vec![entry(5, NodeState::Cut, vec![place(&parcels[2])])];
    let cut = manifest_of(&manifest(5, Some(&first_manifest(5)), nodes, &root(5)));
    let taken = manifest_of(&takes_the_key(&first_manifest(0), NodeState::Live, vec![]));
    let mut digests = Vec::new();
    for order in [[&cut, &taken], [&taken, &cut]] {
        let mut id = peer(1);
        id.enter(&parcels);
        for document in order {
            id.submit(vec![document.clone()]);
        }
        assert_eq!(seen(&id), 2, "MY's cut holds, whoever has the key now");
        // What it signs from here on is BN's, in a log of its own.
        let mut thief = peer_of(id.engine.membership().as_ref().clone(), 5, Arc::default());
        id.enter(&thief.publish(&[&indicator(9, "b.example", 2021)]));
        let members: Vec<_> = id.find(&Query::default()).iter().map(|object| object.member).collect();
        assert_eq!(members.iter().map(|code| code.as_str()).collect::<Vec<_>>(), ["BN", "MY", "MY"]);
        digests.push(digest(&id));
    }
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_member_that_takes_over_a_stolen_key_harms_no_history() {
    let mut my = peer(5);
    let parcels: Vec<_> = (0..4).flat_map(|n| my.publish(&[&indicator(n, "a.example", 2021)])).collect();
    let at = place(&parcels[1]);
    for (state, checkpoints) in
        [(NodeState::Cut, vec![]), (NodeState::Cut, vec![at]), (NodeState::Live, vec![])]
    {
        let mut id = peer(1);
        id.enter(&parcels);
        id.submit(vec![manifest_of(&takes_the_key(&first_manifest(0), state, checkpoints))]);
        assert_eq!(seen(&id), 4, "nobody but MY cuts MY's log: {state:?}");
    }
}

#[test]
fn a_key_that_two_members_have_in_use_signs_for_neither_until_one_lets_it_go() {
    let mut my = peer(5);
    let before = my.publish(&[&indicator(1, "a.example", 2021)]);
    let taken = takes_the_key(&first_manifest(0), NodeState::Live, vec![]);
    let mut id = peer(1);
    for peer in [&mut my, &mut id] {
        peer.submit(vec![manifest_of(&taken)]);
        let members = [CODES[0], CODES[5]].map(|code| code.parse().unwrap());
        assert_eq!(peer.engine.membership().splits(), [Split::Key { node: key(5).node_id(), members }]);
        assert!(peer.engine.membership().live_nodes().all(|(node, _)| node != key(5).node_id()));
    }
    let mut steps = Steps::default();
    let refused = my.engine.publish(&*my.store, &[&indicator(9, "x.example", 2021)], 1, &mut steps);
    assert_eq!(refused, Err(PublishFault::NotLive));
    id.enter(&before);
    assert_eq!(seen(&id), 1, "what it had signed still comes");
    let nodes = vec![entry(0, NodeState::Live, vec![])];
    let let_go = manifest_of(&manifest(0, Some(&taken), nodes, &root(0)));
    for peer in [&mut my, &mut id] {
        peer.submit(vec![let_go.clone()]);
        assert_eq!(peer.engine.membership().splits(), []);
    }
    id.enter(&my.publish(&[&indicator(2, "b.example", 2021)]));
    let members: Vec<_> = id.find(&Query::default()).iter().map(|object| object.member).collect();
    assert!(members.len() == 2 && members.iter().all(|code| code.as_str() == "MY"), "{members:?}");
}
