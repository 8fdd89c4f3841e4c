//! `certmesh show`: an object in words.

use certmesh_tests::{Mesh, eventually};
use serde_json::json;

use crate::{THEN, id, indicator, publish};

#[test]
fn an_object_is_shown_with_its_versions_its_signature_and_what_refers_to_it() {
    let mesh = Mesh::raise(2);
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    let malware = json!({ "type": "malware", "spec_version": "2.1", "id": "malware--00000000-0000-4000-8000-000000000001",
        "created": THEN, "modified": THEN, "name": "PandanLoader", "is_family": true });
    let indicates = json!({ "type": "relationship", "spec_version": "2.1",
        "id": "relationship--00000000-0000-4000-8000-000000000001", "created": THEN, "modified": THEN,
        "relationship_type": "indicates", "source_ref": id(1), "target_ref": malware["id"] });
    publish(
        sg,
        &[malware, indicator(1, "[domain-name:value = 'a.example']", json!({ "name": "first" })), indicates],
    );
    mesh.wait_for_objects(3);
    let later = json!({ "name": "second", "modified": "2026-02-01T00:00:00.000Z", "confidence": 70 });
    publish(sg, &[indicator(1, "[domain-name:value = 'a.example']", later)]);
    mesh.wait_for_objects(4);
    let sighting = json!({ "type": "sighting", "spec_version": "2.1", "id": "sighting--00000000-0000-4000-8000-000000000001",
        "created": THEN, "modified": THEN, "sighting_of_ref": id(1), "count": 3 });
    publish(my, &[sighting]);
    mesh.wait_for_objects(5);
    eventually("MY's receipt", || {
        let shown = sg.run(["show", &id(1)]).done();
        if shown.contains("by 1 of 1 other node") { Ok(()) } else { Err(shown) }
    });
    let shown = sg.run(["show", &id(1)]).done();
    for words in [
        "name        second",
        "confidence  70",
        "signature   good: that node's key has signed exactly this text",
        "Versions, the latest arrival first",
        "it indicates malware--00000000-0000-4000-8000-000000000001  PandanLoader  (says SG)",
        "MY saw it 3 times",
        "\"name\": \"second\"",
    ] {
        assert!(shown.contains(words), "{words} is not in:\n{shown}");
    }
    assert_eq!(sg.run(["show", &id(1), "--json"]).done().lines().count(), 2, "a line for each version");
    let unknown = sg.run(["show", &id(9)]).refused(1);
    assert!(unknown.contains("this node has no object"), "{unknown}");
}
