//! `kill -9`, where it hurts most. (It does not test fsync: the page cache survives. The store's own
//! tests cut the power.)

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use certmesh_tests::{Bundle, Mesh, Node, eventually, program, wait_until};

use crate::all_show_exactly;

#[test]
fn a_publisher_that_dies_after_publishing_loses_nothing() {
    let mesh = Mesh::raise(3);
    let sg = mesh.node("SG");
    let mut published = Vec::new();
    for seed in 20..23 {
        let bundle = Bundle::varied(seed, 700);
        sg.publish(&bundle.write(&mesh.path("")));
        sg.kill();
        published.extend(bundle.on_lines());
        mesh.up();
        assert_eq!(
            sg.status().objects,
            published.len() as u64,
            "right after the restart, before any peer helps"
        );
        mesh.wait_for_objects(published.len() as u64);
    }
    all_show_exactly(&mesh, published);
}

#[test]
fn a_publisher_that_dies_alone_brings_it_when_it_returns() {
    let mesh = Mesh::raise(3);
    let (sg, my, vn) = (mesh.node("SG"), mesh.node("MY"), mesh.node("VN"));
    my.kill();
    vn.kill();
    let bundle = Bundle::varied(24, 700);
    sg.publish(&bundle.write(&mesh.path("")));
    sg.kill();
    mesh.up();
    mesh.wait_for_objects(700);
    all_show_exactly(&mesh, bundle.on_lines());
}

#[test]
fn a_receiver_that_dies_in_the_middle_gets_everything_once() {
    let mesh = Mesh::raise(3);
    let vn = mesh.node("VN");
    let mut published = Vec::new();
    let mut in_the_middle = 0;
    for round in 0..3 {
        let bundle = Bundle::varied(30 + round, 10_000);
        let before = published.len() as u64;
        let mut publishing = begin_to_publish(mesh.node("SG"), &bundle.write(&mesh.path("")));
        wait_until("the first objects on VN", || vn.status().objects > before);
        std::thread::sleep(Duration::from_millis(9 * round));
        in_the_middle += u32::from(publishing.try_wait().unwrap().is_none());
        vn.kill();
        assert!(publishing.wait().unwrap().success());
        published.extend(bundle.on_lines());
        mesh.up();
        mesh.wait_for_objects(published.len() as u64);
    }
    assert!(in_the_middle > 0, "each bundle was out before VN could be killed: make them larger");
    all_show_exactly(&mesh, published);
}

fn begin_to_publish(node: &Node, file: &Path) -> Child {
    let mut publish = program("certmesh");
    publish.arg("--node").arg(node.socket()).args(["publish", "--json"]).arg(file);
    publish.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_mesh_that_dies_together_comes_back_whole() {
    let mesh = Mesh::raise(3);
    let bundle = Bundle::varied(40, 2_000);
    mesh.node("MY").publish(&bundle.write(&mesh.path("")));
    mesh.nodes().iter().for_each(|node| node.kill());
    mesh.up();
    mesh.wait_for_objects(2_000);
    all_show_exactly(&mesh, bundle.on_lines());
    // Each goes on with its log where it stood.
    let more = Bundle::varied(41, 10);
    mesh.node("MY").publish(&more.write(&mesh.path("")));
    eventually("what MY published after its death", || match mesh.node("SG").holds() {
        (_, 2_010) => Ok(()),
        held => Err(format!("SG holds {held:?}")),
    });
    assert!(mesh.node("SG").status().refused.is_empty(), "no fork, no gap that stays");
}

#[test]
fn a_node_that_died_hears_and_is_heard_by_gossip_again() {
    let mesh = Mesh::raise(3);
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    sg.kill();
    mesh.up();
    goes_by_gossip(sg, my, 42);
    goes_by_gossip(my, sg, 43);
}

/// Publishes until something arrives without a pull: sync would hide for ever that gossip is deaf.
#[track_caller]
fn goes_by_gossip(from: &Node, to: &Node, seed: u64) {
    let mut objects = Bundle::varied(seed, 100).objects.into_iter();
    eventually("an object to arrive by gossip", || {
        let (logged, (_, held)) = (to.log().len(), to.holds());
        from.run_fed(&["publish", "-"], &objects.next().unwrap()).done();
        wait_until("an object to arrive", || to.holds().1 > held);
        let said = to.log().split_off(logged);
        if said.contains("caught up") { Err(format!("{} pulled it: {said}", to.member())) } else { Ok(()) }
    });
}
