//! Endpoints that are no honest nodes: one whose key no manifest names, and one that has a member's
//! real key and sends what that key did not sign.

use std::time::{Duration, Instant};

use certmesh_mesh::{AnswerFault, Event, Source};
use certmesh_tests::{Bundle, Mesh, Node, Outsider, Pen, Silent, eventually};
use certmesh_wire::{
    Frontier, FrontierEntry, LogId, MeshId, NodeId, Parcel, Record, RecordId, SecretKey, SyncAnswer,
    SyncRequest, sha256,
};

/// The opening of a node's log, and one record of objects behind it.
fn log_of(node: &Node, mesh: MeshId, objects: &[String]) -> (Record, Record, Vec<u8>) {
    let mut pen = Pen::new(node.member(), node.secret_key(), mesh);
    let (opening, objects) = (pen.open(), pen.write(objects));
    (opening.record, objects.record, objects.body.unwrap())
}

/// The bytes with one bit of their last 64, a record's signature, turned over.
fn with_flipped_bit(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let last = bytes.len() - 1;
    bytes[last - bit / 8 % 64] ^= 1 << (bit % 8);
    bytes
}

fn refused(node: &Node, reason: &str) -> u64 {
    node.status().refused.get(reason).copied().unwrap_or_default()
}

/// Asserts that a node's log names this reason together with the peer that sent it.
#[track_caller]
fn log_names(node: &Node, reason: &str, sender: &Node) {
    let from = format!("{}/", sender.member());
    let named = node.log().lines().any(|line| line.contains(reason) && line.contains(&from));
    assert!(named, "{}'s log does not name {reason} from {from}:\n{}", node.member(), node.log());
}

#[test]
fn a_key_that_no_manifest_names_gets_nothing() {
    let mesh = Mesh::raise(2);
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    let key = SecretKey::from_seed(&[66; 32]);
    let mut stranger = Outsider::start(key.clone(), mesh.id(), mesh.addresses(), Silent);
    eventually("both logs to name the stranger", || {
        let named = |node: &&Node| {
            let names =
                |line: &str| line.contains(&key.node_id().to_string()) && line.contains("no manifest");
            node.log().lines().any(names)
        };
        if [sg, my].iter().all(named) { Ok(()) } else { Err(format!("{}\n{}", sg.log(), my.log())) }
    });
    let (bundle, watched) = (Bundle::varied(50, 12), Instant::now());
    let mut longest = Duration::ZERO;
    let mut since = None;
    for object in &bundle.objects {
        sg.run_fed(&["publish", "-"], object).done();
        for _ in 0..10 {
            stranger.gossip(watched.elapsed().as_nanos().to_be_bytes().to_vec());
            since = if stranger.connected().is_empty() { None } else { since.or(Some(Instant::now())) };
            longest = longest.max(since.map_or(Duration::ZERO, |since| since.elapsed()));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    // A handshake is over before the other side can say no.
    assert!(longest < Duration::from_secs(1), "the stranger stayed connected for {longest:?}");
    mesh.wait_for_objects(12);
    for event in stranger.heard() {
        assert!(!matches!(event, Event::Gossip { .. }), "the stranger has heard {event:?}");
    }
    for node in [sg, my] {
        let status = node.status();
        assert_eq!(status.peers.len(), 1, "a stranger is no peer");
        assert!(
            status.refused.is_empty(),
            "nothing of the stranger's was even looked at: {:?}",
            status.refused
        );
    }
}

#[test]
fn a_flipped_bit_in_gossip_is_refused_counted_and_named() {
    let mesh = Mesh::raise(3);
    let (sg, my, vn) = (mesh.node("SG"), mesh.node("MY"), mesh.node("VN"));
    let honest = [sg, my];
    vn.stop();
    let bundle = Bundle::varied(51, 3);
    let (opening, objects, body) = log_of(vn, mesh.id(), &bundle.objects);
    let rogue = Outsider::start(vn.secret_key(), mesh.id(), mesh.addresses(), Silent);
    rogue.wait_for(&honest.map(Node::node_id));

    let mut bits = 0..512;
    let forged_opening =
        || Parcel::new(with_flipped_bit(opening.signed(), bits.next().unwrap()), None).encode();
    rogue.gossip_until("a forged signature to be refused", forged_opening, || {
        honest.iter().all(|node| refused(node, "bad-signature") > 0)
    });
    for node in honest {
        log_names(node, "bad-signature", vn);
        assert!(node.peer("VN").refused > 0);
        assert_eq!(node.holds(), (0, 0), "{} has stored a forgery", node.member());
    }

    // The same record without the flipped bit is taken: nothing else was wrong with it.
    rogue.gossip(Parcel::new(opening.signed().to_vec(), None).encode());
    eventually("the true opening", || match honest.map(Node::holds) {
        [(1, 0), (1, 0)] => Ok(()),
        held => Err(format!("{held:?}")),
    });

    let mut bits = 0..512;
    let forged_body = || {
        let body = with_flipped_bit(&body, bits.next().unwrap());
        Parcel::new(objects.signed().to_vec(), Some(body)).encode()
    };
    rogue.gossip_until("a forged body to be refused", forged_body, || {
        honest.iter().all(|node| refused(node, "body-mismatch") > 0)
    });
    for node in honest {
        log_names(node, "body-mismatch", vn);
        assert_eq!(node.holds(), (1, 0), "{} has stored a forgery", node.member());
    }
    rogue.gossip(Parcel::new(objects.signed().to_vec(), Some(body.clone())).encode());
    eventually("the true objects", || match honest.map(Node::holds) {
        [(2, 3), (2, 3)] => Ok(()),
        held => Err(format!("{held:?}")),
    });

    // VN's own node, back with its key, gets its log from the others.
    drop(rogue);
    mesh.up();
    mesh.wait_for_objects(3);
    crate::all_show_exactly(&mesh, bundle.on_lines());
}

/// Boasts of one record, and gives it to whoever asks.
struct Forger {
    log: LogId,
    record: Vec<u8>,
}

impl Source for Forger {
    fn member(&self, _: NodeId) -> Option<certmesh_wire::MemberCode> {
        None
    }

    fn answer(&self, _: NodeId, request: &[u8]) -> Result<Vec<u8>, AnswerFault> {
        let Self { log, record } = self;
        let head = RecordId(sha256(&[record]));
        let boast = FrontierEntry { log: *log, next: 1, head, bodies: 1, missing: 0, fork: None };
        match SyncRequest::decode(request).unwrap() {
            SyncRequest::Compare(_) => Ok(SyncAnswer::Frontier(Frontier::new([boast])).encode()),
            SyncRequest::Documents(_) => Ok(SyncAnswer::Same.encode()),
            SyncRequest::Records(_) => Ok(SyncAnswer::Records(vec![record.clone()], false).encode()),
            other => Err(AnswerFault::Unavailable(format!("asked for {other:?}"))),
        }
    }
}

#[test]
fn a_flipped_bit_in_a_pulled_record_is_refused_counted_and_named() {
    let mesh = Mesh::raise(3);
    let vn = mesh.node("VN");
    vn.stop();
    let (opening, ..) = log_of(vn, mesh.id(), &Bundle::varied(52, 1).objects);
    let forger = Forger { log: opening.header().log, record: with_flipped_bit(opening.signed(), 77) };
    let _rogue = Outsider::start(vn.secret_key(), mesh.id(), mesh.addresses(), forger);
    for node in [mesh.node("SG"), mesh.node("MY")] {
        eventually("the forged record to be refused", || match refused(node, "bad-signature") {
            0 => Err(node.log()),
            _ => Ok(()),
        });
        log_names(node, "bad-signature", vn);
        assert!(node.peer("VN").refused > 0);
        assert_eq!(node.holds(), (0, 0));
    }
}
