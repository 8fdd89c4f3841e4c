//! `certmesh check`: known or not, by whom, by the line.

use certmesh_tests::Mesh;
use serde_json::{Value, json};

use crate::{id, indicator, marked, publish};

#[test]
fn every_value_gets_a_line_that_says_who_knows_it() {
    let mesh = Mesh::raise(2);
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    let network = json!({ "confidence": 80, "object_marking_refs": marked("green"), "valid_until": "2999-01-01T00:00:00Z" });
    publish(
        sg,
        &[
            indicator(1, "[ipv4-addr:value = '203.0.113.0/24']", network),
            indicator(2, "[domain-name:value = 'evil.example' AND file:name = 'a.exe']", json!({})),
        ],
    );
    mesh.wait_for_objects(2);
    let ran = my.run(["check", "--json", "203.0.113[.]7", "nobody.example", "www.evil.example"]);
    let lines: Vec<Value> = ran.lines();
    let expected = json!([
        { "value": "203.0.113[.]7", "known": true, "hits": [{ "how": "network", "member": "SG", "tlp": "green",
            "confidence": 80, "first_seen": "2026-01-02T03:04:05Z", "object_id": id(1), "kind": "ipv4-addr",
            "value": "203.0.113.0/24", "partial": false, "valid_until": "2999-01-01T00:00:00Z" }] },
        { "value": "nobody.example", "known": false, "hits": [] },
        { "value": "www.evil.example", "known": true, "hits": [{ "how": "parent", "member": "SG", "tlp": "amber",
            "confidence": null, "first_seen": "2026-01-02T03:04:05Z", "object_id": id(2), "kind": "domain-name",
            "value": "evil.example", "partial": true, "valid_until": null }] },
    ]);
    assert_eq!(lines.len(), 3);
    for (line, expected) in lines.iter().zip(expected.as_array().unwrap()) {
        assert!(contains(line, expected), "{line}\nlacks something of\n{expected}");
    }
    let table = my.run(["check", "203.0.113.7", "nobody.example"]).done();
    assert!(table.contains("lies in 203.0.113.0/24") && table.contains("nobody.example"), "{table}");
}

/// Whether all of `part` is in `whole`.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        _ => whole == part,
    }
}

#[test]
fn values_come_from_files_and_stdin_and_keep_their_order() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    publish(sg, &[indicator(1, "[domain-name:value = 'n17.example']", json!({}))]);
    let values: Vec<_> = (0..20_000).map(|n| format!("n{n}.example")).collect();
    let file = mesh.path("values.txt");
    std::fs::write(&file, values.join("\r\n")).unwrap();
    for ran in [
        sg.run(["check".as_ref(), "--json".as_ref(), file.as_os_str()]),
        sg.run_fed(&["check", "-", "--json"], &values.join("\n")),
    ] {
        assert!(ran.stderr.contains("1 of 20000 values is known"), "{}", ran.stderr);
        let lines: Vec<Value> = ran.lines();
        assert!(
            lines.iter().map(|line| line["value"].as_str().unwrap()).eq(values.iter().map(String::as_str))
        );
        let known: Vec<_> = lines.iter().filter(|line| line["known"] == true).collect();
        assert!(known.len() == 1 && known[0]["value"] == "n17.example", "{known:?}");
    }
}

#[test]
fn what_is_no_value_does_not_stop_the_rest() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    publish(sg, &[indicator(1, "[domain-name:value = 'evil.example']", json!({}))]);
    let file = mesh.path("values.txt");
    std::fs::write(&file, [b"\xff\xfe\n", &vec![b'x'; 5_000_000][..], b"\n\0\nevil.example"].concat())
        .unwrap();
    let ran = sg.run(["check".as_ref(), "--json".as_ref(), file.as_os_str()]);
    let lines: Vec<Value> = ran.lines();
    let known: Vec<_> = lines.iter().map(|line| line["known"] == true).collect();
    assert_eq!(known, [false, false, false, true]);
    assert!(lines[1]["error"].as_str().unwrap().contains("longer than"), "{}", lines[1]["error"]);
    // A table that was taken for a list of values.
    std::fs::write(&file, "value,label\nevil.example,c2\nevil.example\n").unwrap();
    let ran = sg.run(["check".as_ref(), file.as_os_str()]);
    assert!(ran.stderr.contains("2 of the first 3 lines are not recognised as values"), "{}", ran.stderr);
    assert!(ran.stderr.contains("Line 1: \"value,label\" is nothing that is recognised"), "{}", ran.stderr);
    assert!(sg.run(["check", "--json", "no/such/file.txt"]).done().contains("\"known\":false"));
}
