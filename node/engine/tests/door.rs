//! The one door: what it takes, what it refuses, and that nothing shows before it is durable.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use std::sync::Arc;

use certmesh_engine::store::{Family, MemoryStore, Readable};
use certmesh_engine::{Membership, PublishFault, Query, Refusal, Steps, Verdict, commit, counts};
use certmesh_wire::{
    Audience, BodyRef, Checkpoint, Header, Kind, NodeState, Opening, PackedBody, Parcel, Record,
    RosterLimits, SecretKey,
};
use mesh::{MY, Peer, SG, VN, indicator, manifest, membership, node_key, roster};

/// The opening of SG's log.
fn own_log() -> Opening {
    Opening { member: "SG".parse().unwrap(), node: node_key(SG).node_id(), audience: Audience::All }
}

/// A record of SG's log made outside the engine, to break what rule one likes.
fn forge(
    seq: u64,
    prev: Option<&Parcel>,
    change: impl FnOnce(&mut Header),
    body: Option<&PackedBody>,
) -> Parcel {
    let opening = own_log();
    let mut header = Header {
        log: opening.log_id(),
        seq,
        prev: prev.map(|parcel| Record::decode(parcel.record()).unwrap().id()),
        roster: 0,
        created_ms: 5,
        kind: if seq == 0 { Kind::OPENING } else { Kind::OBJECTS },
        tlp: 2,
        body: body.map(|body| body.reference),
        expires_ms: None,
        opening: (seq == 0).then_some(opening),
    };
    change(&mut header);
    let record = Record::sign(header, membership().mesh(), &node_key(SG)).unwrap();
    Parcel::new(record.signed().to_vec(), body.map(|body| body.bytes.clone()))
}

fn body(texts: &[&str]) -> PackedBody {
    PackedBody::pack(texts).unwrap()
}

#[test]
fn what_one_publishes_the_other_reads_byte_for_byte() {
    let text = indicator(1, "evil.example", 2021).replace(",\"", " ,\n\t\"");
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    let parcels = sg.publish(&[&text]);
    assert_eq!(parcels.len(), 2, "the log's opening and the record");
    my.take_all(&parcels);
    for peer in [&sg, &my] {
        let found = peer.find(&Query { value: Some("hxxp://EVIL[.]example".into()), ..Query::default() });
        assert_eq!(found.len(), 0, "a URL is not its domain");
        let found = peer.find(&Query { value: Some("EVIL[.]example".into()), ..Query::default() });
        assert_eq!(found.iter().map(|object| &object.json).collect::<Vec<_>>(), [&text]);
        assert_eq!(found[0].member.as_str(), "SG");
        assert_eq!(found[0].node, sg.node_id());
    }
}

#[test]
fn every_flipped_bit_is_refused_and_changes_nothing() {
    let mut sg = Peer::new(SG);
    let parcels = sg.publish(&[&indicator(1, "evil.example", 2021)]);
    let mut my = Peer::new(MY);
    my.take(&parcels[0]).unwrap();
    let before = counts(my.store()).unwrap();
    for at in 0..parcels[1].record().len() {
        let mut bytes = parcels[1].record().to_vec();
        bytes[at] ^= 1 << (at % 8);
        let refusal = my.take(&Parcel::new(bytes, parcels[1].body().map(<[u8]>::to_vec))).unwrap_err();
        assert_ne!(refusal.verdict(), Verdict::Accept, "byte {at}: {refusal}");
    }
    let mut body = parcels[1].body().unwrap().to_vec();
    body[9] ^= 1;
    let refusal = my.take(&Parcel::new(parcels[1].record().to_vec(), Some(body))).unwrap_err();
    assert_eq!((refusal.reason(), refusal.verdict()), ("body-mismatch", Verdict::Reject));
    assert_eq!(counts(my.store()).unwrap(), before);
    my.take(&parcels[1]).unwrap();
}

#[test]
fn order_duplicates_and_missing_bodies() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    let parcels = sg.publish(&[&indicator(1, "a.example", 2021)]);
    let refusal = my.take(&parcels[1]).unwrap_err();
    assert!(matches!(refusal, Refusal::Gap { seq: 1, next: 0, .. }));
    my.take(&parcels[0]).unwrap();
    my.take(&parcels[1]).unwrap();
    assert!(matches!(my.take(&parcels[1]), Err(Refusal::Duplicate(_))));
}

#[test]
fn one_batch_takes_a_record_once() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    let parcels = sg.publish(&[&indicator(1, "a.example", 2021)]);
    let mut steps = Steps::default();
    for (parcel, taken) in
        [(&parcels[0], true), (&parcels[0], false), (&parcels[1], true), (&parcels[1], false)]
    {
        let verified = my
            .engine
            .precheck(&*my.store, parcel.record())
            .unwrap()
            .verify(parcel.body().map(<[u8]>::to_vec));
        let result = my.engine.admit(&*my.store, verified.unwrap(), 1, &mut steps);
        assert_eq!(result.is_ok(), taken, "{result:?}");
    }
    assert_eq!(commit(&*my.store, steps).unwrap().records.len(), 2);
}

#[test]
fn two_histories_are_called_a_fork() {
    let mut my = Peer::new(MY);
    let opening = forge(0, None, |_| {}, None);
    let texts = [indicator(1, "a.example", 2021), indicator(2, "b.example", 2021)];
    let branches = [0, 1].map(|at| forge(1, Some(&opening), |_| {}, Some(&body(&[&texts[at]]))));
    my.take(&opening).unwrap();
    my.take(&branches[0]).unwrap();
    assert!(matches!(my.take(&branches[1]), Err(Refusal::Fork { seq: 1, .. })));
    let beyond = forge(2, Some(&branches[1]), |_| {}, Some(&body(&["{}"])));
    assert!(matches!(my.take(&beyond), Err(Refusal::Fork { seq: 2, .. })));
    let beyond = forge(2, Some(&branches[0]), |_| {}, Some(&body(&["{}"])));
    my.take(&beyond).unwrap();
}

#[test]
fn a_void_body_has_no_objects_and_the_log_goes_on() {
    let mut my = Peer::new(MY);
    let opening = forge(0, None, |_| {}, None);
    let good = indicator(1, "a.example", 2021);
    let void: [PackedBody; 4] = [
        body(&[&good, "{\"type\": \"indicator\"}"]),
        body(&["[1, 2"]),
        // Marked below its objects: an unmarked object counts as AMBER.
        body(&[&good]),
        {
            let bytes = b"not zstd".to_vec();
            let hash = certmesh_wire::sha256(&[&bytes]);
            PackedBody { reference: BodyRef { len: 8, raw_len: 9, hash }, bytes }
        },
    ];
    my.take(&opening).unwrap();
    let mut last = opening;
    for (at, body) in void.iter().enumerate() {
        let tlp = if at == 2 { 1 } else { 2 };
        last = forge(at as u64 + 1, Some(&last), |header| header.tlp = tlp, Some(body));
        my.take(&last).unwrap();
    }
    assert_eq!(my.find(&Query::default()), []);
    assert_eq!(counts(my.store()).unwrap().void, 4);
    my.take(&forge(5, Some(&last), |_| {}, Some(&body(&[&good])))).unwrap();
    assert_eq!(my.find(&Query::default()).len(), 1);
}

#[test]
fn header_rules() {
    let mut my = Peer::new(MY);
    let opening = forge(0, None, |_| {}, None);
    my.take(&opening).unwrap();
    let good = body(&[&indicator(1, "a.example", 2021)]);
    for (change, reason, verdict) in [
        ((|header| header.tlp = 4) as fn(&mut Header), "tlp", Verdict::Reject),
        (|header| header.tlp = 3, "tlp", Verdict::Reject),
        (|header| header.roster = 1, "roster-ahead", Verdict::Ignore),
    ] {
        let refusal = my.take(&forge(1, Some(&opening), change, Some(&good))).unwrap_err();
        assert_eq!((refusal.reason(), refusal.verdict()), (reason, verdict));
    }
    let unknown = forge(1, Some(&opening), |header| header.kind = Kind(77), Some(&good));
    my.take(&unknown).unwrap();
    assert_eq!(my.find(&Query::default()), [], "an unknown kind is carried and means nothing");
}

#[test]
fn strangers_logs_and_other_meshes_are_refused() {
    let mut my = Peer::new(MY);
    let stranger = SecretKey::from_seed(&[9; 32]);
    let opening = Opening { node: stranger.node_id(), ..own_log() };
    let header = |opening: Opening| Header {
        log: opening.log_id(),
        seq: 0,
        prev: None,
        roster: 0,
        created_ms: 5,
        kind: Kind::OPENING,
        tlp: 0,
        body: None,
        expires_ms: None,
        opening: Some(opening),
    };
    let record = Record::sign(header(opening), membership().mesh(), &stranger).unwrap();
    let refusal = my.take(&Parcel::new(record.signed().to_vec(), None)).unwrap_err();
    assert_eq!((refusal.reason(), refusal.verdict()), ("unknown-log", Verdict::Ignore));

    let elsewhere = Record::sign(header(own_log()), certmesh_wire::MeshId([1; 32]), &node_key(SG)).unwrap();
    let refusal = my.take(&Parcel::new(elsewhere.signed().to_vec(), None)).unwrap_err();
    assert_eq!((refusal.reason(), refusal.verdict()), ("bad-signature", Verdict::Reject));
}

#[test]
fn a_cut_log_ends_at_its_checkpoint_on_every_node() {
    let mut sg = Peer::new(SG);
    let parcels =
        [sg.publish(&[&indicator(1, "a.example", 2021)]), sg.publish(&[&indicator(2, "b.example", 2021)])]
            .concat();
    let last_good = Record::decode(parcels[1].record()).unwrap();
    let checkpoint =
        Checkpoint { log: last_good.header().log, seq: last_good.header().seq, record: last_good.id() };
    let roster = roster(RosterLimits::default());
    let mesh = roster.mesh();
    let manifests =
        [manifest(mesh, MY, NodeState::Live, vec![]), manifest(mesh, SG, NodeState::Cut, vec![checkpoint])];
    let cut = Membership::new(roster, manifests).unwrap();
    let mut my = Peer::with(cut, MY, Arc::default());
    my.take(&parcels[0]).unwrap();
    my.take(&parcels[1]).unwrap();
    assert!(matches!(my.take(&parcels[2]), Err(Refusal::Cut { .. })));
}

#[test]
fn the_rosters_allowance_stops_a_log() {
    let limits = RosterLimits { log_records: 2, ..RosterLimits::default() };
    let mut sg = Peer::with(mesh::membership_within(limits), SG, Arc::default());
    sg.publish(&[&indicator(1, "a.example", 2021)]);
    let mut steps = Steps::default();
    let refused = sg.engine.publish(&*sg.store, &[&indicator(2, "b.example", 2021)], 1, &mut steps);
    assert!(matches!(refused, Err(PublishFault::Refused(Refusal::Allowance { .. }))));
}

#[test]
fn publishing_is_all_or_nothing() {
    let mut sg = Peer::new(SG);
    let red = indicator(2, "b.example", 2021).replace(
        "\"type\"",
        "\"object_marking_refs\":[\"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1\"],\"type\"",
    );
    let broken = indicator(3, "c.example", 2021).replace("valid_from", "valid_form");
    for bad in [&red, &broken] {
        let mut steps = Steps::default();
        let objects = [&*indicator(1, "a.example", 2021), bad];
        let fault = sg.engine.publish(&*sg.store, &objects, 1, &mut steps).unwrap_err();
        assert!(fault.to_string().contains("object 2"), "{fault}");
        assert!(steps.is_empty());
    }
    assert_eq!(counts(sg.store()).unwrap().records, 0);
}

#[test]
fn nothing_is_stored_before_the_commit() {
    let mut sg = Peer::new(SG);
    let mut steps = Steps::default();
    sg.engine.publish(&*sg.store, &[&indicator(1, "a.example", 2021)], 1, &mut steps).unwrap();
    for family in Family::ALL {
        let mut keys = 0;
        let mut count = |_: &[u8], _: &[u8]| {
            keys += 1;
            std::ops::ControlFlow::Continue(())
        };
        sg.store
            .scan(family, &[], &[u8::MAX; 64], certmesh_engine::store::Order::Ascending, &mut count)
            .unwrap();
        assert_eq!(keys, 0, "{}", family.name());
    }
    commit(&*sg.store, steps).unwrap();
    assert_eq!(sg.find(&Query::default()).len(), 1);
}

#[test]
fn a_reopened_engine_goes_on_where_the_store_stands() {
    let store: Arc<MemoryStore> = Arc::default();
    let mut sg = Peer::with(membership(), SG, Arc::clone(&store));
    let first = sg.publish(&[&indicator(1, "a.example", 2021)]);
    let mut again = Peer::with(membership(), SG, store);
    let second = again.publish(&[&indicator(2, "b.example", 2021)]);
    let mut vn = Peer::new(VN);
    vn.take_all(&[first, second].concat());
    assert_eq!(vn.find(&Query::default()).len(), 2);
}
