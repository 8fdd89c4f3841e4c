//! Sync: nodes end with the same records, whatever gossip lost or brought in the wrong order.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use certmesh_engine::sync::{Session, SyncFault, answer, frontier};
use certmesh_engine::{Query, Refusal, counts};
use certmesh_wire::{LogId, NodeId, Parcel, RecordId, SyncAnswer, SyncRequest};
use mesh::{MY, Peer, SG, VN, indicator};

fn published(peer: &mut Peer, count: u32) -> Vec<Parcel> {
    (0..count).flat_map(|n| peer.publish(&[&indicator(n, "a.example", 2021)])).collect()
}

fn bare(parcel: &Parcel) -> Parcel {
    Parcel::new(parcel.record().to_vec(), None)
}

fn same(one: &Peer, other: &Peer) -> bool {
    let code = "SG".parse().unwrap();
    let digest = |peer: &Peer| frontier(peer.store(), peer.engine.membership(), code).unwrap().digest();
    digest(one) == digest(other)
}

#[test]
fn a_late_node_gets_everything_and_then_one_question_is_enough() {
    let (mut sg, mut my, mut vn) = (Peer::new(SG), Peer::new(MY), Peer::new(VN));
    published(&mut sg, 5);
    my.publish(&[&indicator(9, "b.example", 2021)]);
    my.sync_from(&sg);
    vn.sync_from(&my);
    assert!(same(&my, &vn) && !same(&sg, &vn));
    assert_eq!(vn.find(&Query::default()).len(), 6);
    assert!(matches!(vn.sync_from(&my)[..], [SyncRequest::Compare(_)]));
}

#[test]
fn records_wait_for_their_predecessors() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    let parcels = published(&mut sg, 4);
    for parcel in parcels[1..].iter().rev() {
        assert!(matches!(my.enter(std::slice::from_ref(parcel))[..], [Err(Refusal::Gap { next: 0, .. })]));
    }
    assert_eq!(counts(my.store()).unwrap().records, 0);
    assert!(my.enter(&parcels[..1])[0].is_ok());
    assert!(same(&sg, &my), "all of them follow the first");
    assert_eq!(my.find(&Query::default()).len(), 4);
}

#[test]
fn what_waits_is_verified_and_bounded() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    let parcels = published(&mut sg, 2);
    let mut forged = parcels[2].record().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let refused = my.enter(&[Parcel::new(forged, parcels[2].body().map(<[u8]>::to_vec))]);
    assert!(matches!(refused[..], [Err(Refusal::Signature { .. })]));
    assert_eq!(my.enter(&parcels[..2]).len(), 2);
    assert_eq!(counts(my.store()).unwrap().records, 2, "the forged one did not wait");
}

#[test]
fn headers_come_first_and_bodies_follow() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    let parcels = published(&mut sg, 3);
    let bare: Vec<_> = parcels.iter().map(bare).collect();
    assert!(my.enter(&bare).iter().all(Result::is_ok));
    assert_eq!(my.find(&Query::default()).len(), 0);
    assert!(!same(&sg, &my), "missing bodies are part of a frontier");

    assert!(my.enter(&parcels[2..3])[0].is_ok(), "gossip may bring the body of a record that is here");
    assert!(matches!(my.enter(&parcels[2..3])[..], [Err(Refusal::Duplicate(_))]));
    assert_eq!(my.find(&Query::default()).len(), 1);

    let asked = my.sync_from(&sg);
    assert!(same(&sg, &my));
    assert_eq!(my.find(&Query::default()).len(), 3);
    let bodies = asked.iter().find_map(|request| match request {
        SyncRequest::Bodies(places) => Some(places.iter().map(|(_, seq)| *seq).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(bodies, Some(vec![3, 1]), "the newest first, and not the one that came");
}

#[test]
fn a_wrong_body_is_refused_and_the_right_one_still_taken() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    let parcels = published(&mut sg, 1);
    my.enter(&[parcels[0].clone(), bare(&parcels[1])]);
    let place = |parcel: &Parcel| {
        let record = certmesh_wire::Record::decode(parcel.record()).unwrap();
        (record.header().log, record.header().seq)
    };
    let mut steps = certmesh_engine::Steps::default();
    let wrong = my.engine.enter_body(&*my.store, place(&parcels[1]), b"wrong".to_vec(), 1, &mut steps);
    assert!(matches!(wrong, Err(Refusal::BodyMismatch(_))));
    let unasked = my.engine.enter_body(&*my.store, place(&parcels[0]), b"body".to_vec(), 1, &mut steps);
    assert!(matches!(unasked, Err(Refusal::BodyUnwanted { .. })));
    assert!(steps.is_empty());
    my.sync_from(&sg);
    assert_eq!(my.find(&Query::default()).len(), 1);
}

#[test]
fn long_logs_come_in_several_answers_and_no_log_waits_for_another() {
    let (mut sg, mut my, mut vn) = (Peer::new(SG), Peer::new(MY), Peer::new(VN));
    let noise = |seed: u32| -> String {
        let mut state = seed;
        let letters = (0..700_000).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'a' + (state >> 24) as u8 % 26)
        });
        letters.collect()
    };
    for n in 0..14 {
        let with_noise = format!("\"x_noise\":\"{}\",\"type\"", noise(n));
        sg.publish(&[&indicator(n, "a.example", 2021).replace("\"type\"", &with_noise)]);
    }
    my.publish(&[&indicator(99, "b.example", 2021)]);
    my.sync_from(&sg);
    let asked = vn.sync_from(&my);
    let rounds = asked.iter().filter(|request| matches!(request, SyncRequest::Bodies(_))).count();
    assert!(rounds > 1, "the test is too small for the budget");
    assert_eq!(counts(vn.store()).unwrap(), counts(my.store()).unwrap());
}

/// The first question of a round, and the answer that there is nothing to be fetched.
fn same_documents(session: &mut Session, peer: &Peer) {
    let asked = session.next(peer.store(), peer.engine.membership()).unwrap();
    assert!(matches!(asked, Some(SyncRequest::Documents(_))));
    session.take(SyncAnswer::Same).unwrap();
}

#[test]
fn a_peer_that_boasts_and_gives_nothing_ends_the_round() {
    let (mut sg, my) = (Peer::new(SG), Peer::new(MY));
    published(&mut sg, 1);
    let mut session = Session::new("SG".parse().unwrap());
    let ask = |session: &mut Session| session.next(my.store(), my.engine.membership()).unwrap();
    let log = frontier(sg.store(), sg.engine.membership(), "MY".parse().unwrap()).unwrap();
    same_documents(&mut session, &my);
    assert!(matches!(ask(&mut session), Some(SyncRequest::Compare(_))));
    session.take(SyncAnswer::Frontier(log)).unwrap();
    assert!(matches!(ask(&mut session), Some(SyncRequest::Records(_))));
    session.take(SyncAnswer::Records(Vec::new(), true)).unwrap();
    assert_eq!(ask(&mut session), None);
    assert_eq!(session.take(SyncAnswer::Same), Err(SyncFault::Unasked));
    session.begin();
    same_documents(&mut session, &my);
    assert!(matches!(ask(&mut session), Some(SyncRequest::Compare(_))));
    assert_eq!(session.take(SyncAnswer::Records(Vec::new(), false)), Err(SyncFault::Unasked));
}

#[test]
fn answers_tell_strangers_nothing() {
    let mut sg = Peer::new(SG);
    let parcels = published(&mut sg, 1);
    let log = certmesh_wire::Record::decode(parcels[0].record()).unwrap().header().log;
    let ask = |asker: NodeId, request: SyncRequest| {
        answer(sg.store(), sg.engine.membership(), asker, &request).unwrap()
    };
    let stranger = NodeId([1; 32]);
    assert_eq!(ask(stranger, SyncRequest::Compare([0; 32])), SyncAnswer::Same);
    assert_eq!(ask(stranger, SyncRequest::Documents([0; 32])), SyncAnswer::Same);
    let roster = sg.engine.membership().head();
    assert_eq!(ask(stranger, SyncRequest::Fetch(vec![roster])), SyncAnswer::Documents(vec![]));
    assert_eq!(ask(stranger, SyncRequest::Records(vec![(log, 0)])), SyncAnswer::Records(vec![], false));
    assert_eq!(ask(stranger, SyncRequest::Bodies(vec![(log, 1)])), SyncAnswer::Bodies(vec![]));
    assert_eq!(ask(stranger, SyncRequest::Ids(vec![(log, 0)])), SyncAnswer::Ids(vec![None]));

    let my = mesh::node_key(MY).node_id();
    let first = RecordId(certmesh_wire::sha256(&[parcels[0].record()]));
    let places = vec![(log, 0), (log, 7), (LogId([0; 32]), 0)];
    assert_eq!(ask(my, SyncRequest::Ids(places)), SyncAnswer::Ids(vec![Some(first), None, None]));
}

#[test]
fn bodies_that_nobody_has_hide_no_others() {
    let (mut sg, mut my, mut vn) = (Peer::new(SG), Peer::new(MY), Peer::new(VN));
    let parcels: Vec<_> = (0..1_200).flat_map(|n| sg.publish(&[&indicator(n, "a.example", 2021)])).collect();
    let (whole, withheld) = parcels.split_at(20);
    my.enter(whole);
    for portion in withheld.chunks(256) {
        my.enter(&portion.iter().map(bare).collect::<Vec<_>>());
    }
    vn.sync_from(&my);
    assert_eq!(vn.find(&Query::default()).len(), 19);
}

#[test]
fn a_body_comes_once_and_in_the_order_that_was_asked() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    let parcels = published(&mut sg, 2);
    my.enter(&parcels.iter().map(bare).collect::<Vec<_>>());
    let ask = || {
        let mut session = Session::new("SG".parse().unwrap());
        let told = frontier(sg.store(), sg.engine.membership(), "MY".parse().unwrap()).unwrap();
        same_documents(&mut session, &my);
        session.next(my.store(), my.engine.membership()).unwrap();
        session.take(SyncAnswer::Frontier(told)).unwrap();
        let asked = session.next(my.store(), my.engine.membership()).unwrap();
        let Some(SyncRequest::Bodies(places)) = asked else { panic!("{asked:?}") };
        (session, places)
    };
    let (_, places) = ask();
    let body = |at: usize| (places[at].0, places[at].1, b"body".to_vec());
    for (bodies, taken) in [
        (vec![body(0), body(1)], true),
        (vec![body(1)], true),
        (vec![body(0), body(0)], false),
        (vec![body(1), body(0)], false),
    ] {
        assert_eq!(ask().0.take(SyncAnswer::Bodies(bodies)).is_ok(), taken);
    }
}

#[test]
fn nodes_that_lack_different_bodies_notice() {
    let mut sg = Peer::new(SG);
    let whole: Vec<_> = (0..4).flat_map(|n| sg.publish(&[&indicator(n, "a.example", 2021)])).collect();
    let bare = |parcel: &Parcel| Parcel::new(parcel.record().to_vec(), None);
    let (mut my, mut vn) = (Peer::new(MY), Peer::new(VN));
    // The author gives the body of seq 2 to nobody, and that of seq 4 to MY alone.
    my.enter(&[whole[0].clone(), whole[1].clone(), bare(&whole[2]), whole[3].clone(), whole[4].clone()]);
    vn.enter(&[whole[0].clone(), whole[1].clone(), bare(&whole[2]), whole[3].clone(), bare(&whole[4])]);
    vn.sync_from(&my);
    assert_eq!(vn.find(&Query::default()).len(), 3);
    assert_eq!(vn.sync_from(&my).len(), 1, "and then they lack the same");
}
