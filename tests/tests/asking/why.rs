//! `certmesh why`: each reason, in a mesh where it holds.

use certmesh_api::Why;
use certmesh_tests::{Mesh, Node};
use serde_json::json;

use crate::{id, indicator, marked, publish};

#[track_caller]
fn why(node: &Node, value: &str, ceiling: &str) -> (bool, Vec<String>) {
    let found: Why = node.run(["why", value, "--ceiling", ceiling, "--json"]).json();
    (found.listed, found.reasons.into_iter().map(|reason| reason.because).collect())
}

#[test]
fn each_value_has_its_reason() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    let of = |host: &str| format!("[domain-name:value = '{host}']");
    let green = marked("green");
    publish(
        sg,
        &[
            indicator(1, &of("listed.example"), json!({ "object_marking_refs": green })),
            indicator(2, &of("unmarked.example"), json!({})),
            indicator(
                3,
                &of("expired.example"),
                json!({ "object_marking_refs": green, "valid_until": "2026-02-01T00:00:00Z" }),
            ),
            indicator(4, &of("revoked.example"), json!({ "object_marking_refs": green })),
            indicator(5, &of("old.example"), json!({ "object_marking_refs": green })),
            indicator(
                6,
                "[domain-name:value = 'partial.example' AND file:name = 'x']",
                json!({ "object_marking_refs": green }),
            ),
        ],
    );
    let later = "2026-02-01T00:00:00.000Z";
    publish(
        sg,
        &[
            indicator(
                4,
                &of("revoked.example"),
                json!({ "object_marking_refs": green, "modified": later, "revoked": true }),
            ),
            indicator(5, &of("new.example"), json!({ "object_marking_refs": green, "modified": later })),
        ],
    );
    for (value, ceiling, listed, reasons) in [
        ("listed[.]example", "green", true, &["listed"][..]),
        ("unmarked.example", "green", false, &["above-ceiling"]),
        ("unmarked.example", "amber", true, &["listed"]),
        ("expired.example", "green", false, &["expired"]),
        ("old.example", "green", false, &["superseded"]),
        ("new.example", "green", true, &["listed"]),
        ("partial.example", "green", false, &["listed"]),
        ("sub.listed.example", "green", false, &["listed"]),
        ("nobody.example", "green", false, &[]),
    ] {
        let expected = (listed, reasons.iter().map(|reason| (*reason).to_owned()).collect());
        assert_eq!(why(sg, value, ceiling), expected, "{value} up to {ceiling}");
    }
    let (listed, reasons) = why(sg, "revoked.example", "green");
    assert!(
        !listed && reasons.iter().all(|reason| ["revoked", "superseded"].contains(&reason.as_str())),
        "{reasons:?}"
    );
    let words = sg.run(["why", "expired.example"]).done();
    assert!(words.contains("expired at 2026-02-01") && words.contains(&id(3)), "{words}");
}

#[test]
fn what_the_operators_allow_is_never_listed() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    let green = json!({ "object_marking_refs": marked("green") });
    publish(
        sg,
        &[
            indicator(1, "[domain-name:value = 'www.bank.example']", green.clone()),
            indicator(2, "[ipv4-addr:value = '10.1.2.3']", green),
        ],
    );
    assert!(why(sg, "www.bank.example", "green").0);
    sg.stop();
    let config = sg.home().join("node.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("allow_list = \"allow.txt\"\n{text}")).unwrap();
    std::fs::write(sg.home().join("allow.txt"), "# our banks\nbank[.]example\n").unwrap();
    mesh.up();
    let words = sg.run(["why", "www.bank.example"]).done();
    assert!(words.contains("the allow-list of this node has bank[.]example"), "{words}");
    assert!(!why(sg, "www.bank.example", "green").0);
    let private = sg.run(["why", "10.1.2.3"]).done();
    assert!(private.contains("it is a private network"), "{private}");
    let known: serde_json::Value = sg.run(["check", "www.bank.example", "--json"]).json();
    assert_eq!(known["known"], true, "what is allowed is still known");
}
