//! Receipts: the publisher sees who has what it published, and who is behind by how much.

use certmesh_api::Receipts;
use certmesh_tests::{Bundle, Mesh, eventually, wait_until};

#[test]
fn the_publisher_sees_who_holds_it_and_who_does_not_yet() {
    let mesh = Mesh::raise(3);
    let (sg, my, vn) = (mesh.node("SG"), mesh.node("MY"), mesh.node("VN"));
    vn.stop();
    let bundle = Bundle::varied(77, 30);
    let records = sg.publish(&bundle.write(&mesh.path("")));
    let held = |id: &str| {
        let found: Receipts = sg.run(["receipts", id, "--json"]).json();
        assert_eq!(found.records.len(), 1);
        let nodes = found.records[0].nodes.iter();
        nodes.map(|node| (node.member.clone(), node.since_ms.is_some())).collect::<Vec<_>>()
    };
    let pair = |my: bool, vn: bool| [("MY".to_owned(), my), ("VN".to_owned(), vn)];
    wait_until("MY's receipt", || held(&records[0]) == pair(true, false));
    assert_eq!(my.status().records, 2, "a receipt is no promise: MY has it");
    let behind = sg.peer("VN");
    assert!(behind.behind_records > Some(0) || behind.told_ms.is_none(), "{behind:?}");
    assert_eq!(sg.peer("MY").behind_records, Some(0));
    mesh.up();
    eventually("VN's receipt", || {
        let held = held(&records[0]);
        if held == pair(true, true) { Ok(()) } else { Err(format!("{held:?}")) }
    });
    wait_until("VN to be level", || sg.peer("VN").behind_records == Some(0));
    let id = serde_json::from_str::<serde_json::Value>(&bundle.objects[0]).unwrap()["id"].clone();
    assert_eq!(held(id.as_str().unwrap()), pair(true, true), "by its STIX id too");
    let unknown = sg.run(["receipts", &"0".repeat(64)]).refused(1);
    assert!(unknown.contains("holds no object or record"), "{unknown}");
}
