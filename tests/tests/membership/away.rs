//! Page 12: a node that was away while all others changed their keys hears of nothing, until somebody brings it the documents.

use certmesh_tests::{Mesh, Node, wait_until};

use crate::desk::{Desk, all_hold, publish};

#[test]
fn a_node_that_was_away_too_long_takes_what_it_is_brought() {
    let mesh = Mesh::raise(3);
    let desk = Desk::of(&mesh);
    let (sg, my, vn) = (mesh.node("SG"), mesh.node("MY"), mesh.node("VN"));
    let mut objects = publish(sg, 1, 3);
    all_hold(&[sg, my, vn], objects);
    vn.stop();
    desk.propose("roster.cbor", "next.cbor", "", "");
    desk.vote("roster.cbor", "next.cbor", &["SG", "MY", "VN"]);
    desk.at(sg, "roster submit next.cbor").done();
    replace(&desk, sg, my);
    replace(&desk, my, sg);
    // Nobody else can tell it where its log ends.
    sg.run(["node", "vouch"]).done();
    objects += publish(sg, 2, 3);
    all_hold(&[sg, my], objects);

    vn.start();
    vn.wait_to_answer();
    wait_until("it to turn the others away, whose keys it does not know", || {
        let log = vn.log();
        [sg, my].iter().all(|node| {
            log.lines().any(|line| line.contains("no manifest names") && line.contains(&key_of(node)))
        })
    });
    let status = vn.status();
    assert_eq!((status.roster_version, status.objects), (0, objects - 3), "it has heard of nothing");
    assert!(status.peers.iter().all(|peer| !peer.connected));

    // In whatever order they are named.
    desk.at(vn, "roster import SG-1.cbor next.cbor MY-1.cbor roster.cbor").done();
    all_hold(&[sg, my, vn], objects);
    assert_eq!(vn.status().roster_version, 1);
    vn.wait_to_sign();
    objects += publish(vn, 3, 3);
    all_hold(&[sg, my, vn], objects);
}

/// The key that a node has by now.
fn key_of(node: &Node) -> String {
    node.secret_key().node_id().to_string()
}

/// A member gives its node another key, which takes the place of the old one; another member's node submits it.
fn replace(desk: &Desk<'_>, node: &Node, other: &Node) {
    node.stop();
    let (upper, code) = (node.member(), node.member().to_lowercase());
    let old = desk.renew_key(node, "request.toml");
    desk.ok(&format!(
        "manifest next {code}/manifests/{code}.cbor --key roots/{code}.key --out {upper}-1.cbor --retire {old} --add request.toml"
    ));
    desk.at(other, &format!("manifest submit {upper}-1.cbor")).done();
    desk.fetch(other, "mesh");
    desk.give("mesh", node);
    node.start();
    node.wait_to_answer();
    wait_until("both to be connected", || other.peer(upper).connected);
}
