//! What objects speak of.

use serde_json::json;

use super::MAX_OBSERVABLES;
use crate::object::Object;

fn of(mut object: serde_json::Value) -> Vec<String> {
    let id = format!("{}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", object["type"].as_str().unwrap());
    object["id"] = id.into();
    let json = object.to_string();
    let mentions = super::of(&Object::read(&json).unwrap());
    mentions
        .into_iter()
        .map(|mention| mention.observable)
        .map(|one| format!("{}={}", one.kind, one.value))
        .collect()
}

fn of_pattern(pattern: &str) -> Vec<String> {
    of(json!({"type": "indicator", "pattern": pattern, "pattern_type": "stix"}))
}

#[test]
fn patterns_name_what_they_compare() {
    for (pattern, expected) in [
        ("[domain-name:value = 'Evil.COM.']", "domain-name=evil.com"),
        ("[domain-name:value = '203.0.113.7']", "ipv4-addr=203.0.113.7"),
        ("[ipv4-addr:value = '203.0.113.0/24']", "ipv4-addr=203.0.113.0/24"),
        ("[ipv4-addr:value = '2001:DB8::1']", "ipv6-addr=2001:db8::1"),
        ("[url:value = 'HTTP://A.com/B']", "url=http://a.com/B"),
        ("[domain-name:value = 'http://A.com/B']", "url=http://a.com/B"),
        ("[domain-name:value IN ('A.com')]", "domain-name=a.com"),
        ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", "ipv4-addr=198.51.100.0/24"),
        ("[email-message:from_ref.value = 'Joe@A.com']", "email-addr=joe@a.com"),
        (
            "[network-traffic:dst_ref.value = '1.2.3.4' AND network-traffic:dst_ref.type = 'ipv4-addr']",
            "ipv4-addr=1.2.3.4",
        ),
        ("[domain-name:resolves_to_refs[*].value = '1.2.3.4']", "ipv4-addr=1.2.3.4"),
        ("[domain-name:resolves_to_refs[*].value = 'B.com']", "domain-name=b.com"),
        ("[file:hashes.'SHA-256' = 'AB']", "file-sha256=ab"),
        ("[file:hashes.sha256 = 'AB']", "file-sha256=ab"),
        ("[file:hashes.MD5 = 'AB']", "file-md5=ab"),
        ("[process:image_ref.hashes.'SHA-1' = 'AB']", "file-sha1=ab"),
        ("[x509-certificate:hashes.'SHA-1' = 'AB']", "certificate-sha1=ab"),
        ("[file:name = 'A.exe']", "file-name=A.exe"),
        ("[app:id = 'com.Evil']", "app:id=com.Evil"),
        ("[app:'a\u{1b}[2J' = 'x']", "other=x"),
        (
            "[app:cert.sha1 = 'ABCDEF0123456789ABCDEF0123456789ABCDEF01']",
            "app:cert.sha1=abcdef0123456789abcdef0123456789abcdef01",
        ),
        ("[autonomous-system:number = 15169]", "autonomous-system=15169"),
        ("[file:hashes.'SHA3-256' = 'AB']", "file-sha3-256=ab"),
        ("[file:hashes.'SHA-384' = 'AB']", "file-sha384=ab"),
        ("[file:hashes.SSDEEP = '3:abc:Def']", "file-ssdeep=3:abc:Def"),
        (
            "[file:extensions.'windows-pebinary-ext'.sections[*].hashes.MD5 = 'AB']",
            "file:extensions.'windows-pebinary-ext'.sections[*].hashes.MD5=AB",
        ),
        ("[file:extensions.'windows-pebinary-ext'.imphash = 'AB']", "file-imphash=ab"),
        ("[process:image_ref.name = 'C:\\\\X.exe']", "file-name=c:\\x.exe"),
        ("[file:parent_directory_ref.path = 'C:\\\\X']", "file-path=c:\\x"),
        (
            "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'Evil/1.0 (x)']",
            "user-agent=Evil/1.0 (x)",
        ),
        (
            "[windows-registry-key:key = 'HKLM\\\\Software']",
            "windows-registry-key=hkey_local_machine\\software",
        ),
        (
            "[cryptocurrency-wallet:value = '0xAB5801A7D398351B8BE11C439E05C5B3259AEC9B']",
            "cryptocurrency-wallet=0xab5801a7d398351b8be11c439e05c5b3259aec9b",
        ),
        ("[vulnerability:name = 'cve-2021-44228']", "vulnerability=CVE-2021-44228"),
    ] {
        assert_eq!(of_pattern(pattern), [expected], "{pattern}");
    }
    assert!(of_pattern("[file:name = '  ']").is_empty());
}

#[test]
fn only_stix_patterns_are_read() {
    let with = |pattern_type: serde_json::Value| {
        of(json!({"type": "indicator", "pattern": "[a:b = 'x']", "pattern_type": pattern_type}))
    };
    assert_eq!(with(json!("stix")), ["a:b=x"]);
    assert_eq!(with(json!(null)), ["a:b=x"]);
    assert!(with(json!("yara")).is_empty());
}

#[test]
fn observable_objects_name_themselves() {
    for (object, expected) in [
        (json!({"type": "domain-name", "value": "A.com"}), &["domain-name=a.com"][..]),
        (json!({"type": "ipv6-addr", "value": "2001:DB8::1"}), &["ipv6-addr=2001:db8::1"]),
        (json!({"type": "autonomous-system", "number": 15169, "name": "G"}), &["autonomous-system=15169"]),
        (json!({"type": "mutex", "name": "M"}), &["mutex=M"]),
        (
            json!({"type": "file", "name": "x", "hashes": {"MD5": "AA", "SHA-256": "bb", "z": 1}}),
            &["file-md5=aa", "file-sha256=bb", "file-name=x"],
        ),
        (json!({"type": "file", "hashes": [], "name": {}}), &[]),
        (json!({"type": "malware", "name": "x", "value": "y"}), &[]),
        (
            json!({"type": "network-traffic", "protocols": ["http"], "extensions": {"http-request-ext": {"request_header":
                {"user-agent": "Evil/1.0", "Host": ["Evil.com"], "Accept": "*/*"}}}}),
            &["user-agent=Evil/1.0", "domain-name=evil.com"],
        ),
        (
            json!({"type": "file", "name": "x", "extensions": {"windows-pebinary-ext": {"imphash": "AB"}}}),
            &["file-imphash=ab", "file-name=x"],
        ),
        (
            json!({"type": "vulnerability", "name": "Log4Shell", "external_references":
                [{"source_name": "cve", "external_id": "CVE-2021-44228"}, {"source_name": "x", "external_id": "y"}]}),
            &["vulnerability=CVE-2021-44228"],
        ),
        (
            json!({"type": "observed-data", "objects": {"0": {"type": "ipv4-addr", "value": "203.0.113.7"},
                "1": {"type": "url", "value": "HTTP://a.com"}, "2": {"value": "x"}, "3": 5}}),
            &["ipv4-addr=203.0.113.7", "url=http://a.com/"],
        ),
    ] {
        assert_eq!(of(object.clone()), expected, "{object}");
    }
}

#[test]
fn a_value_that_stands_by_itself_somewhere_is_whole() {
    let partial = |pattern: &str| {
        let object = json!({"type": "indicator", "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "pattern": pattern});
        let mentions = super::of(&Object::read(&object.to_string()).unwrap());
        mentions.into_iter().map(|mention| mention.partial).collect::<Vec<_>>()
    };
    assert_eq!(partial("[a:b = 'x' AND a:c = 'y'] OR [a:b = 'x']"), [false, true]);
    assert_eq!(partial("[a:b = 'x'] OR [a:b = 'x' AND a:c = 'y']"), [false, true]);
    assert_eq!(partial("[a:b = 'x'] FOLLOWEDBY [a:b = 'y']"), [true, true]);
}

#[test]
fn what_only_exists_is_nothing_to_act_on() {
    for (object, partial, bare) in [
        (json!({"type": "indicator", "pattern": "[domain-name:value = 'a.com']"}), false, false),
        (json!({"type": "vulnerability", "name": "CVE-2021-44228"}), false, false),
        (json!({"type": "domain-name", "value": "a.com"}), true, true),
        (json!({"type": "file", "hashes": {"MD5": "aa"}}), true, true),
        (
            json!({"type": "observed-data", "objects": {"0": {"type": "domain-name", "value": "a.com"}}}),
            true,
            false,
        ),
    ] {
        let mut object = object;
        object["id"] =
            format!("{}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", object["type"].as_str().unwrap()).into();
        let text = object.to_string();
        let object = Object::read(&text).unwrap();
        let mentions = super::of(&object);
        assert_eq!(
            (mentions.len(), mentions[0].partial, super::is_bare(&object)),
            (1, partial, bare),
            "{text}"
        );
    }
}

#[test]
fn observables_are_sorted_single_and_capped() {
    assert_eq!(of_pattern("[a:b = 'y' OR a:b = 'x' OR a:b = 'y']"), ["a:b=x", "a:b=y"]);
    let terms: Vec<_> = (0..5_000).map(|i| format!("a:b = '{i}'")).collect();
    assert_eq!(of_pattern(&format!("[{}]", terms.join(" OR "))).len(), MAX_OBSERVABLES);
}
