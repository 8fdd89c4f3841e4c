//! A mesh on networks that fail: packets are lost, late or few, and cables are cut.
//!
//! Loss, rates and cables are the kernel's, in network namespaces; delay is a relay's, on loopback.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use certmesh_tests::{
    Acknowledged, Bundle, Mesh, Namespaces, Node, Publishers, Relays, agree, eventually, eventually_within,
    unable,
};

/// Between two publications of one analyst.
const PAUSE: Duration = Duration::from_millis(100);
/// Convergence on a bad network takes its time.
const PATIENCE: Duration = Duration::from_secs(120);

/// A network of real cables for so many nodes, or nothing where the machine has none, said aloud.
fn lay(what: &str, nodes: usize) -> Option<Namespaces> {
    Namespaces::lay(nodes).map_err(|why| unable(what, &why)).ok()
}

/// Lets everybody publish for so long; what was acknowledged.
fn publish_for(mesh: &Mesh, time: Duration) -> Vec<Acknowledged> {
    let publishers = Publishers::start(mesh.nodes(), PAUSE, 11);
    std::thread::sleep(time);
    publishers.stop()
}

/// Waits until all nodes hold the same, and asserts that all that was acknowledged is in it.
#[track_caller]
fn converge(mesh: &Mesh, acknowledged: &[Acknowledged]) {
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    let holdings = eventually_within(PATIENCE, "equal frontiers", || agree(&nodes));
    let members: std::collections::BTreeSet<_> = acknowledged.iter().map(|one| &one.member).collect();
    assert_eq!(members.len(), nodes.len(), "every member published");
    assert_eq!(holdings.lacks(acknowledged.iter().map(|one| &one.record)), 0, "acknowledged, and lost");
    assert!(nodes.iter().all(|node| node.forks().is_empty()));
}

#[test]
fn a_fifth_of_all_packets_is_lost() {
    let Some(network) = lay("packet loss", 4) else { return };
    let mesh = Mesh::raise_on(&network.places());
    network.lose(20);
    let acknowledged = publish_for(&mesh, Duration::from_secs(8));
    converge(&mesh, &acknowledged);
    for node in 0..4 {
        assert!(
            network.lost(node) > 20,
            "the network has lost {} packets at node {node}",
            network.lost(node)
        );
    }
}

#[test]
fn a_megabit_a_second_is_enough() {
    let Some(network) = lay("slow links", 3) else { return };
    let mesh = Mesh::raise_on(&network.places());
    network.slow_down(1_000);
    let bulky = Bundle::bulky(12, 20, 20_000);
    let begun = Instant::now();
    mesh.node("SG").publish(&bulky.write(&mesh.path("")));
    for node in [mesh.node("MY"), mesh.node("VN")] {
        eventually("the large objects to arrive", || match node.query(&[&Bundle::host(12, 19)]).len() {
            1 => Ok(()),
            _ => Err(format!("{} holds {:?}", node.member(), node.holds())),
        });
    }
    // 20 objects of 20,000 bytes, of which zstd takes a quarter off, over 125,000 bytes a second.
    assert!(begun.elapsed() > Duration::from_secs(2), "the links are not slow: {:?}", begun.elapsed());
    let acknowledged = publish_for(&mesh, Duration::from_secs(3));
    converge(&mesh, &acknowledged);
}

#[test]
fn every_packet_comes_150_ms_late() {
    let relays = Relays::lay(4).unwrap();
    let mesh = Mesh::raise_on(&relays.places());
    relays.delay(Duration::from_millis(150));
    let acknowledged = publish_for(&mesh, Duration::from_secs(6));
    converge(&mesh, &acknowledged);
    let (first, carried) = (mesh.node("SG"), relays.carried());
    let begun = Instant::now();
    first.publish(&Bundle::varied(13, 1).write(&mesh.path("")));
    eventually("the object to arrive on MY", || match mesh.node("MY").query(&[&Bundle::host(13, 0)]).len() {
        1 => Ok(()),
        found => Err(format!("{found} found")),
    });
    assert!(begun.elapsed() > Duration::from_millis(150), "nothing is late: {:?}", begun.elapsed());
    assert!(relays.carried() > carried, "the packets go another way");
}

#[test]
fn a_mesh_that_starts_on_late_packets_comes_up() {
    let relays = Relays::lay(4).unwrap();
    relays.delay(Duration::from_millis(150));
    let mesh = Mesh::raise_on(&relays.places());
    let acknowledged = publish_for(&mesh, Duration::from_secs(2));
    converge(&mesh, &acknowledged);
}

/// Seconds after which every QUIC connection over a dead cable has been given up.
const GIVEN_UP: Duration = Duration::from_secs(20);
/// Seconds within which a connection has to stand again: a node waits at most 15 between two dials,
/// and both sides dial.
const BACK: Duration = Duration::from_secs(25);

#[test]
fn a_cable_is_cut_until_every_connection_is_dead_and_healed_under_load() {
    let Some(network) = lay("a cut cable", 3) else { return };
    let mesh = Mesh::raise_on(&network.places());
    let publishers = Publishers::start(mesh.nodes(), PAUSE, 14);
    std::thread::sleep(Duration::from_secs(1));
    network.cut(2);
    eventually_within(GIVEN_UP + GIVEN_UP, "both sides to notice", || {
        let states = [connected(mesh.node("VN")), connected(mesh.node("SG")), connected(mesh.node("MY"))];
        if states == [0, 1, 1] { Ok(()) } else { Err(format!("VN, SG, MY are connected to {states:?}")) }
    });
    network.heal(2);
    let healed = Instant::now();
    eventually_within(BACK, "all connections to stand again", || match connected(mesh.node("VN")) {
        2 => Ok(()),
        count => Err(format!("VN is connected to {count}")),
    });
    // Nobody reads it when the test passes, and it is the figure that matters when it does not.
    println!("connected again {:?} after the healing", healed.elapsed());
    let acknowledged = publishers.stop();
    converge(&mesh, &acknowledged);
}

fn connected(node: &Node) -> usize {
    node.status().peers.iter().filter(|peer| peer.connected).count()
}

#[test]
fn relays_can_cut_a_node_off_too() {
    let relays = Relays::lay(3).unwrap();
    let mesh = Mesh::raise_on(&relays.places());
    relays.cut(0);
    let before = mesh.node("SG").holds();
    let acknowledged = publish_for(&mesh, Duration::from_secs(2));
    let own = acknowledged.iter().filter(|one| one.member == "SG").count() as u64;
    assert_eq!(mesh.node("SG").holds().0, before.0 + own + 1, "its own records and the opening, no others");
    relays.heal(0);
    converge(&mesh, &acknowledged);
}
