//! Keys, rosters and manifests: the files that a mesh begins with.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::desk::{Desk, MY_ROOT, SG_NODE, SG_ROOT, key};

#[test]
fn a_key_is_private_and_never_overwritten() {
    let desk = Desk::new();
    let public = desk.ok("key new node.key");
    let mode = fs::metadata(desk.path("node.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = desk.read("node.key");
    insta::assert_snapshot!(desk.run("key new node.key"));
    assert_eq!(desk.read("node.key"), before);
    let shown: Value = serde_json::from_str(&desk.ok("key show node.key --json")).unwrap();
    assert_eq!(shown["public_key"], public.trim());
}

#[test]
fn an_open_key_is_warned_of() {
    let desk = Desk::new();
    desk.write("node.key", key(SG_NODE).to_pem().as_bytes());
    fs::set_permissions(desk.path("node.key"), fs::Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!(desk.run("key show node.key"));
}

#[test]
fn what_is_no_key() {
    let desk = Desk::new();
    desk.write("bad.key", b"hello");
    insta::assert_snapshot!("no_key", desk.run("key show bad.key"));
    insta::assert_snapshot!("no_file", desk.run("key show none.key"));
}

#[test]
fn a_roster_is_signed_by_one_after_another() {
    let desk = Desk::with_roster();
    insta::assert_snapshot!("roster_unsigned", desk.run("roster show roster.cbor"));
    desk.ok("roster sign roster.cbor --key sg.key");
    insta::assert_snapshot!("roster_half_signed", desk.run("roster show roster.cbor"));
    insta::assert_snapshot!("roster_sign", desk.run("roster sign roster.cbor --key my.key --yes"));
    insta::assert_snapshot!("roster_json", desk.run("roster show roster.cbor --json"));
}

#[test]
fn a_stranger_signs_nothing() {
    let desk = Desk::with_roster();
    let before = desk.read("roster.cbor");
    desk.write("other.key", key(99).to_pem().as_bytes());
    let ran = desk.run("roster sign roster.cbor --key other.key");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stderr.contains("is not the root key of any member"), "{ran}");
    assert_eq!(desk.read("roster.cbor"), before);
}

#[test]
fn a_changed_roster_is_refused() {
    let desk = Desk::with_roster();
    desk.ok("roster sign roster.cbor --key sg.key");
    let mut bytes = desk.read("roster.cbor");
    let at = bytes.windows(5).position(|window| window == b"drill").unwrap();
    bytes[at] = b'D';
    desk.write("roster.cbor", &bytes);
    insta::assert_snapshot!(desk.run("roster show roster.cbor"));
}

#[test]
fn mistakes_in_a_roster_are_named() {
    let (sg, my) = (key(SG_ROOT).root_key(), key(MY_ROOT).root_key());
    for (words, error) in [
        (format!("--member SG={sg} --member SG={my}"), "member SG is named twice"),
        (format!("--member SG={sg} --member MY={sg}"), "two members with one root key"),
        (format!("--member SG={sg} --group a=SG,VN"), "group a has VN, which is no member"),
        (format!("--member SG={sg} --identity VN=identity--{}", uuid()), "--identity names VN"),
        (format!("--member sg={sg}"), "two letters of ISO 3166"),
        ("--member SG=00".to_owned(), "expected 64 hexadecimal digits"),
        (format!("--member SG={sg} --expires soon"), "neither an age"),
        (String::new(), "--member"),
    ] {
        let desk = Desk::new();
        let ran = desk.run(&format!("roster new roster.cbor --name x {words}"));
        assert!(matches!(ran.code, Some(1 | 2)) && ran.stderr.contains(error), "{words}\n{ran}");
        assert!(!desk.path("roster.cbor").exists(), "{words}");
    }
}

fn uuid() -> &'static str {
    "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
}

/// Writes the request of SG's node to `node.toml`.
fn request(desk: &Desk, key_seed: u8, member: &str, addresses: &[&str]) {
    desk.write("sg-node.key", key(key_seed).to_pem().as_bytes());
    let addresses: Vec<_> = addresses.iter().map(|address| format!("--address {address}")).collect();
    let (mesh, addresses) = (desk.mesh(), addresses.join(" "));
    let text = desk.ok(&format!("node request sg-node.key --mesh {mesh} --member {member} {addresses}"));
    desk.write("node.toml", text.as_bytes());
}

const ADDRESSES: [&str; 2] = ["/dns4/mesh.example/udp/7400/quic-v1", "/ip4/192.0.2.1/tcp/7400"];

fn new_manifest(key_file: &str) -> String {
    format!(
        "manifest new sg.cbor --roster roster.cbor --member SG --key {key_file} --expires 2030-01-01 --node node.toml"
    )
}

#[test]
fn a_manifest_is_checked_against_the_roster() {
    let desk = Desk::with_roster();
    request(&desk, SG_NODE, "SG", &ADDRESSES);
    desk.ok(&new_manifest("sg.key"));
    insta::assert_snapshot!("manifest_unchecked", desk.run("manifest show sg.cbor"));
    insta::assert_snapshot!("manifest_good", desk.run("manifest show sg.cbor --roster roster.cbor"));
    let other = key(MY_ROOT).root_key();
    desk.ok(&format!("roster new other.cbor --name other --member SG={other}"));
    let ran = desk.run("manifest show sg.cbor --roster other.cbor --json");
    let shown: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, shown["signature"].as_str()), (Some(1), Some("bad")), "{ran}");
}

#[test]
fn mistakes_in_a_manifest_are_named() {
    for (key_file, node, member, error) in [
        ("my.key", SG_NODE, "SG", "this is not the root key of SG"),
        ("sg.key", SG_ROOT, "SG", "can't run with its member's root key"),
        ("sg.key", SG_NODE, "MY", "agrees to be a node of MY"),
    ] {
        let desk = Desk::with_roster();
        request(&desk, node, member, &ADDRESSES);
        let ran = desk.run(&new_manifest(key_file));
        assert!(matches!(ran.code, Some(1 | 2)) && ran.stderr.contains(error), "{node}\n{ran}");
        assert!(!desk.path("sg.cbor").exists(), "{node}");
    }
}

#[test]
fn a_request_of_a_node_is_read_with_care() {
    let desk = Desk::with_roster();
    let mesh = desk.mesh();
    desk.write("sg-node.key", key(SG_NODE).to_pem().as_bytes());
    let ran =
        desk.run(&format!("node request sg-node.key --mesh {mesh} --member SG --address 192.0.2.1:7400"));
    assert!(ran.code == Some(1) && ran.stderr.contains("is no node address"), "{ran}");
    request(&desk, SG_NODE, "SG", &ADDRESSES);
    let text = String::from_utf8(desk.read("node.toml")).unwrap();
    for (from, to, error) in [
        ("\"SG\"", "\"MY\"", "did not sign it for this mesh and member"),
        (&key(SG_NODE).node_id().to_string(), &key(99).node_id().to_string(), "did not sign it"),
        ("addresses", "adresses", "unknown field"),
        ("quic-v1", "quic", "is no node address"),
    ] {
        desk.write("node.toml", text.replace(from, to).as_bytes());
        let ran = desk.run(&new_manifest("sg.key"));
        assert!(ran.code == Some(1) && ran.stderr.contains(error), "{from}\n{ran}");
    }
}
