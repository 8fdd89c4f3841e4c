//! What carries records between nodes and into files: parcels, sync, exports.

use std::ops::ControlFlow;

use certmesh_engine::sync::answer;
use certmesh_engine::{Document, Engine, Refusal, Steps, commit, export};
use certmesh_wire::{
    Export, ExportWriter, Frontier, FrontierEntry, LogId, Parcel, RecordId, SignedManifest, SyncAnswer,
    SyncRequest, missing_mark,
};
use serde_json::{Value, json};

use crate::file::hex;
use crate::logs::{Entry, GREEN, UNMARKED, forked_log, group_log, main_log, void_log};
use crate::mesh::{CREATED_MS, Door, SG_CUT, VN_NODE, key, log, manifests, moved_on};

fn parcels() -> Vec<Parcel> {
    main_log().iter().map(Entry::parcel).collect()
}

fn without_body(parcel: &Parcel) -> Parcel {
    Parcel::new(parcel.record().to_vec(), None)
}

/// What MY's node has taken, in this order: SG's logs, three records of VN's of which the last lacks
/// its body, and one branch of the log of SG's retired node.
fn held() -> Vec<Parcel> {
    let [opening, one, ..] = forked_log();
    let mut parcels = parcels();
    parcels.extend(group_log().iter().chain(&void_log()[..2]).map(Entry::parcel));
    parcels.push(without_body(&void_log()[2].parcel()));
    parcels.extend([opening, one].map(|entry| entry.parcel()));
    parcels
}

/// The two branches of the log of SG's retired node; the smaller id first.
pub(crate) fn fork() -> [Vec<u8>; 2] {
    let [_, one, other, _] = forked_log();
    let mut branches = [one.record, other.record];
    branches.sort_by_key(|record| record.id());
    branches.map(|record| record.signed().to_vec())
}

/// MY's node with all that, and with the proof that the last log forks.
pub(crate) fn door() -> Door {
    let mut door = Door::new();
    held().iter().for_each(|parcel| door.take_parcel(parcel).unwrap());
    door.take_fork(&fork()).unwrap();
    door
}

/// How far MY's node is in what VN may hold: not in the log for a group.
fn frontier() -> Frontier {
    let entry = |last: &Entry, bodies: u64, fork: Option<u64>| {
        let header = last.record.header();
        let next = header.seq + 1;
        let missing = if bodies < next { missing_mark(bodies) } else { 0 };
        FrontierEntry { log: header.log, next, head: last.record.id(), bodies, missing, fork }
    };
    let [opening, ..] = forked_log();
    Frontier::new([
        entry(&main_log()[2], 3, None),
        entry(&void_log()[2], 2, None),
        entry(&opening, 1, Some(1)),
    ])
}

/// A frontier of one log, whose opening is forked: nothing of it is valid.
fn forked_from_the_start() -> Frontier {
    let entry = FrontierEntry {
        log: log(SG_CUT),
        next: 0,
        head: RecordId([0; 32]),
        bodies: 0,
        missing: 0,
        fork: Some(0),
    };
    Frontier::new([entry])
}

fn log_of(entries: &[Entry]) -> LogId {
    entries[0].record.header().log
}

/// What VN's node asks MY's, and what that answers.
fn exchanges() -> Vec<(&'static str, SyncRequest, SyncAnswer)> {
    let (main, group, void, forked) =
        (log_of(&main_log()), log_of(&group_log()), log_of(&void_log()), log_of(&forked_log()));
    let signed = |entry: &Entry| entry.record.signed().to_vec();
    let body = |entry: &Entry| entry.body.as_ref().unwrap().bytes.clone();
    let mut from = [(main, 1), (group, 0), (void, 2), (forked, 0)];
    from.sort_unstable();
    let records = from.iter().flat_map(|(log, from)| match *log {
        one if one == main => main_log()[*from as usize..].iter().map(signed).collect(),
        one if one == void => vec![signed(&void_log()[2])],
        one if one == forked => vec![signed(&forked_log()[0])],
        _ => Vec::new(),
    });
    let places = vec![(main, 2), (void, 2), (main, 0), (group, 0), (main, 1)];
    vec![
        ("the same frontier", SyncRequest::Compare(frontier().digest()), SyncAnswer::Same),
        (
            "a node that holds nothing",
            SyncRequest::Compare(Frontier::default().digest()),
            SyncAnswer::Frontier(frontier()),
        ),
        (
            "records of four logs, one of which is not for VN",
            SyncRequest::Records(from.to_vec()),
            SyncAnswer::Records(records.collect(), false),
        ),
        ("records of no log", SyncRequest::Records(Vec::new()), SyncAnswer::Records(Vec::new(), false)),
        (
            "bodies of five records: two have one here, and are for VN",
            SyncRequest::Bodies(places),
            SyncAnswer::Bodies(vec![(main, 2, body(&main_log()[2])), (main, 1, body(&main_log()[1]))]),
        ),
        (
            "ids in five places: beyond the end, for others, and beyond the fork there is none",
            SyncRequest::Ids(vec![(main, 1), (main, 3), (group, 0), (forked, 1), (forked, 0)]),
            SyncAnswer::Ids(vec![
                Some(main_log()[1].record.id()),
                None,
                None,
                None,
                Some(forked_log()[0].record.id()),
            ]),
        ),
        (
            "the forks of two logs, one of which has none",
            SyncRequest::Forks(vec![forked, main]),
            SyncAnswer::Forks(vec![fork()]),
        ),
    ]
}

/// A node's whole export: the manifests that count, then SG's log.
pub(crate) fn whole_export() -> Vec<u8> {
    let manifests: Vec<SignedManifest> = manifests().into_iter().skip(1).map(|(_, signed)| signed).collect();
    let first = ExportWriter::manifests(&manifests);
    let rest = parcels().iter().flat_map(ExportWriter::parcel).collect::<Vec<_>>();
    [first, rest].concat()
}

fn frontier_json(name: &str, frontier: &Frontier) -> Value {
    let entries = frontier.entries().iter().map(|entry| {
        json!({
            "log": entry.log.to_string(),
            "next": entry.next,
            "head": entry.head.to_string(),
            "bodies": entry.bodies,
            "missing": entry.missing.to_string(),
            "fork": entry.fork,
        })
    });
    json!({
        "name": name,
        "logs": entries.collect::<Vec<_>>(),
        "answer": hex(&SyncAnswer::Frontier(frontier.clone()).encode()),
        "digest": hex(&frontier.digest()),
    })
}

pub(crate) fn file() -> Value {
    let parcels = parcels();
    let exchanges = exchanges().into_iter().map(
        |(name, request, answer)| json!({ "name": name, "request": hex(&request.encode()), "answer": hex(&answer.encode()) }),
    );
    json!({
        "gossip": { "whole": hex(&parcels[1].encode()), "without its body": hex(&without_body(&parcels[1]).encode()) },
        "held": held().iter().map(|parcel| hex(&parcel.encode())).collect::<Vec<_>>(),
        "fork": fork().map(|record| hex(&record)),
        "frontiers": [
            frontier_json("of MY's node, for VN", &frontier()),
            frontier_json("of a node that holds nothing", &Frontier::default()),
            frontier_json("of one log, whose opening is forked", &forked_from_the_start()),
        ],
        "sync": exchanges.collect::<Vec<_>>(),
        "export": hex(&whole_export()),
    })
}

#[test]
fn a_node_answers_each_question_so() {
    let door = door();
    for (name, request, expected) in exchanges() {
        let request = SyncRequest::decode(&request.encode()).unwrap();
        let given = answer(&door.store, door.engine.membership(), key(VN_NODE).node_id(), &request).unwrap();
        assert_eq!(given, expected, "{name}");
        assert_eq!(SyncAnswer::decode(&given.encode()), Ok(given), "{name}");
    }
    let forked = SyncAnswer::Frontier(forked_from_the_start());
    assert_eq!(SyncAnswer::decode(&forked.encode()), Ok(forked));
}

#[test]
fn a_body_that_follows_completes_its_record() {
    let mut door = door();
    let missing = &void_log()[2];
    let place = (missing.record.header().log, 2);
    let body = missing.body.as_ref().unwrap().bytes.clone();
    door.take_body(place, body.clone()).unwrap();
    assert!(matches!(door.take_body(place, body), Err(Refusal::BodyUnwanted { .. })));
}

#[test]
fn an_export_has_each_record_once() {
    let read: Vec<_> = Export::open(&whole_export()).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, parcels());
}

/// An export that the engine makes of what it has just published, of a node that its member's newest manifest no longer names.
pub(crate) fn fresh_export() -> Vec<u8> {
    let mut door = Door::new();
    let mut steps = Steps::default();
    Engine::publish(&mut door.engine, &door.store, &[GREEN, UNMARKED], CREATED_MS, &mut steps).unwrap();
    commit(&door.store, steps).unwrap();
    let mut steps = Steps::default();
    let documents = vec![Document::Manifest(moved_on())];
    let entered = door.engine.enter_documents(&door.store, documents, &mut steps).unwrap();
    assert_eq!(entered, [Ok(true)]);
    commit(&door.store, steps).unwrap();
    let mut file = Vec::new();
    let mut take = |piece: Vec<u8>| {
        file.extend(piece);
        ControlFlow::Continue(())
    };
    export(&door.store, door.engine.membership(), &mut take).unwrap();
    file
}
