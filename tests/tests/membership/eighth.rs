//! Seven members: an eighth joins by five votes, one replaces a lost node by itself, one is expelled. Pages 3, 7 and 4; and
//! what has to be refused.

use std::fs;
use std::time::{Duration, Instant};

use certmesh_tests::{Bundle, Mesh, Node, Outsider, Pen, Silent, eventually, log_for_all, wait_until};
use certmesh_wire::{SecretKey, SignedManifest};

use crate::desk::{Desk, all_hold, all_stand_at, free_port, free_soc_port, publish};

#[test]
fn an_eighth_joins_one_replaces_its_node_and_one_is_expelled() {
    let mesh = Mesh::raise(7);
    let desk = Desk::of(&mesh);
    let seven: Vec<_> = mesh.nodes().iter().collect();
    let mut objects = seven.iter().zip(0..).map(|(node, seed)| publish(node, seed, 5)).sum::<u64>();
    all_hold(&seven, objects);

    let kh = join(&desk, &mesh, &seven);
    let eight: Vec<_> = seven.iter().copied().chain([&kh]).collect();
    objects += publish(&kh, 100, 5);
    all_hold(&eight, objects);

    refuses(&desk, mesh.node("SG"));

    lose_disk(&desk, &mesh);
    objects += publish(mesh.node("VN"), 101, 5);
    all_hold(&eight, objects);

    expel(&desk, &mesh, &eight, objects);
    let others: Vec<_> = eight.iter().copied().filter(|node| node.member() != "PH").collect();
    objects += publish(mesh.node("SG"), 104, 5);
    all_hold(&others, objects);
    forge_for_the_expelled(&mesh, &kh, &others);
    kh.start_to_sign();
    objects += come_back(&desk, &mesh, &others);
    all_hold(&others, objects);
}

/// Page 3: KH joins; four votes are too few, five are enough.
fn join(desk: &Desk<'_>, mesh: &Mesh, seven: &[&Node]) -> Node {
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    desk.ok("key new roots/kh.key");
    let root = desk.ok("key show roots/kh.key --json");
    let root: serde_json::Value = serde_json::from_str(&root).unwrap();
    let root = root["public_key"].as_str().unwrap();
    desk.ok(&format!("init --dir kh --member KH --cert CamCERT --root-key {root}"));
    desk.propose("roster.cbor", "next.cbor", "--add kh/member-request.toml", "");
    desk.vote("roster.cbor", "next.cbor", &["BN", "ID", "MY", "PH"]);
    let words = desk.at(sg, "roster submit next.cbor").refused(1);
    assert!(words.contains("4 members have signed this roster, and 5 of the version before must"), "{words}");
    assert_eq!(sg.status().roster_version, 0);
    desk.vote("roster.cbor", "next.cbor", &["SG"]);
    assert!(desk.ok("roster show next.cbor --after roster.cbor").contains("that is enough"));
    desk.at(sg, "roster submit next.cbor").done();
    all_stand_at(seven, &desk.roster("next.cbor"));

    let (id, port) = (mesh.id(), free_port());
    desk.ok(&format!("init --dir kh --mesh {id} --host 127.0.0.1 --port {port}"));
    free_soc_port(&desk.path("kh"));
    desk.ok(
        "manifest new KH.cbor --roster next.cbor --member KH --key roots/kh.key --node kh/node-request.toml",
    );
    desk.at(my, "manifest submit KH.cbor").done();
    desk.fetch(my, "mesh");
    let kh = Node::in_folder("KH", &desk.path("kh"));
    desk.give("mesh", &kh);
    kh.start_to_sign();
    eventually("two members to confirm the newcomer's roster", || match kh.status().roster_confirmed_by {
        0 | 1 => Err(format!("{:?}", kh.status())),
        _ => Ok(()),
    });
    let words = kh.run(["status"]).done();
    let confirmed = (2..=7).any(|n| words.contains(&format!("the same with {n} other members")));
    assert!(confirmed, "{words}");
    kh
}

/// What no node takes in, in words of its own, and without a trace.
fn refuses(desk: &Desk<'_>, sg: &Node) {
    let before = desk.fetch(sg, "before");
    // Enough votes, one of them forged.
    desk.propose("next.cbor", "forged.cbor", "", "");
    desk.vote("next.cbor", "forged.cbor", &["BN", "ID", "KH", "MY", "PH", "SG"]);
    let mut bytes = fs::read(desk.path("forged.cbor")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(desk.path("forged.cbor"), bytes).unwrap();
    // Of eight members it takes six.
    desk.propose("next.cbor", "short.cbor", "", "--round 1");
    desk.vote("next.cbor", "short.cbor", &["BN", "ID", "KH", "MY", "PH"]);
    let root = desk.ok("key show roots/sg.key");
    let root = root.trim();
    desk.ok(&format!("roster new other.cbor --name other --member SG={root}:SingCERT"));
    let other = desk.roster("other.cbor").mesh();
    // `manifest next` would not sign it.
    let mut mine = desk.manifest("sg/manifests/sg.cbor").unverified().clone();
    (mine.version, mine.prev) = (1, Some(desk.manifest("sg/manifests/sg.cbor").id()));
    let pem = fs::read_to_string(desk.path("roots/my.key")).unwrap();
    let by_another = SignedManifest::sign(mine, &SecretKey::from_pem(&pem).unwrap()).unwrap();
    fs::write(desk.path("by-another.cbor"), by_another.encode()).unwrap();
    for (words, reason) in [
        ("roster submit forged.cbor", "the signature of SG on this roster does not match".to_owned()),
        (
            "roster submit short.cbor",
            "5 members have signed this roster, and 6 of the version before must".to_owned(),
        ),
        (
            "roster submit roster.cbor",
            "version 0, round 0 of the roster was here already; version 1, round 0 stands".to_owned(),
        ),
        ("roster submit other.cbor", format!("this roster is of mesh {other}, not of mesh")),
        ("manifest submit by-another.cbor", "the root key of SG did not sign this manifest".to_owned()),
        ("roster submit next.toml", "neither a roster nor a manifest".to_owned()),
    ] {
        let said = desk.at(sg, words).refused(1);
        assert!(said.contains(&reason), "{words} is refused with {reason:?}: {said}");
        assert_eq!(desk.fetch(sg, "after"), before, "{words} changes nothing");
    }
    // Nor does anything come into a folder of another mesh.
    fs::create_dir_all(desk.path("others/manifests")).unwrap();
    fs::copy(desk.path("other.cbor"), desk.path("others/roster.cbor")).unwrap();
    let said = desk.at(sg, "roster fetch others").refused(1);
    assert!(said.contains(&format!("is of mesh {other}, and the node is of mesh")), "{said}");
    assert_eq!(fs::read_dir(desk.path("others/manifests")).unwrap().count(), 0);
}

/// Page 7: VN loses its disk, and replaces its node by a manifest of its own alone.
fn lose_disk(desk: &Desk<'_>, mesh: &Mesh) {
    let (vn, ph, my) = (mesh.node("VN"), mesh.node("PH"), mesh.node("MY"));
    vn.kill();
    fs::remove_dir_all(vn.data_dir()).unwrap();
    let old = desk.renew_key(vn, "request.toml");
    desk.ok(&format!(
        "manifest next vn/manifests/vn.cbor --key roots/vn.key --out VN-1.cbor --retire {old} --add request.toml"
    ));
    desk.at(ph, "manifest submit VN-1.cbor").done();
    desk.wait_for(&[my], desk.manifest("VN-1.cbor").id());
    desk.fetch(my, "mesh");
    desk.give("mesh", vn);
    vn.start_to_sign();
}

/// Page 4: PH is expelled by the others; what it has published up to the export stays, and no more.
fn expel(desk: &Desk<'_>, mesh: &Mesh, eight: &[&Node], objects: u64) {
    let (sg, my, ph) = (mesh.node("SG"), mesh.node("MY"), mesh.node("PH"));
    desk.at(sg, "export --records now.records").done();
    publish(ph, 102, 3);
    all_hold(eight, objects + 3);
    desk.propose(
        "next.cbor",
        "without.cbor",
        "--remove PH",
        "--manifest ph/manifests/ph.cbor --ends-from now.records --round 2",
    );
    let log = log_for_all("PH", ph.node_id());
    let diff = desk.ok("roster diff next.cbor without.cbor");
    assert!(
        diff.contains("IS REMOVED") && diff.contains(&format!("log {log} of PH ends with record")),
        "{diff}"
    );
    desk.vote("next.cbor", "without.cbor", &["BN", "ID", "KH", "MY", "SG", "TH"]);
    let told = Instant::now();
    desk.at(sg, "roster submit without.cbor").done();
    let others: Vec<_> = eight.iter().copied().filter(|node| node.member() != "PH").collect();
    all_stand_at(&others, &desk.roster("without.cbor"));
    wait_until("PH to be alone", || ph.status().peers.iter().all(|peer| !peer.connected));
    assert!(told.elapsed() < Duration::from_secs(30), "its connections ended after {:?}", told.elapsed());
    all_hold(&others, objects);
    let outcome = ph.run_fed(&["publish", "-"], &Bundle::varied(103, 1).text());
    assert!(outcome.refused(1).contains("no longer"), "it has heard of it, and signs nothing any more");
    let earlier = my.query(&["--from", "PH"]);
    assert_eq!(earlier.len(), 5, "what it published before stays");
    assert!(earlier.iter().all(|line| line.standing.as_deref() == Some("left")), "and says so");
    assert!(my.query(&["--from", "SG"]).iter().all(|line| line.standing.is_none()));
    assert!(sg.run(["peers"]).done().lines().all(|line| !line.starts_with("PH")));
    // Anyone can check what stays, and whose it was.
    desk.at(sg, "export --records then.records").done();
    desk.ok("verify then.records --roster roster.cbor --roster next.cbor --roster without.cbor");
}

/// Its key goes on signing, and the node of another member passes it on: the others refuse that. (VN's node is the one that
/// `mesh.json` does not know by its fresh key.)
fn forge_for_the_expelled(mesh: &Mesh, kh: &Node, others: &[&Node]) {
    let ph = mesh.node("PH");
    let log = log_for_all("PH", ph.node_id());
    let (next, head) = kh.holdings().heads[&log];
    let pen = Pen::new("PH", ph.secret_key(), mesh.id()).behind(next, head);
    let others: Vec<_> =
        others.iter().copied().filter(|node| !["KH", "VN"].contains(&node.member())).collect();
    let before: Vec<_> = others.iter().map(|node| node.holds()).collect();
    kh.stop();
    let accomplice = Outsider::start(kh.secret_key(), mesh.id(), mesh.addresses(), Silent);
    accomplice.wait_for(&others.iter().map(|node| node.node_id()).collect::<Vec<_>>());
    let mut seed = 200;
    let later = || {
        seed += 1;
        pen.clone().write(&Bundle::varied(seed, 1).objects).parcel()
    };
    let refused = |node: &&Node| node.status().refused.get("cut").copied().unwrap_or_default() > 0;
    accomplice.gossip_until("its later records to be refused", later, || others.iter().all(refused));
    let after: Vec<_> = others.iter().map(|node| node.holds()).collect();
    assert_eq!(after, before, "nothing of them is taken");
}

/// Page 4, its end: PH comes back by five votes of seven, with a fresh node key; how many objects came of it. What was cut off
/// stays so.
fn come_back(desk: &Desk<'_>, mesh: &Mesh, others: &[&Node]) -> u64 {
    let (sg, ph) = (mesh.node("SG"), mesh.node("PH"));
    ph.stop();
    let root = desk.ok("key show roots/ph.key");
    let root = root.trim();
    desk.ok(&format!("init --dir ph-again --member PH --cert CERT-PH --root-key {root}"));
    desk.propose("without.cbor", "back.cbor", "--add ph-again/member-request.toml", "");
    desk.vote("without.cbor", "back.cbor", &["BN", "ID", "KH", "MY", "SG"]);
    desk.at(sg, "roster submit back.cbor").done();
    all_stand_at(others, &desk.roster("back.cbor"));
    let old = desk.renew_key(ph, "request.toml");
    desk.ok(&format!(
        "manifest next ph/manifests/ph.cbor --roster back.cbor --key roots/ph.key --out PH-1.cbor --retire {old} --add request.toml"
    ));
    desk.at(sg, "manifest submit PH-1.cbor").done();
    desk.fetch(sg, "mesh");
    desk.give("mesh", ph);
    ph.start_to_sign();
    publish(ph, 105, 3)
}
