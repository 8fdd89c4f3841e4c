//! What a member does with its keys and nodes, pages 11, 5, 6 and 8: renewals, another root key, a second node, a stolen key.

use std::fs;

use certmesh_tests::{Bundle, Mesh, Node, Outsider, Pen, Silent, eventually_within, log_for_all, wait_until};
use serde_json::Value;

use crate::desk::{Desk, all_alarm, all_hold, all_stand_at, free_port, free_soc_port, publish};

#[test]
fn renewals_another_root_key_more_nodes_and_a_stolen_key() {
    let mesh = Mesh::raise(4);
    let desk = Desk::of(&mesh);
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    let mut objects = nodes.iter().zip(0..).map(|(node, seed)| publish(node, seed, 3)).sum::<u64>();
    all_hold(&nodes, objects);

    expire(&desk, &mesh);
    objects += publish(nodes[0], 10, 3);
    all_hold(&nodes, objects);

    renew(&desk, &mesh);
    change_root_key(&desk, &mesh);
    objects += publish(nodes[0], 11, 3);
    all_hold(&nodes, objects);

    objects += add_move_and_retire(&desk, &mesh, objects);
    all_hold(&nodes, objects);

    objects += steal(&desk, &mesh, objects);
    objects += publish(mesh.node("VN"), 14, 3);
    all_hold(&nodes, objects);
}

/// A node that `scripts/mesh` does not know, and so does not stop.
struct Stopped<'a>(&'a Node);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        if self.0.is_running() {
            self.0.kill();
        }
    }
}

/// A roster and a manifest that have run out are an alarm, in the log and the figures too, and cut nobody off.
fn expire(desk: &Desk<'_>, mesh: &Mesh) {
    let (sg, th) = (mesh.node("SG"), mesh.node("TH"));
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    desk.ok("manifest next th/manifests/th.cbor --key roots/th.key --out TH-1.cbor --expires 2020-01-01");
    desk.at(th, "manifest submit TH-1.cbor").done();
    desk.propose_with("roster.cbor", "old.cbor", "expires", "2020-01-01");
    desk.vote("roster.cbor", "old.cbor", &["SG", "MY", "TH"]);
    desk.at(sg, "roster submit old.cbor").done();
    all_stand_at(&nodes, &desk.roster("old.cbor"));
    for alarm in ["the roster has expired", "the manifest of TH has expired"] {
        all_alarm(&nodes, alarm, true);
        let patience = std::time::Duration::from_secs(60);
        eventually_within(patience, "the log to say so", || {
            match sg.log().contains(&format!("alarm: {alarm}")) {
                true => Ok(()),
                false => Err(sg.log()),
            }
        });
    }
    let figures = sg.tool().get("/metrics").expect(200);
    let figures = figures.text();
    for figure in [
        "certmesh_roster_expires_seconds 1577836800",
        "certmesh_manifest_expires_seconds{member=\"TH\"} 1577836800",
    ] {
        assert!(figures.contains(figure), "{figures}");
    }
    for node in &nodes {
        assert!(node.status().peers.iter().all(|peer| peer.connected), "{} is cut off", node.member());
    }
}

/// Page 11: a manifest that vouches for what the member has published, and a roster for another year.
fn renew(desk: &Desk<'_>, mesh: &Mesh) {
    let (sg, th) = (mesh.node("SG"), mesh.node("TH"));
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    desk.at(th, "export --records now.records").done();
    desk.ok("manifest next TH-1.cbor --key roots/th.key --out TH-2.cbor --checkpoint-from now.records");
    let (next, head) = th.holdings().heads[&log_for_all("TH", th.node_id())];
    let vouched = desk.manifest("TH-2.cbor").unverified().nodes[0].checkpoints[0];
    assert_eq!((vouched.seq, vouched.record), (next - 1, head));
    desk.at(th, "manifest submit TH-2.cbor").done();
    desk.propose_with("old.cbor", "renewed.cbor", "expires", "1y");
    desk.vote("old.cbor", "renewed.cbor", &["SG", "MY", "TH"]);
    desk.at(sg, "roster submit renewed.cbor").done();
    for alarm in ["the roster has expired", "the manifest of TH has expired"] {
        all_alarm(&nodes, alarm, false);
    }
}

/// Page 5: SG's root key may have been seen. The others vote for another one, with which SG's next manifest is signed.
fn change_root_key(desk: &Desk<'_>, mesh: &Mesh) {
    let sg = mesh.node("SG");
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    let key: Value = serde_json::from_str(&desk.ok("key new root-2.key --json")).unwrap();
    let key = key["public_key"].as_str().unwrap();
    desk.propose(
        "renewed.cbor",
        "rekeyed.cbor",
        &format!("--rekey SG={key}"),
        "--manifest sg/manifests/sg.cbor",
    );
    desk.vote("renewed.cbor", "rekeyed.cbor", &["MY", "VN", "TH"]);
    desk.at(mesh.node("MY"), "roster submit rekeyed.cbor").done();
    all_stand_at(&nodes, &desk.roster("rekeyed.cbor"));
    // The old key says nothing any more.
    desk.ok("manifest next sg/manifests/sg.cbor --key roots/sg.key --out by-the-thief.cbor");
    let said = desk.at(sg, "manifest submit by-the-thief.cbor").refused(1);
    assert!(said.contains("another one stands in its place, or it is by a root key of before"), "{said}");
    desk.ok("manifest next sg/manifests/sg.cbor --roster rekeyed.cbor --key root-2.key --out SG-1.cbor");
    desk.at(sg, "manifest submit SG-1.cbor").done();
    desk.wait_for(&nodes, desk.manifest("SG-1.cbor").id());
}

/// Page 6: MY runs a second node, gives it another address, and takes it out of use; how many objects came of it.
fn add_move_and_retire(desk: &Desk<'_>, mesh: &Mesh, objects: u64) -> u64 {
    let my = mesh.node("MY");
    let (home, port, id) = (desk.path("my-2"), free_port(), mesh.id());
    let root: Value = serde_json::from_str(&desk.ok("key show roots/my.key --json")).unwrap();
    let root = root["public_key"].as_str().unwrap();
    desk.ok(&format!(
        "init --dir my-2 --member MY --cert MyCERT --root-key {root} --mesh {id} --host 127.0.0.1 --port {port}"
    ));
    free_soc_port(&home);
    let second = Node::in_folder("MY", &home);
    let _stopped = Stopped(&second);
    let name = second.node_id().to_string();
    let next = "manifest next --key roots/my.key";
    desk.ok(&format!("{next} my/manifests/my.cbor --out MY-1.cbor --add my-2/node-request.toml"));
    desk.at(my, "manifest submit MY-1.cbor").done();
    desk.fetch(my, "mesh");
    desk.give("mesh", &second);
    second.start_to_sign();
    let came = publish(&second, 12, 3);
    let nodes: Vec<_> = mesh.nodes().iter().chain([&second]).collect();
    all_hold(&nodes, objects + came);
    wait_until("three other members to confirm", || my.status().roster_confirmed_by == 3);

    let (port, short) = (free_port(), &name[..8]);
    let address = format!("/ip4/127.0.0.1/udp/{port}/quic-v1");
    desk.ok(&format!("{next} MY-1.cbor --out MY-2.cbor --address {short}={address}"));
    desk.at(my, "manifest submit MY-2.cbor").done();
    let sg = mesh.node("SG");
    desk.wait_for(&[sg, &second], desk.manifest("MY-2.cbor").id());
    second.stop();
    let config = fs::read_to_string(home.join("node.toml")).unwrap();
    let listen = config.lines().find(|line| line.starts_with("listen")).unwrap();
    fs::write(home.join("node.toml"), config.replace(listen, &format!("listen = [\"{address}\"]"))).unwrap();
    second.start_to_sign();
    let reached = || sg.status().peers.iter().any(|peer| peer.node_id == name && peer.connected);
    wait_until("the moved node to be reached", reached);

    second.stop();
    desk.ok(&format!("{next} MY-2.cbor --out MY-3.cbor --retire {short}"));
    desk.at(my, "manifest submit MY-3.cbor").done();
    wait_until("the retired node to be nobody's peer", || {
        mesh.nodes().iter().all(|node| node.status().peers.iter().all(|peer| peer.node_id != name))
    });
    desk.fetch(my, "mesh");
    desk.give("mesh", &second);
    second.start();
    wait_until("it to say that it is no longer in use", || {
        !second.is_running() && second.log().contains("no longer in use")
    });
    desk.at(sg, "export --records kept.records").done();
    desk.ok("verify kept.records --roster roster.cbor --roster old.cbor --roster renewed.cbor --roster rekeyed.cbor");
    came
}

/// Page 8: somebody signs beside VN's node with its key. VN cuts it at the last record that was certainly its own; how many
/// objects that one holds.
fn steal(desk: &Desk<'_>, mesh: &Mesh, objects: u64) -> u64 {
    let (sg, vn) = (mesh.node("SG"), mesh.node("VN"));
    let others: Vec<_> = mesh.nodes().iter().filter(|node| node.member() != "VN").collect();
    let log = log_for_all("VN", vn.node_id());
    let (next, before) = vn.holdings().heads[&log];
    let came = publish(vn, 13, 3);
    all_hold(&others, objects + came);
    let (_, own) = vn.holdings().heads[&log];
    vn.stop();
    let thief = Outsider::start(vn.secret_key(), mesh.id(), mesh.addresses(), Silent);
    thief.wait_for(&others.iter().map(|node| node.node_id()).collect::<Vec<_>>());
    let stolen = Pen::new("VN", vn.secret_key(), mesh.id()).behind(next, before);
    let mut seed = 100;
    let beside = || {
        seed += 1;
        stolen.clone().write(&Bundle::varied(seed, 1).objects).parcel()
    };
    thief.gossip_until("the fork to be known", beside, || others.iter().all(|node| !node.forks().is_empty()));
    drop(thief);
    let said = sg.run(["forks"]).done();
    assert!(said.contains("VN") && said.contains(&own.to_string()), "{said}");
    assert_eq!(sg.forks()[0].seq, next);
    // Until VN decides, nobody knows which of the two was its own.
    all_hold(&others, objects);

    let old = desk.renew_key(vn, "request.toml");
    desk.ok(&format!(
        "manifest next vn/manifests/vn.cbor --key roots/vn.key --out VN-1.cbor --cut {old}={next}:{own} --add request.toml"
    ));
    desk.at(sg, "manifest submit VN-1.cbor").done();
    all_hold(&others, objects + came);
    desk.fetch(sg, "mesh");
    desk.give("mesh", vn);
    vn.start_to_sign();
    came
}
