//! What single types, extensions and markings ask for.

use serde_json::{Value, json};

use super::{check, id, object};
use crate::validate::validate;

#[test]
fn properties_that_exclude_or_ask_for_others() {
    check(
        "location",
        &[
            (json!({"latitude": 1.5, "longitude": 103}), ""),
            (json!({"latitude": 1.5}), "property \"longitude\" is missing"),
            (json!({"latitude": 91, "longitude": 0}), "a number from -90 to 90"),
            (
                json!({"region": "south-eastern-asia", "precision": 5}),
                "property \"latitude\" is missing; a precision must say of what",
            ),
        ],
    );
    check(
        "artifact",
        &[
            (json!({"payload_bin": "eA=="}), ""),
            (
                json!({"payload_bin": "eA==", "url": "http://a.example"}),
                "property \"url\" stands beside payload_bin",
            ),
            (json!({"url": "http://a.example"}), "property \"hashes\" is missing"),
            (
                json!({"payload_bin": "eA==", "decryption_key": "x"}),
                "property \"encryption_algorithm\" is missing",
            ),
            (
                json!({"payload_bin": "eA==", "encryption_algorithm": "rot13"}),
                "it must be one of AES-256-GCM, ",
            ),
        ],
    );
    check(
        "email-message",
        &[
            (json!({"is_multipart": false, "body": "x"}), ""),
            (
                json!({"is_multipart": true, "body": "x"}),
                "property \"body\" stands in a message of several parts",
            ),
            (
                json!({"is_multipart": false, "body_multipart": [{"body": "x"}]}),
                "property \"body_multipart\" stands in",
            ),
            (
                json!({"is_multipart": true, "body_multipart": [{"content_type": "x"}]}),
                "property \"body_multipart[0].body\" is missing",
            ),
        ],
    );
    check(
        "network-traffic",
        &[
            (json!({"protocols": ["ipv4", "tcp"], "src_ref": id("ipv4-addr"), "dst_port": 443}), ""),
            (json!({"protocols": [], "src_ref": id("ipv4-addr")}), "property \"protocols\" is []"),
            (json!({"protocols": ["tcp"], "dst_ref": id("url")}), "property \"dst_ref\" is"),
            (
                json!({"protocols": ["tcp"], "dst_ref": id("ipv4-addr"), "dst_port": 65_536}),
                "from 0 to 65535",
            ),
            (
                json!({"protocols": ["tcp"], "dst_ref": id("ipv4-addr"), "is_active": true, "end": "2024-01-01T00:00:00Z"}),
                "has not ended",
            ),
        ],
    );
    check(
        "process",
        &[
            (json!({"pid": 5}), ""),
            (json!({"x_mine": 5}), "property \"is_hidden\" is missing; this or another"),
        ],
    );
    let definition = json!({"created_by_ref": id("identity"), "name": "x", "schema": "x", "version": "1.0.0", "extension_types": ["new-sdo"]});
    let mut wide = definition.clone();
    wide["extension_properties"] = json!(["abc"]);
    check("extension-definition", &[(definition, ""), (wide, "toplevel-property-extension alone")]);
}

#[test]
fn values_of_observables_have_their_form() {
    for (object_type, value, sound) in [
        ("ipv4-addr", "203.0.113.0/24", true),
        ("ipv4-addr", "203.0.113.256", false),
        ("ipv6-addr", "2001:db8::1", true),
        ("ipv6-addr", "203.0.113.7", false),
        ("mac-addr", "D2:FB:49:24:37:18", false),
        ("domain-name", "evil.example", true),
        ("domain-name", "evil[.]example", false),
        ("email-addr", "Joe <joe@a.example>", false),
        ("url", "https://a.example/", true),
        ("url", "a.example", false),
    ] {
        let json = object(object_type, json!({"value": value})).to_string();
        assert_eq!(validate(&json).is_ok(), sound, "{json}");
        let defanged = object(object_type, json!({"value": value, "defanged": true})).to_string();
        assert!(validate(&defanged).is_ok(), "{defanged}");
    }
    check(
        "windows-registry-key",
        &[
            (json!({"key": "HKEY_LOCAL_MACHINE\\x", "values": [{"data_type": "REG_SZ"}]}), ""),
            (json!({"key": "HKLM\\x"}), "with its hive in full"),
            (
                json!({"key": "x", "values": [{"data_type": "SZ"}]}),
                "property \"values[0].data_type\" is \"SZ\"; it must be one of REG_NONE",
            ),
        ],
    );
    check(
        "file",
        &[
            (json!({"hashes": {"SHA-256": "f".repeat(64), "sha256": "free"}, "size": 0}), ""),
            (
                json!({"hashes": {"SHA-256": "f00"}}),
                "property \"hashes.SHA-256\" is \"f00\"; it must be 64 hexadecimal digits",
            ),
            (json!({"hashes": {"SHA 256": "f00"}}), "a key of at most 250 letters"),
            (json!({"name": "x", "size": -1}), "property \"size\" is -1"),
        ],
    );
}

#[test]
fn extensions_are_known_or_say_what_they_are() {
    let defined =
        |extension: Value| json!({"name": "x", "extensions": {id("extension-definition"): extension}});
    check(
        "file",
        &[
            (defined(json!({"extension_type": "property-extension", "rank": 5})), ""),
            (defined(json!({"rank": 5})), ".extension_type\" is missing; it says in which way"),
            (defined(json!({"extension_type": "mine"})), "it must be one of new-sdo, "),
            (json!({"name": "x", "extensions": {"x-mine-ext": {"abc": 1}}}), ""),
            (
                json!({"name": "x", "extensions": {"mine": {"abc": 1}}}),
                "property \"extensions.mine\" is no extension",
            ),
            (
                json!({"name": "x", "extensions": {"extension-definition--1": {"extension_type": "new-sdo"}}}),
                "is no extension",
            ),
            (
                json!({"name": "x", "extensions": {"archive-ext": {"comment": "x"}}}),
                "property \"extensions.archive-ext.contains_refs\" is missing",
            ),
            (
                json!({"name": "x", "extensions": {"windows-pebinary-ext": {"pe_type": "exe", "sections": [{"name": "x", "entropy": "high"}]}}}),
                "property \"extensions.windows-pebinary-ext.sections[0].entropy\" is \"high\"",
            ),
            (
                json!({"name": "x", "extensions": {"ntfs-ext": {"x_mine": 1}}}),
                "has none of the properties that belong there",
            ),
        ],
    );
}

#[test]
fn granular_markings_select_what_is_there() {
    let marked = |marking: Value| json!({"name": "x", "labels": ["a", "b"], "x_deep": {"abc": [{"def": 1}]}, "granular_markings": [marking]});
    let red = crate::Tlp::Red.marking_id();
    check(
        "tool",
        &[
            (
                marked(
                    json!({"selectors": ["name", "labels.[1]", "x_deep.abc.[0].def", "labels"], "marking_ref": red}),
                ),
                "",
            ),
            (marked(json!({"selectors": ["name"], "lang": "km"})), ""),
            (
                marked(json!({"selectors": ["labels.[2]"], "marking_ref": red})),
                "property \"granular_markings[0].selectors[0]\" is labels.[2], which selects nothing of the object",
            ),
            (marked(json!({"selectors": ["name.[0]"], "marking_ref": red})), "which selects nothing"),
            (marked(json!({"selectors": ["description"], "marking_ref": red})), "which selects nothing"),
            (
                marked(json!({"selectors": [], "marking_ref": red})),
                "property \"granular_markings[0].selectors\" is []",
            ),
            (
                marked(json!({"selectors": ["name"]})),
                "property \"granular_markings[0].marking_ref\" is missing",
            ),
            (marked(json!({"selectors": ["name"], "lang": "km", "marking_ref": red})), "one of them"),
            (
                marked(json!({"selectors": ["name"], "marking_ref": id("tool")})),
                "begins with marking-definition--",
            ),
        ],
    );
}

#[test]
fn selectors_are_followed_within_reason() {
    let selectors = vec!["name"; 1_000];
    let rest = json!({"name": "x", "labels": vec!["a"; 100_000],
        "granular_markings": [{"selectors": selectors, "marking_ref": crate::Tlp::Red.marking_id()}]});
    check("tool", &[(rest, "is more than can be followed in an object of this length")]);
}

#[test]
fn marking_definitions_define_something_else_than_themselves() {
    let own = id("marking-definition");
    check(
        "marking-definition",
        &[
            (json!({"definition_type": "statement", "definition": {"statement": "(c)"}}), ""),
            (
                json!({"definition_type": "statement", "definition": {"text": "(c)"}}),
                "property \"definition.statement\" is missing",
            ),
            (json!({"definition": {"statement": "(c)"}}), "property \"definition_type\" is missing"),
            (json!({"name": "x"}), "property \"definition\" is missing"),
            (
                json!({"definition_type": "x-mine", "definition": {"abc": 1}, "object_marking_refs": [own]}),
                "itself",
            ),
        ],
    );
}
