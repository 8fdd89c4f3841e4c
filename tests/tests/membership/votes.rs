//! Pages 9 and 10: votes that split, and documents that contradict each other, whichever of them a node meets first.

use std::fs;

use certmesh_tests::{Mesh, Node};

use crate::desk::{Desk, all_alarm, all_hold, all_stand_at, publish};

#[test]
fn split_votes_and_two_documents_of_one_version_are_settled_by_a_higher_round() {
    let mesh = Mesh::raise(4);
    let desk = Desk::of(&mesh);
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    let mut objects = publish(nodes[0], 1, 3);
    all_hold(&nodes, objects);
    split_votes(&desk, &nodes);
    two_of_each(&desk, &nodes);
    meet_in_either_order(&desk, &mesh);

    let rosters = "two valid rosters of version 2, round 0";
    let [of_sg, of_my] = ["two manifests of SG of version 1", "two manifests of MY of version 1"];
    for alarm in [rosters, of_sg, of_my] {
        all_alarm(&nodes, alarm, true);
    }
    all_stand_at(&nodes, &desk.roster("next.cbor"));
    objects += publish(nodes[1], 2, 3);
    all_hold(&nodes, objects);
    // Frozen: nothing follows either of the two.
    desk.propose("one.cbor", "after-one.cbor", "", "");
    desk.vote("one.cbor", "after-one.cbor", &["SG", "MY", "VN"]);
    let said = desk.at(nodes[2], "roster submit after-one.cbor").refused(1);
    assert!(said.contains("does not count: another one stands in its place"), "{said}");

    // Page 10: the member's next manifest, on top of the one that it means; and a higher round.
    desk.ok("manifest next SG-one.cbor --key roots/sg.key --out SG-2.cbor");
    desk.at(nodes[3], "manifest submit SG-2.cbor").done();
    all_alarm(&nodes, of_sg, false);
    desk.propose("next.cbor", "settled.cbor", "", "--round 1 --manifest MY-other.cbor");
    desk.vote("next.cbor", "settled.cbor", &["SG", "MY", "TH"]);
    desk.at(nodes[2], "roster submit settled.cbor").done();
    all_stand_at(&nodes, &desk.roster("settled.cbor"));
    for alarm in [rosters, of_my] {
        all_alarm(&nodes, alarm, false);
    }
    let pinned = desk.at(nodes[0], "manifest submit MY-other.cbor").done();
    assert!(pinned.contains("was here already, and stands"), "{pinned}");
    objects += publish(nodes[0], 3, 3);
    all_hold(&nodes, objects);
}

/// Page 9: two drafts have two votes each, where it takes three.
fn split_votes(desk: &Desk<'_>, nodes: &[&Node]) {
    desk.propose("roster.cbor", "a.cbor", "", "");
    desk.vote("roster.cbor", "a.cbor", &["SG", "MY"]);
    desk.propose_with("roster.cbor", "b.cbor", "name", "another");
    desk.vote("roster.cbor", "b.cbor", &["VN", "TH"]);
    let said = desk.run("roster sign b.cbor --after roster.cbor --key roots/sg.key").refused(1);
    assert!(said.contains("this key has signed another document of this version and round"), "{said}");
    for proposal in ["a.cbor", "b.cbor"] {
        let said = desk.at(nodes[0], &format!("roster submit {proposal}")).refused(1);
        assert!(said.contains("2 members have signed this roster, and 3"), "{said}");
    }
    desk.propose("roster.cbor", "next.cbor", "", "--round 1");
    desk.vote("roster.cbor", "next.cbor", &["SG", "MY", "VN", "TH"]);
    desk.at(nodes[0], "roster submit next.cbor").done();
    all_stand_at(nodes, &desk.roster("next.cbor"));
    let said = desk.run("roster sign b.cbor --after roster.cbor --key roots/vn.key").refused(1);
    assert!(said.contains("has signed a higher round of this version"), "{said}");
}

/// MY, SG and VN sign one roster, and SG and MY one manifest; whoever has copies of the keys of MY, SG and TH, but not of their
/// votes, others.
fn two_of_each(desk: &Desk<'_>, nodes: &[&Node]) {
    let manifest = "manifest next sg/manifests/sg.cbor --key roots/sg.key";
    let of_my = "manifest next my/manifests/my.cbor --key roots/my.key";
    desk.propose("next.cbor", "one.cbor", "", "");
    desk.vote("next.cbor", "one.cbor", &["SG", "MY", "VN"]);
    desk.ok(&format!("{manifest} --out SG-one.cbor"));
    desk.ok(&format!("{of_my} --out MY-one.cbor"));
    let said = desk.run(&format!("{manifest} --out SG-other.cbor --expires 2y")).refused(1);
    assert!(said.contains("has signed another manifest of this version"), "{said}");
    for code in ["sg", "my", "th"] {
        fs::remove_file(desk.path(&format!("roots/{code}.key.votes"))).unwrap();
    }
    desk.propose_with("next.cbor", "other.cbor", "name", "another");
    desk.vote("next.cbor", "other.cbor", &["SG", "MY", "TH"]);
    desk.ok(&format!("{manifest} --out SG-other.cbor --expires 2y"));
    desk.ok(&format!("{of_my} --out MY-other.cbor --expires 2y"));
    assert_eq!(nodes.len(), 4, "three of four are two thirds and one more");
}

/// Three nodes meet one of each first, and the fourth the others.
fn meet_in_either_order(desk: &Desk<'_>, mesh: &Mesh) {
    let (sg, th) = (mesh.node("SG"), mesh.node("TH"));
    let rest: Vec<_> = mesh.nodes().iter().filter(|node| node.member() != "TH").collect();
    th.stop();
    desk.at(sg, "roster submit one.cbor SG-one.cbor MY-one.cbor").done();
    all_stand_at(&rest, &desk.roster("one.cbor"));
    for manifest in ["SG-one.cbor", "MY-one.cbor"] {
        desk.wait_for(&rest, desk.manifest(manifest).id());
    }
    for node in &rest {
        node.stop();
    }
    th.start();
    th.wait_to_answer();
    desk.at(th, "roster submit other.cbor SG-other.cbor MY-other.cbor").done();
    all_stand_at(&[th], &desk.roster("other.cbor"));
    mesh.up();
}
