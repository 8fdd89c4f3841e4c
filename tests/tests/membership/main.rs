//! Membership that changes while the mesh runs: an eighth member joins by five votes, a member replaces
//! a lost node by itself, one is expelled. Real processes on loopback, nothing restarted that need not be.
#![allow(clippy::unwrap_used)]

mod ceremony;

use std::time::{Duration, Instant};

use certmesh_tests::{Bundle, Mesh, Node, eventually, log_for_all, wait_until};
use certmesh_wire::{Checkpoint, NodeEntry, NodeState, Pin};

use crate::ceremony::{Ceremony, first_manifest, founding, manifest_of, member, next_manifest, root_key};

/// Publishes a few objects; how many.
fn publish(mesh: &Mesh, node: &Node, seed: u64) -> u64 {
    let bundle = Bundle::varied(seed, 5);
    node.publish(&bundle.write(&mesh.path("")));
    5
}

#[track_caller]
fn all_hold(nodes: &[&Node], objects: u64) {
    eventually(&format!("{objects} objects on every node"), || {
        let held: Vec<_> = nodes.iter().map(|node| (node.member().to_owned(), node.holds().1)).collect();
        if held.iter().all(|(_, found)| *found == objects) { Ok(()) } else { Err(format!("{held:?}")) }
    });
}

#[track_caller]
fn all_stand_at(nodes: &[&Node], version: u64) {
    wait_until(&format!("roster version {version} everywhere"), || {
        nodes.iter().all(|node| node.status().roster_version == version)
    });
}

#[test]
fn an_eighth_joins_one_replaces_its_node_and_one_is_expelled() {
    let mesh = Mesh::raise(7);
    let seven: Vec<_> = mesh.nodes().iter().collect();
    let (sg, my, vn, ph) = (mesh.node("SG"), mesh.node("MY"), mesh.node("VN"), mesh.node("PH"));
    let founded = founding(&mesh);
    let mut objects = seven.iter().zip(0..).map(|(node, seed)| publish(&mesh, node, seed)).sum::<u64>();
    all_hold(&seven, objects);

    // KH joins: four votes are too few, five are enough.
    let kh_root = root_key(&mesh, "KH");
    let joined = Ceremony::after(&founded, |roster| {
        roster.members.push(member("KH", &kh_root));
        roster.members.sort_by_key(|member| member.code);
    });
    let four = joined.clone().signed(&mesh, &["BN", "ID", "MY", "PH"]);
    let refused = sg.run(["roster".as_ref(), "submit".as_ref(), four.write(&mesh, "four").as_os_str()]);
    let words = refused.refused(1);
    assert!(
        words.contains('4') && words.contains('5'),
        "says how many votes there are and are needed: {words}"
    );
    assert_eq!(sg.status().roster_version, 0);
    let five = joined.signed(&mesh, &["BN", "ID", "MY", "PH", "SG"]);
    sg.run(["roster".as_ref(), "submit".as_ref(), five.write(&mesh, "five").as_os_str()]).done();
    all_stand_at(&seven, 1);
    let kh = ceremony::make_home(&mesh, "KH");
    let kh_manifest = first_manifest(&mesh, &kh, &kh_root);
    let file = ceremony::write(&mesh, "kh-manifest", &kh_manifest.encode());
    my.run(["manifest".as_ref(), "submit".as_ref(), file.as_os_str()]).done();
    let fetched = mesh.path("fetched");
    my.run(["roster".as_ref(), "fetch".as_ref(), fetched.as_os_str()]).done();
    ceremony::give_documents(&kh, &fetched);
    kh.start_to_sign();
    let eight: Vec<_> = seven.iter().copied().chain([&kh]).collect();
    objects += publish(&mesh, &kh, 100);
    all_hold(&eight, objects);

    // VN loses its node, and replaces it by a manifest of its own alone.
    let old = vn.node_id();
    vn.kill();
    std::fs::remove_dir_all(vn.data_dir()).unwrap();
    let entry = ceremony::renew_key(&mesh, vn);
    let replaced = next_manifest(&mesh, &manifest_of(vn), |nodes: &mut Vec<NodeEntry>| {
        let lost = nodes.iter_mut().find(|entry| entry.node == old).unwrap();
        lost.state = NodeState::Retired;
        let addresses = lost.addresses.clone();
        nodes.push(NodeEntry { addresses, ..entry });
    });
    let file = ceremony::write(&mesh, "vn-manifest", &replaced.encode());
    ph.run(["manifest".as_ref(), "submit".as_ref(), file.as_os_str()]).done();
    let fetched = mesh.path("fetched-again");
    wait_until("the manifest to travel", || {
        let _ = std::fs::remove_dir_all(&fetched);
        my.run(["roster".as_ref(), "fetch".as_ref(), fetched.as_os_str()]).done();
        ceremony::holds_document(&fetched, &replaced.encode())
    });
    ceremony::give_documents(vn, &fetched);
    vn.start_to_sign();
    objects += publish(&mesh, vn, 101);
    all_hold(&eight, objects);

    // PH is expelled by the others: what it published stays, what it publishes from there on is nobody's.
    let log = log_for_all("PH", ph.node_id());
    let (next, head) = ph.holdings().heads[&log];
    let without_ph = Ceremony::after(&five.document, |roster| {
        let gone = roster.members.iter().position(|member| member.code.as_str() == "PH").unwrap();
        let gone = roster.members.remove(gone);
        roster.pins.push(Pin {
            member: gone.code,
            cert: gone.cert,
            root_key: gone.root_key,
            manifest: Some(manifest_of(ph).id()),
            cuts: vec![Checkpoint { log, seq: next - 1, record: head }],
        });
    });
    let six = without_ph.signed(&mesh, &["BN", "ID", "MY", "SG", "TH", "VN"]);
    let told = Instant::now();
    sg.run(["roster".as_ref(), "submit".as_ref(), six.write(&mesh, "six").as_os_str()]).done();
    let others: Vec<_> = eight.iter().copied().filter(|node| node.member() != "PH").collect();
    all_stand_at(&others, 2);
    wait_until("PH to be alone", || ph.status().peers.iter().all(|peer| !peer.connected));
    assert!(told.elapsed() < Duration::from_secs(30), "its connections ended after {:?}", told.elapsed());
    let outcome = ph.run_fed(&["publish", "-"], &Bundle::varied(102, 1).text());
    std::thread::sleep(Duration::from_secs(2));
    all_hold(&others, objects);
    assert!(outcome.refused(1).contains("no longer"), "it has heard of it, and signs nothing any more");
    let earlier = sg.query(&["--from", "PH"]);
    assert_eq!(earlier.len(), 5, "what it published before stays");
    assert!(earlier.iter().all(|line| line.standing.as_deref() == Some("left")), "and says so");
    assert!(my.query(&["--from", "SG"]).iter().all(|line| line.standing.is_none()));
    assert!(sg.run(["peers"]).done().lines().all(|line| !line.starts_with("PH")));
    objects += publish(&mesh, sg, 103);
    all_hold(&others, objects);
}
