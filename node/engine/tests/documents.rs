//! How many documents a node keeps: the same ones everywhere, whoever signs how many, in any order.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use std::ops::ControlFlow;

use certmesh_engine::limits::MANIFESTS_KEPT;
use certmesh_engine::store::{Family, Order};
use certmesh_engine::{Document, Documents, Split};
use certmesh_wire::{Manifest, NodeState, SignedManifest, SignedRoster};
use mesh::Peer;
use mesh::seven::*;

/// So many manifests of MY that all follow one, by its root key, the lowest id first.
fn variants(prev: &SignedManifest, count: u64) -> Vec<SignedManifest> {
    let next = prev.unverified().version + 1;
    let base = Manifest { version: next, prev: Some(prev.id()), ..prev.unverified().clone() };
    let sign = |n| SignedManifest::sign(Manifest { expires_ms: n, ..base.clone() }, &root(5)).unwrap();
    let mut all: Vec<_> = (0..count).map(sign).collect();
    all.sort_by_key(SignedManifest::id);
    all
}

fn kept(peer: &Peer) -> Documents {
    peer.engine.membership().documents().clone()
}

fn submit(peer: &mut Peer, documents: impl IntoIterator<Item = Document>) {
    for document in documents {
        peer.submit(vec![document]);
    }
}

#[test]
fn of_many_that_contradict_each_other_the_same_two_are_kept_in_any_order() {
    let all = variants(&first_manifest(5), 12);
    let [mut bn, mut id, mut kh] = [0, 1, 2].map(peer);
    submit(&mut bn, all.iter().map(manifest_of));
    submit(&mut id, all.iter().rev().map(manifest_of));
    let batch: Vec<_> = all[3..].iter().chain(&all[..3]).collect();
    let results = kh.submit(batch.iter().map(|one| manifest_of(one)).collect());
    for (one, result) in batch.iter().zip(results) {
        assert_eq!(result.is_ok(), kept(&kh).get(one.id()).is_some(), "{result:?}");
    }
    for peer in [&bn, &id, &kh] {
        assert_eq!(kept(peer).digest(), kept(&bn).digest());
        let documents = [all[0].id(), all[1].id()];
        let member = "MY".parse().unwrap();
        assert_eq!(peer.engine.membership().splits(), [Split::Manifests { member, version: 1, documents }]);
        assert!(all[2..].iter().all(|one| kept(peer).get(one.id()).is_none()));
    }
    let refused = bn.submit(vec![manifest_of(&all[7])]).remove(0).unwrap_err();
    assert!(refused.is_surplus() && !refused.is_wrong(), "{refused}");
}

#[test]
fn what_had_to_make_room_is_gone_from_the_disk_too() {
    let all = variants(&first_manifest(5), 5);
    let mut bn = peer(0);
    submit(&mut bn, all.iter().rev().map(manifest_of));
    let mut again = membership().documents().clone();
    again.load(bn.store()).unwrap();
    assert_eq!(again.digest(), kept(&bn).digest());
    let mut stored = 0;
    let mut visit = |_: &[u8], _: &[u8]| {
        stored += 1;
        ControlFlow::Continue(())
    };
    bn.store().scan(Family::Control, b"d", b"e", Order::Ascending, &mut visit).unwrap();
    assert_eq!(stored, 2, "the two that came beside those in files");
}

#[test]
fn nodes_that_were_told_different_things_end_with_the_same() {
    let all = variants(&first_manifest(5), 40);
    let deeper: Vec<_> = all.iter().map(|one| variants(one, 3)).collect();
    let [mut bn, mut id] = [0, 1].map(peer);
    for (at, (one, after)) in all.iter().zip(&deeper).enumerate() {
        let peer = if at % 3 == 0 { &mut bn } else { &mut id };
        submit(peer, [one].into_iter().chain(after).map(manifest_of));
    }
    assert_ne!(kept(&bn).digest(), kept(&id).digest());
    for _ in 0..3 {
        bn.sync_from(&id);
        id.sync_from(&bn);
    }
    assert_eq!(kept(&bn).digest(), kept(&id).digest());
    assert!(
        kept(&bn).ids().len() <= 8 + 2 + 4,
        "seven founders' manifests, a roster, two variants and what follows"
    );
}

#[test]
fn a_key_that_signs_without_end_is_told_so() {
    let mut documents = membership().documents().clone();
    let mut last = first_manifest(5);
    for _ in 1..MANIFESTS_KEPT {
        last = variants(&last, 1).remove(0);
        documents.enter(manifest_of(&last)).unwrap();
    }
    let refused = documents.enter(manifest_of(&variants(&last, 1)[0])).unwrap_err();
    assert!(refused.is_surplus() && refused.to_string().contains("256 are kept"), "{refused}");
    // A rival of an early version goes before the last ones: on every node, whatever came first.
    let rival =
        variants(&first_manifest(5), 3).into_iter().find(|one| documents.get(one.id()).is_none()).unwrap();
    assert_eq!(documents.enter(manifest_of(&rival)), Ok(true));
    assert_eq!(documents.get(last.id()), None);
}

/// MY's own line, of which the thief's two variants take the place: node 15 joins with the first of it.
fn pushed_out() -> (Vec<SignedManifest>, Vec<SignedManifest>, SignedRoster) {
    let first = first_manifest(5);
    let thiefs = variants(&first, 40);
    let nodes = || vec![entry(5, NodeState::Live, vec![]), entry_of(15, 5)];
    let mut own = vec![manifest(5, Some(&first), nodes(), &root(5))];
    let lower = thiefs.iter().filter(|one| one.id() < own[0].id()).take(2).cloned().collect::<Vec<_>>();
    assert_eq!(lower.len(), 2, "40 ids, of which two are lower than one more");
    own.push(manifest(5, Some(&own[0]), nodes(), &root(5)));
    own.push(manifest(5, Some(&own[1]), vec![entry(5, NodeState::Live, vec![])], &root(5)));
    let rekeyed = rekeyed(&own[2]);
    (own, lower, rekeyed)
}

#[test]
fn what_a_roster_pins_is_kept_with_all_that_it_follows() {
    let (own, thiefs, rekeyed) = pushed_out();
    let mut digests = Vec::new();
    for order in 0..4 {
        let mut bn = peer(0);
        let own = || own.iter().map(manifest_of);
        let thiefs = || thiefs.iter().map(manifest_of);
        match order {
            0 => submit(&mut bn, own().chain(thiefs()).chain([roster_of(&rekeyed)]).chain(own().rev())),
            1 => submit(&mut bn, thiefs().chain([roster_of(&rekeyed)]).chain(own().rev())),
            2 => submit(&mut bn, [roster_of(&rekeyed)].into_iter().chain(own().rev()).chain(thiefs())),
            _ => {
                submit(&mut bn, own().chain(thiefs()));
                assert_eq!(state(&bn, 15), None, "the thief has the better of it, until the members vote");
                bn.submit([roster_of(&rekeyed)].into_iter().chain(own()).collect());
            }
        }
        assert_eq!(bn.engine.membership().splits(), [], "{order}");
        assert_eq!(
            state(&bn, 15),
            Some(NodeState::Retired),
            "{order}: named by one that the pinned one follows"
        );
        digests.push(kept(&bn).digest());
        let mut again = membership().documents().clone();
        again.load(bn.store()).unwrap();
        assert_eq!(again.digest(), kept(&bn).digest(), "{order}: after a restart");
        // Whoever only ever heard of the thief's gets the line from those who have it.
        let mut id = peer(1);
        submit(&mut id, thiefs());
        id.sync_from(&bn);
        id.sync_from(&bn);
        assert_eq!(kept(&id).digest(), kept(&bn).digest(), "{order}: by sync");
    }
    assert!(digests.iter().all(|one| *one == digests[0]));
}

#[test]
fn what_rests_on_a_roster_that_had_to_make_room_goes_with_it() {
    let everyone = [0, 1, 2, 3, 4, 5, 6];
    let mut rivals: Vec<_> = (0..3)
        .map(|n| {
            next(&founded(), &everyone, |roster| {
                roster.name = format!("rival {n}");
                roster.members.push(member(7));
            })
        })
        .collect();
    rivals.sort_by_key(SignedRoster::id);
    let (mut bn, mut id) = (peer(0), peer(1));
    submit(&mut bn, rivals.iter().map(roster_of).chain([manifest_of(&first_manifest(7))]));
    submit(&mut id, [roster_of(&rivals[2]), manifest_of(&first_manifest(7))]);
    submit(&mut id, rivals.iter().rev().map(roster_of));
    assert_eq!(kept(&bn).digest(), kept(&id).digest());
    assert!(kept(&bn).get(rivals[2].id()).is_none());
    assert!(matches!(id.engine.membership().splits(), [Split::Rosters { version: 1, round: 0, .. }]));
}
