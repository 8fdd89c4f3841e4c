//! What may be published, and what a person reads when it may not.

mod types;

use serde_json::{Value, json};

use super::{validate, validate_all};

fn object(object_type: &str, rest: Value) -> Value {
    let mut object = json!({
        "type": object_type, "spec_version": "2.1", "id": format!("{object_type}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"),
        "created": "2024-01-01T00:00:00Z", "modified": "2024-01-01T00:00:00Z",
    });
    for (name, value) in rest.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

/// An indicator with `rest` set; a null takes a property away.
fn indicator(rest: Value) -> String {
    let mut whole = object(
        "indicator",
        json!({"pattern": "[a:b = 'c']", "pattern_type": "stix", "valid_from": "2024-01-01T00:00:00Z"}),
    );
    for (name, value) in rest.as_object().unwrap() {
        whole[name] = value.clone();
    }
    whole.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    whole.to_string()
}

fn fault(json: &str) -> String {
    validate(json).unwrap_err().to_string()
}

#[test]
fn accepts_what_the_standard_accepts() {
    let uuid = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
    let (tool, custom) = (format!("tool--{uuid}"), format!("x-y--{uuid}"));
    let ends = json!({"relationship_type": "uses", "source_ref": tool, "target_ref": custom});
    for json in [
        indicator(json!({})),
        indicator(
            json!({"valid_until": "2025-01-01T00:00:00.000Z", "x_more": {"a": [1]}, "confidence": 100}),
        ),
        indicator(json!({"id": format!("indicator--{}", uuid.to_uppercase())})),
        object("malware", json!({"is_family": false})).to_string(),
        object("relationship", ends).to_string(),
        object("x-custom", json!({"first_seen": 5})).to_string(),
        format!(r#"{{"type":"x-custom","id":"x-custom--{uuid}"}}"#),
        format!(r#"{{"type":"ipv4-addr","id":"ipv4-addr--{uuid}","value":"192.0.2.1"}}"#),
        crate::Tlp::Red.marking_definition().to_owned(),
    ] {
        validate(&json).unwrap_or_else(|fault| panic!("{json}: {fault}"));
    }
}

#[test]
fn names_the_property_and_the_rule() {
    for (change, message) in [
        (
            json!({"valid_from": null}),
            "property \"valid_from\" is missing; an indicator must say from when it is valid",
        ),
        (json!({"spec_version": null}), "property \"spec_version\" is missing; it must be \"2.1\""),
        (json!({"spec_version": "2.0"}), "property \"spec_version\" is \"2.0\"; it must be \"2.1\""),
        (json!({"created": null}), "property \"created\" is missing"),
        (json!({"modified": null}), "property \"modified\" is missing"),
        (
            json!({"created": "2024-01-01"}),
            "property \"created\" is \"2024-01-01\"; it must be a time in UTC",
        ),
        (
            json!({"modified": "2023-12-31T23:59:59Z"}),
            "property \"modified\" (2023-12-31T23:59:59Z) is before \"created\"",
        ),
        (
            json!({"valid_until": "2024-01-01T00:00:00Z"}),
            "property \"valid_until\" (2024-01-01T00:00:00Z) is not after \"valid_from\"",
        ),
        (json!({"pattern": " "}), "property \"pattern\" is \" \"; it must be a text that is not empty"),
        (json!({"pattern": ["a"]}), "property \"pattern\" is [\"a\"]; it must be a text"),
        (json!({"created_by_ref": "tool--1"}), "it must be an id that begins with identity--"),
        (
            json!({"object_marking_refs": ["TLP:RED"]}),
            "property \"object_marking_refs[0]\" is \"TLP:RED\"; it must be an id that begins with marking-definition--",
        ),
        (json!({"object_marking_refs": []}), "and not empty"),
        (json!({"confidence": 101}), "a whole number from 0 to 100"),
        (json!({"revoked": "yes"}), "it must be true or false"),
        (json!({"id": "indicator--8e2e"}), "an id is a type, two hyphens and a UUID"),
    ] {
        let got = fault(&indicator(change));
        assert!(got.contains(message), "{got}");
    }
}

#[test]
fn every_type_has_its_own_rules() {
    for (object, message) in [
        (object("malware", json!({})), "\"is_family\" is missing"),
        (object("malware", json!({"is_family": true})), "a malware family must have a name"),
        (object("location", json!({})), "a region, a country"),
        (
            object("report", json!({"name": "x", "published": "2024-01-01T00:00:00Z", "object_refs": []})),
            "property \"object_refs\" is []; it must be a list, and not empty",
        ),
        (object("sighting", json!({"sighting_of_ref": "x"})), "the id of a domain object"),
        (object("file", json!({})), "a file must have hashes or a name"),
        (object("domain-name", json!({})), "\"value\" is missing"),
        (object("bundle", json!({})), "can't stand inside a bundle"),
        (object("X-Custom", json!({})), "lower-case letters"),
        (object("x", json!({})), "3 to 250"),
    ] {
        let got = fault(&object.to_string());
        assert!(got.contains(message), "{got}");
    }
}

#[test]
fn a_file_is_refused_at_its_first_wrong_object() {
    let (good, bad) = (indicator(json!({})), indicator(json!({"valid_from": null})));
    let said = |objects: &[&str]| validate_all(objects).unwrap_err().to_string();
    assert_eq!(validate_all(&[&good, &good]).unwrap().len(), 2);
    assert_eq!(
        said(&[&good, &bad, "{}"]),
        "object 2 (indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f): property \"valid_from\" is missing; \
         an indicator must say from when it is valid"
    );
    assert_eq!(said(&["{}"]), "object 1: property \"type\" is missing; it says what kind of object this is");
    assert_eq!(
        said(&[r#"{"type":"to\u001b[2Jol"}"#]),
        "object 1 (to\\u{1b}[2Jol): property \"id\" is missing; every object is known by one"
    );
}

#[test]
fn messages_quote_safely_and_shortly() {
    let got = fault(&indicator(json!({"created": format!("\u{202e}{}", "x".repeat(10_000))})));
    assert!(got.len() < 250 && got.contains("\\u{202e}"), "{got}");
}

#[test]
fn no_spelling_and_no_definition_of_its_own_hides_a_marking() {
    let upper = r#"{"type":"mutex","id":"mutex--84ab5c70-4cfb-5d6d-8ee7-d7bb1c0d4d0b","name":"x","object_marking_refs":["marking-definition--E828B379-4E03-4974-9AC4-E53A884C97C1"]}"#;
    assert_eq!(validate(upper).unwrap().tlp(), crate::Tlp::Red);
    let own = r#"{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--84ab5c70-4cfb-4d6d-8ee7-d7bb1c0d4d0b","created":"2020-01-01T00:00:00Z","definition_type":"tlp","definition":{"tlp":"red"}}"#;
    assert!(validate(own).unwrap_err().to_string().contains("those of TLP 2.0"));
}

const UUID: &str = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";

fn id(object_type: &str) -> String {
    format!("{object_type}--{UUID}")
}

/// Each object with `rest`, and what is said of it; nothing if it may be published.
#[track_caller]
fn check(object_type: &str, cases: &[(Value, &str)]) {
    for (rest, message) in cases {
        let json = object(object_type, rest.clone()).to_string();
        let got = validate(&json).map_or_else(|fault| fault.to_string(), |_| String::new());
        assert!(if message.is_empty() { got.is_empty() } else { got.contains(message) }, "{json}\n{got}");
    }
}

#[test]
fn a_fault_is_placed_within_lists_and_parts() {
    let phase = |name: &str| json!({"kill_chain_name": "mitre-attack", name: "x"});
    check(
        "attack-pattern",
        &[
            (json!({"name": "x", "kill_chain_phases": [phase("phase_name")]}), ""),
            (
                json!({"name": "x", "kill_chain_phases": [phase("phase_name"), phase("phase")]}),
                "property \"kill_chain_phases[1].phase_name\" is missing; it says which phase it is",
            ),
            (json!({"name": "x", "aliases": ["a", 5]}), "property \"aliases[1]\" is 5; it must be a text"),
            (
                json!({"name": "x", "labels": "a"}),
                "property \"labels\" is \"a\"; it must be a list, and not empty",
            ),
            (
                json!({"name": "x", "external_references": [{"source_name": "x"}]}),
                "property \"external_references[0].external_id\" is missing; a reference must have",
            ),
            (
                json!({"name": "x", "external_references": [{"source_name": "capec", "external_id": "163"}]}),
                "property \"external_references[0].external_id\" is 163; it must be the id of a CAPEC entry",
            ),
            (
                json!({"name": "x", "external_references": [{"source_name": "x", "url": "evil"}]}),
                "property \"external_references[0].url\" is \"evil\"; it must be a URL",
            ),
            (
                json!({"name": "x", "external_references": [{"source_name": "x", "url": "http://a.example", "hashes": {"MD5": "f00"}}]}),
                "property \"external_references[0].hashes.MD5\" is \"f00\"; it must be 32 hexadecimal digits",
            ),
        ],
    );
    let twice = r#"{"type":"tool","spec_version":"2.1","id":"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2024-01-01T00:00:00Z","modified":"2024-01-01T00:00:00Z","name":"x","kill_chain_phases":[{"kill_chain_name":"x","phase_name":"y","phase_name":"z"}]}"#;
    assert_eq!(fault(twice), "property \"kill_chain_phases[0].phase_name\" stands there twice");
}

#[test]
fn patterns_are_parsed() {
    for (change, message) in [
        (
            json!({"pattern": "[file:hashes.SHA-256 = 'ab']"}),
            "property \"pattern\" is no STIX pattern: line 1, column 14: expected a property's name, but SHA-256 stands there",
        ),
        (
            json!({"pattern": "[file:hashes.MD5 = 'f00']"}),
            "property \"pattern\" is no STIX pattern: line 1, column 20: 'f00' is no MD5 hash",
        ),
    ] {
        let got = fault(&indicator(change));
        assert!(got.contains(message), "{got}");
    }
    assert!(validate(&indicator(json!({"pattern": "rule x {}", "pattern_type": "yara"}))).is_ok());
}

#[test]
fn references_lead_to_what_they_may() {
    let ends = |from: &str, to: &str| json!({"relationship_type": "uses", "source_ref": id(from), "target_ref": id(to)});
    check(
        "relationship",
        &[
            (ends("malware", "x-custom"), ""),
            (ends("file", "ipv4-addr"), ""),
            (ends("relationship", "malware"), "property \"source_ref\" is \"relationship--"),
            (ends("malware", "marking-definition"), "property \"target_ref\" is \"marking-definition--"),
            (
                json!({"relationship_type": "Uses", "source_ref": id("tool"), "target_ref": id("tool")}),
                "lower-case letters",
            ),
            (
                json!({"relationship_type": "uses", "source_ref": "tool--00000000-0000-0000-0000-000000000000", "target_ref": id("tool")}),
                "property \"source_ref\" is",
            ),
        ],
    );
    check(
        "sighting",
        &[
            (
                json!({"sighting_of_ref": id("indicator"), "where_sighted_refs": [id("identity"), id("location")]}),
                "",
            ),
            (json!({"sighting_of_ref": id("file")}), "it must be the id of a domain object"),
            (json!({"sighting_of_ref": id("sighting")}), "it must be the id of a domain object"),
            (
                json!({"sighting_of_ref": id("indicator"), "where_sighted_refs": [id("tool")]}),
                "property \"where_sighted_refs[0]\" is \"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\"; it must be an id that begins with identity--, location--",
            ),
            (
                json!({"sighting_of_ref": id("indicator"), "count": 1_000_000_000}),
                "a whole number from 0 to 999999999",
            ),
        ],
    );
    let observed = |rest: Value| {
        let mut whole = json!({"first_observed": "2024-01-01T00:00:00Z", "last_observed": "2024-01-01T00:00:00Z", "number_observed": 1});
        whole.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        whole
    };
    check(
        "observed-data",
        &[
            (observed(json!({"object_refs": [id("file"), id("relationship")]})), ""),
            (observed(json!({"object_refs": [id("relationship")]})), "names no observable"),
            (observed(json!({"object_refs": [id("malware")]})), "property \"object_refs[0]\""),
            (observed(json!({"objects": {"0": {"type": "file"}}})), ""),
            (
                observed(json!({"objects": {"0": {"type": "file"}}, "object_refs": [id("file")]})),
                "one of them",
            ),
            (observed(json!({"objects": {"0": {}}})), "property \"objects.0\" is {}"),
        ],
    );
}

#[test]
fn custom_properties_and_nothings() {
    check(
        "tool",
        &[
            (json!({"name": "x", "x_mine": {"A": []}}), ""),
            (json!({"name": "x", "X-Mine": 1}), "property \"X-Mine\" has a name that no property can have"),
            (json!({"name": "x", "severity": 1}), "keeps for itself"),
            (
                json!({"name": "x", "x_mine": null}),
                "property \"x_mine\" is null; leave out what has no value",
            ),
            (json!({"name": "x", "x_mine": []}), "property \"x_mine\" is []; leave out what has no value"),
            (json!({"name": "x", "lang": "english language"}), "a language tag"),
        ],
    );
    check("action", &[(json!({}), "keeps for itself")]);
}
