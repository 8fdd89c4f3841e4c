//! `certmesh reindex`: the index made anew from the records answers as the old one did.

use certmesh_tests::Mesh;
use serde_json::json;

use crate::{id, indicator, publish};

#[test]
fn an_index_that_is_made_anew_answers_as_before() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    let of =
        |n: u32| indicator(n, &format!("[domain-name:value = 'n{n}.example']"), json!({ "labels": ["c2"] }));
    publish(sg, &(0..20).map(of).collect::<Vec<_>>());
    let revoked = json!({ "modified": "2026-02-01T00:00:00.000Z", "revoked": true });
    publish(sg, &[indicator(7, "[domain-name:value = 'n7.example']", revoked)]);
    let questions: [&[&str]; 5] = [
        &["query", "--json"],
        &["query", "--label", "c2", "--json"],
        &["check", "n3.example", "sub.n4.example", "n7.example", "--json"],
        &["show", &id(7), "--json"],
        &["why", "n7.example", "--json"],
    ];
    let answers = || questions.map(|words| sg.run(words).done());
    let before = answers();
    let said = sg.run(["reindex"]).done();
    assert!(said.contains("with its next start"), "{said}");
    assert_eq!(answers(), before, "the old index answers until then");
    sg.stop();
    mesh.up();
    assert!(sg.log().contains("the index is rebuilt"), "{}", sg.log());
    assert_eq!(answers(), before);
}
