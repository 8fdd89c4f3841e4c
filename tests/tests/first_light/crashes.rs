//! `kill -9`, where it hurts most. (It does not test fsync: the page cache survives. The store's own
//! tests cut the power.)

use std::time::Duration;

use certmesh_tests::{Bundle, Mesh, eventually, program, wait_until};

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
    let (sg, vn) = (mesh.node("SG"), mesh.node("VN"));
    let mut published = Vec::new();
    for seed in 30..33 {
        let bundle = Bundle::varied(seed, 4_000);
        let before = published.len() as u64;
        let file = bundle.write(&mesh.path(""));
        let mut publishing = program("certmesh")
            .arg("--node")
            .arg(sg.socket())
            .args(["publish", "--json"])
            .arg(file)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the first objects on VN", || vn.status().objects > before);
        std::thread::sleep(Duration::from_millis(7 * (seed - 30)));
        vn.kill();
        assert!(publishing.wait().unwrap().success());
        published.extend(bundle.on_lines());
        mesh.up();
        mesh.wait_for_objects(published.len() as u64);
    }
    all_show_exactly(&mesh, published);
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
