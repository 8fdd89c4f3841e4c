//! A bundle goes from one node to all others: at once, and to those that were away.

use certmesh_tests::{Bundle, Mesh, on_one_line};
use certmesh_wire::limits::SYNC_ANSWER_BUDGET;

use crate::{all_show_exactly, finds_one_of};

#[test]
fn a_bundle_reaches_every_node_byte_for_byte() {
    let mesh = Mesh::raise(5);
    let bundle = Bundle::varied(1, 3_000);
    let sg = mesh.node("SG");
    let records = sg.publish(&bundle.write(&mesh.path("")));
    assert!(records.len() > 1, "the bundle is to span several records");
    mesh.wait_for_objects(3_000);
    all_show_exactly(&mesh, bundle.on_lines());
    for node in mesh.nodes() {
        for at in [0, 1_202, 2_998] {
            let found = finds_one_of(node, &Bundle::host(1, at), sg);
            assert_eq!(found.object.get(), on_one_line(&bundle.objects[at]));
            assert_eq!(found.tlp, "amber", "unmarked means AMBER");
            assert!(records.contains(&found.record));
        }
        let status = node.status();
        assert_eq!(status.indicators, 2_250);
        assert_eq!(status.records, records.len() as u64 + 1, "the log's opening and the objects");
        assert!(status.peers.iter().all(|peer| peer.connected) && status.peers.len() == 4);
        assert!(status.refused.is_empty(), "{:?}", status.refused);
    }
}

#[test]
fn a_node_that_was_away_gets_more_than_one_answer_holds() {
    let mesh = Mesh::raise(3);
    let (sg, my, vn) = (mesh.node("SG"), mesh.node("MY"), mesh.node("VN"));
    vn.stop();
    let bulky = Bundle::bulky(2, 480, 14_000);
    let varied = Bundle::varied(3, 400);
    sg.publish(&bulky.write(&mesh.path("")));
    my.publish(&varied.write(&mesh.path("")));
    let export = mesh.path("sg.records");
    sg.run(["export", "--records", export.to_str().unwrap()]).done();
    let len = std::fs::metadata(&export).unwrap().len();
    assert!(len > SYNC_ANSWER_BUDGET as u64, "{len} bytes fit into one answer");
    mesh.up();
    mesh.wait_for_objects(880);
    all_show_exactly(&mesh, [bulky.on_lines(), varied.on_lines()].concat());
    finds_one_of(vn, &Bundle::host(2, 479), sg);
    finds_one_of(vn, &Bundle::host(3, 0), my);
}

#[test]
fn everyone_publishes_at_once() {
    let mesh = Mesh::raise(4);
    let bundles: Vec<_> = (10..14).map(|seed| Bundle::varied(seed, 600)).collect();
    let files: Vec<_> = bundles.iter().map(|bundle| bundle.write(&mesh.path(""))).collect();
    std::thread::scope(|scope| {
        for (node, file) in mesh.nodes().iter().zip(&files) {
            scope.spawn(|| node.publish(file));
        }
    });
    mesh.wait_for_objects(2_400);
    all_show_exactly(&mesh, bundles.iter().flat_map(Bundle::on_lines).collect());
}
