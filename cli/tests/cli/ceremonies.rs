//! How a mesh changes its members, and a member its nodes: each ceremony as the people do it, on files.

use certmesh_wire::{
    Audience, Checkpoint, ExportWriter, Header, Kind, Manifest, NodeState, Opening, Parcel, Record,
    SignedManifest, SignedRoster,
};
use serde_json::Value;

use crate::desk::{Desk, Ran, key};

/// Root keys of four members, and of one that joins.
const ROOTS: [(&str, u8); 5] = [("bn", 5), ("my", 2), ("sg", 1), ("th", 4), ("vn", 3)];
const TH_NODE: u8 = 14;
const SG_NODE: u8 = 11;

/// A mesh of MY, SG, TH and VN, of which SG and TH have a manifest; `bn.toml` asks to join.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut members = String::new();
    for (code, seed) in ROOTS {
        desk.write(&format!("{code}.key"), key(seed).to_pem().as_bytes());
        let (upper, root) = (code.to_uppercase(), key(seed).root_key());
        let identity = format!("identity--00000000-0000-4000-8000-0000000000{seed:02}");
        if code == "bn" {
            let text = format!(
                "code = \"BN\"\ncert = \"BruCERT\"\nidentity = \"{identity}\"\nroot_key = \"{root}\"\n"
            );
            desk.write("bn.toml", text.as_bytes());
        } else {
            members += &format!("--member {upper}={root}:{upper}-CERT --identity {upper}={identity} ");
        }
    }
    desk.ok(&format!("roster new roster.cbor --name drill --exercise --expires 2030-01-01 {members}--group straits=MY,SG,TH"));
    for (code, seed) in [("sg", SG_NODE), ("th", TH_NODE)] {
        join(&desk, &format!("{code}-node"), seed, &code.to_uppercase());
        let upper = code.to_uppercase();
        desk.ok(&format!(
            "manifest new {code}.cbor --roster roster.cbor --member {upper} --key {code}.key --expires 2030-01-01 --node {code}-node.toml"
        ));
    }
    desk
}

/// The key of a node, and its request in a `.toml` of the same name.
fn join(desk: &Desk, name: &str, seed: u8, member: &str) {
    desk.write(&format!("{name}.key"), key(seed).to_pem().as_bytes());
    let mesh = desk.mesh();
    let request = desk.ok(&format!(
        "node request {name}.key --mesh {mesh} --member {member} --address /ip4/192.0.2.{seed}/tcp/7400"
    ));
    desk.write(&format!("{name}.toml"), request.as_bytes());
}

/// The opening of TH's log and one more record, as an export; where it ends.
fn export(desk: &Desk) -> Checkpoint {
    let (mesh, node) = (desk.mesh(), key(TH_NODE));
    let member = "TH".parse().unwrap();
    let opening = Opening { member, node: node.node_id(), audience: Audience::All };
    let header = Header {
        log: opening.log_id(),
        seq: 0,
        prev: None,
        roster: 0,
        created_ms: 0,
        kind: Kind::OPENING,
        tlp: 0,
        body: None,
        expires_ms: None,
        opening: Some(opening),
    };
    let first = Record::sign(header.clone(), mesh, &node).unwrap();
    let kind = Kind(77);
    let next = Header { seq: 1, prev: Some(first.id()), kind, opening: None, ..header };
    let last = Record::sign(next, mesh, &node).unwrap();
    let manifest = SignedManifest::decode(&desk.read("th.cbor")).unwrap();
    let mut file = ExportWriter::manifests([&manifest]);
    for record in [&first, &last] {
        file.extend(ExportWriter::parcel(&Parcel::new(record.signed().to_vec(), None)));
    }
    desk.write("export.records", &file);
    Checkpoint { log: last.header().log, seq: 1, record: last.id() }
}

/// Begins the draft `next.toml` with these words to `roster edit`.
fn edit(desk: &Desk, words: &str) {
    let draft = desk.ok(&format!("roster edit roster.cbor {words}"));
    desk.write("next.toml", draft.as_bytes());
}

/// Proposes `next.toml` as `out`.
fn propose(desk: &Desk, out: &str, words: &str) -> Ran {
    desk.run(&format!("roster propose next.toml --after roster.cbor --out {out} {words}"))
}

fn sign(desk: &Desk, file: &str, code: &str) -> Ran {
    desk.run(&format!("roster sign {file} --after roster.cbor --key {code}.key"))
}

#[track_caller]
fn refused(ran: &Ran, words: &str) {
    assert!(ran.code == Some(1) && ran.stderr.contains(words), "not refused with {words:?}\n{ran}");
}

#[test]
fn a_member_joins_by_the_votes_of_the_others() {
    let desk = desk();
    edit(&desk, "--add bn.toml");
    insta::assert_snapshot!("draft", String::from_utf8(desk.read("next.toml")).unwrap());
    insta::assert_snapshot!("propose", propose(&desk, "next.cbor", ""));
    insta::assert_snapshot!("diff", desk.run("roster diff roster.cbor next.cbor"));
    // A draft undoes what came since the version that it was made from.
    let again = desk.run("roster propose next.toml --after next.cbor --out other.cbor");
    insta::assert_snapshot!("draft_of_another_version", again);
    assert!(!desk.path("other.cbor").exists());
    refused(&sign(&desk, "next.cbor", "bn"), "is not the root key of any member");
    for code in ["sg", "my", "vn"] {
        desk.write(&format!("from-{code}.cbor"), &desk.read("next.cbor"));
        let ran = sign(&desk, &format!("from-{code}.cbor"), code);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    desk.ok("roster merge from-vn.cbor from-sg.cbor --after roster.cbor --out next.cbor");
    insta::assert_snapshot!("one_vote_short", desk.run("roster show next.cbor --after roster.cbor"));
    insta::assert_snapshot!(
        "merge",
        desk.run("roster merge next.cbor from-my.cbor --after roster.cbor --out next.cbor")
    );
    let next = SignedRoster::decode(&desk.read("next.cbor")).unwrap();
    assert_eq!(next.succeeds(&SignedRoster::decode(&desk.read("roster.cbor")).unwrap()), Ok(()));
    let shown: Value =
        serde_json::from_str(&desk.ok("roster show next.cbor --after roster.cbor --json")).unwrap();
    assert_eq!((&shown["needed"], &shown["missing"]), (&3.into(), &serde_json::json!(["TH"])));
}

#[test]
fn a_member_is_expelled_and_what_it_published_stays() {
    let desk = desk();
    let end = export(&desk);
    edit(&desk, "--remove TH");
    refused(&propose(&desk, "next.cbor", ""), "no pin names its last manifest");
    let ran = propose(&desk, "next.cbor", "--manifest th.cbor");
    insta::assert_snapshot!("expelled_without_ends", ran);
    assert!(!desk.path("next.cbor").exists());
    insta::assert_snapshot!(
        "expelled",
        propose(&desk, "next.cbor", "--manifest th.cbor --ends-from export.records")
    );
    let next = SignedRoster::decode(&desk.read("next.cbor")).unwrap();
    let pin = next.roster().pin("TH".parse().unwrap()).unwrap();
    assert_eq!((pin.root_key, &pin.cuts[..]), (key(4).root_key(), &[end][..]));
    let ends = format!("log {} of TH ends with record 1, {}", end.log, end.record);
    for words in ["diff roster.cbor next.cbor", "show next.cbor", "diff roster.cbor next.cbor --json"] {
        let shown = desk.ok(&format!("roster {words}"));
        assert!(shown.contains(&ends), "{words} says where the logs end: {shown}");
    }
    assert_eq!(next.roster().groups[0].members.len(), 2);
    // The export of its records is good still, against both versions.
    for code in ["sg", "my", "vn"] {
        assert_eq!(sign(&desk, "next.cbor", code).code, Some(0));
    }
    let verified = desk.run("verify export.records --roster next.cbor --roster roster.cbor --json");
    let shown: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!((verified.code, &shown["records"]), (Some(0), &2.into()), "{verified}");
    refused(&desk.run("verify export.records --roster next.cbor"), "nothing here proves");
}

#[test]
fn an_end_that_the_roster_names_is_an_end() {
    let desk = desk();
    export(&desk);
    edit(&desk, "--remove TH");
    assert_eq!(propose(&desk, "next.cbor", "--manifest th.cbor --forget TH").code, Some(0));
    for code in ["sg", "my", "vn"] {
        assert_eq!(sign(&desk, "next.cbor", code).code, Some(0));
    }
    refused(
        &desk.run("verify export.records --roster roster.cbor --roster next.cbor"),
        "or the roster, cut the log",
    );
}

#[test]
fn a_forged_export_ends_no_log() {
    let desk = desk();
    export(&desk);
    let mut bytes = desk.read("export.records");
    *bytes.last_mut().unwrap() ^= 1;
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    desk.write("export.records", &bytes);
    edit(&desk, "--remove TH");
    let ran = propose(&desk, "next.cbor", "--manifest th.cbor --ends-from export.records");
    assert!(ran.code == Some(1) && !desk.path("next.cbor").exists(), "{ran}");
}

#[test]
fn a_member_changes_its_root_key_and_signs_its_next_manifest_with_it() {
    let desk = desk();
    desk.write("sg2.key", key(9).to_pem().as_bytes());
    edit(&desk, &format!("--rekey SG={}", key(9).root_key()));
    insta::assert_snapshot!("rekeyed", propose(&desk, "next.cbor", "--manifest sg.cbor"));
    refused(&sign(&desk, "next.cbor", "sg2"), "is not the root key of any member");
    for code in ["sg", "my", "vn"] {
        assert_eq!(sign(&desk, "next.cbor", code).code, Some(0));
    }
    let next = "manifest next sg.cbor --out sg-1.cbor --expires 2031-01-01 --key";
    refused(&desk.run(&format!("{next} sg2.key")), "did not sign this manifest");
    desk.ok(&format!("{next} sg2.key --roster next.cbor"));
    desk.ok("manifest show sg-1.cbor --roster next.cbor");
    // In an export the manifest of the old key is proven by the one of the new key that follows it; by itself it proves nothing.
    let manifests = ["sg.cbor", "sg-1.cbor"].map(|file| SignedManifest::decode(&desk.read(file)).unwrap());
    desk.write("both.records", &ExportWriter::manifests(&manifests));
    desk.ok("verify both.records --roster roster.cbor --roster next.cbor");
    let mut other = manifests[0].unverified().clone();
    other.expires_ms += 1;
    let other = SignedManifest::sign(other, &key(1)).unwrap();
    desk.write("other.records", &ExportWriter::manifests([&other, &manifests[1]]));
    refused(
        &desk.run("verify other.records --roster roster.cbor --roster next.cbor"),
        "root key of SG did not sign",
    );
}

#[test]
fn votes_are_remembered_and_a_higher_round_settles_a_split() {
    let desk = desk();
    edit(&desk, "");
    assert_eq!(propose(&desk, "a.cbor", "").code, Some(0));
    edit(&desk, "--add bn.toml");
    assert_eq!(propose(&desk, "b.cbor", "").code, Some(0));
    assert_eq!(sign(&desk, "a.cbor", "sg").code, Some(0));
    assert_eq!(sign(&desk, "a.cbor", "sg").code, Some(0), "the same document again");
    insta::assert_snapshot!("second_vote", sign(&desk, "b.cbor", "sg"));
    refused(&desk.run("roster merge a.cbor b.cbor --out c.cbor"), "these are two documents");
    assert_eq!(propose(&desk, "c.cbor", "--round 1").code, Some(0));
    assert_eq!(sign(&desk, "c.cbor", "sg").code, Some(0));
    refused(&sign(&desk, "a.cbor", "sg"), "has signed a higher round");
    desk.write("sg.key.votes", b"nonsense\n");
    refused(&sign(&desk, "c.cbor", "sg"), "is damaged");
}

#[test]
fn a_signature_is_worth_nothing_on_another_document() {
    let desk = desk();
    edit(&desk, "");
    assert_eq!(propose(&desk, "next.cbor", "").code, Some(0));
    assert_eq!(sign(&desk, "next.cbor", "sg").code, Some(0));
    let mut bytes = desk.read("next.cbor");
    *bytes.last_mut().unwrap() ^= 1;
    desk.write("forged.cbor", &bytes);
    refused(&desk.run("roster show forged.cbor --after roster.cbor"), "the signature of SG");
    refused(
        &desk.run("roster merge forged.cbor next.cbor --out merged.cbor"),
        "two different signatures of SG",
    );
    refused(
        &desk.run("roster merge forged.cbor --after roster.cbor --out merged.cbor"),
        "forged.cbor: the signature of SG",
    );
    let ran = desk.run("roster sign next.cbor --key my.key");
    assert!(ran.code == Some(2) && ran.stderr.contains("--after"), "{ran}");
    refused(&desk.run("roster sign next.cbor --key my.key --after next.cbor"), "does not follow");
}

#[test]
fn mistakes_in_a_draft_are_named() {
    let desk = desk();
    edit(&desk, "--add bn.toml");
    let draft = String::from_utf8(desk.read("next.toml")).unwrap();
    for (from, to, error) in [
        ("code = \"BN\"", "code = \"Brunei\"", "two letters of ISO 3166"),
        ("code = \"BN\"", "code = \"SG\"", "one twice"),
        ("identity--", "identity-", "it has to be `identity--` and a UUID"),
        ("root_key = \"", "root_key = \"0", "64 hexadecimal digits"),
        ("live_nodes", "life_nodes", "unknown field"),
        ("expires = \"2", "expires = \"x", "neither an age"),
        ("\"MY\", \"SG\"", "\"MY\", \"XX\"", "a group of nobody, of strangers"),
    ] {
        assert!(draft.contains(from), "{from}");
        desk.write("next.toml", draft.replacen(from, to, 1).as_bytes());
        refused(&propose(&desk, "next.cbor", ""), error);
        assert!(!desk.path("next.cbor").exists());
    }
    refused(&desk.run("roster edit roster.cbor --remove XX"), "XX is not a member");
}

#[test]
fn a_root_key_signs_one_manifest_of_a_version() {
    let desk = desk();
    let next = |out: &str, expires: u32| {
        desk.run(&format!("manifest next sg.cbor --key sg.key --out {out} --expires {expires}-01-01"))
    };
    let first = next("a.cbor", 2031);
    assert_eq!(first.code, Some(0), "{first}");
    let second = next("b.cbor", 2032);
    insta::assert_snapshot!("second_manifest", second);
    assert!(!desk.path("b.cbor").exists());
    assert_eq!(next("again.cbor", 2031).code, Some(0), "the same document again");
    assert_eq!(desk.read("again.cbor"), desk.read("a.cbor"));
    // What could not be written was not signed either.
    for out in ["sg.cbor", "nowhere/sg-2.cbor"] {
        let words = format!("manifest next a.cbor --key sg.key --out {out} --expires 2033-01-01");
        assert_eq!(desk.run(&words).code, Some(1));
    }
    desk.ok("manifest next a.cbor --key sg.key --out sg-2.cbor --expires 2034-01-01");
    // The first one of all counts too, and votes on rosters go on beside it.
    let words = "manifest new x.cbor --roster roster.cbor --member SG --key sg.key --expires 2035-01-01 --node sg-node.toml";
    refused(&desk.run(words), "has signed another manifest of this version: version 0");
    edit(&desk, "");
    assert_eq!(propose(&desk, "next.cbor", "").code, Some(0));
    assert_eq!(sign(&desk, "next.cbor", "sg").code, Some(0));
}

fn manifest(desk: &Desk, file: &str) -> Manifest {
    SignedManifest::decode(&desk.read(file)).unwrap().unverified().clone()
}

#[test]
fn a_lost_disk_is_a_key_retired_and_another_added() {
    let desk = desk();
    join(&desk, "sg-again", 21, "SG");
    let old = &key(SG_NODE).node_id().to_string()[..8];
    let words = format!(
        "manifest next sg.cbor --key sg.key --out sg-1.cbor --expires 2031-01-01 --retire {old} --add sg-again.toml"
    );
    insta::assert_snapshot!("manifest_next", desk.run(&words));
    let (first, next) = (manifest(&desk, "sg.cbor"), manifest(&desk, "sg-1.cbor"));
    let state = |seed: u8| next.nodes.iter().find(|entry| entry.node == key(seed).node_id()).unwrap().state;
    assert_eq!(
        (next.version, state(SG_NODE), state(21)),
        (first.version + 1, NodeState::Retired, NodeState::Live)
    );
    desk.ok("manifest show sg-1.cbor --roster roster.cbor");
    refused(
        &desk.run("manifest next sg-1.cbor --key sg.key --out x.cbor --add sg-again.toml"),
        "on the manifest already",
    );
    refused(&desk.run("manifest next sg-1.cbor --key my.key --out x.cbor"), "did not sign this manifest");
    refused(
        &desk.run("manifest next sg-1.cbor --key sg.key --out x.cbor --retire 00000000"),
        "no node of this manifest",
    );
}

#[test]
fn a_stolen_key_is_cut() {
    let desk = desk();
    let end = export(&desk);
    let node = key(TH_NODE).node_id();
    let next = "manifest next th.cbor --key th.key --expires 2031-01-01 --out";
    refused(&desk.run(&format!("{next} a.cbor --cut {node}")), "nothing says where the logs");
    desk.ok(&format!("{next} a.cbor --cut {node} --checkpoint-from export.records"));
    assert_eq!(manifest(&desk, "a.cbor").nodes[0].checkpoints, [end]);
    desk.forget_votes("th");
    desk.ok(&format!("{next} b.cbor --cut {node}=0:{}", end.record));
    assert_eq!(manifest(&desk, "b.cbor").nodes[0].checkpoints, [Checkpoint { seq: 0, ..end }]);
    desk.forget_votes("th");
    desk.ok(&format!("{next} c.cbor --cut {node}=nothing"));
    let cut = &manifest(&desk, "c.cbor").nodes[0];
    assert_eq!((cut.state, &cut.checkpoints[..]), (NodeState::Cut, &[][..]));
}

#[test]
fn a_renewal_vouches_for_the_logs_and_never_for_less() {
    let desk = desk();
    let end = export(&desk);
    let next = |from: &str, to: &str, words: &str| {
        desk.ok(&format!("manifest next {from} --key th.key --expires 2031-01-01 --out {to} {words}"));
        manifest(&desk, to).nodes[0].clone()
    };
    let first = next("th.cbor", "th-1.cbor", "--checkpoint-from export.records");
    assert_eq!((first.state, &first.checkpoints[..]), (NodeState::Live, &[end][..]));
    let node = key(TH_NODE).node_id();
    let moved = next("th-1.cbor", "th-2.cbor", &format!("--address {node}=/ip4/192.0.2.99/tcp/7400"));
    assert_eq!((&moved.addresses[0][..], &moved.checkpoints[..]), ("/ip4/192.0.2.99/tcp/7400", &[end][..]));
}

#[test]
fn init_goes_on_where_it_was_and_overwrites_nothing() {
    let desk = desk();
    let root = key(5).root_key();
    let identity = "identity--00000000-0000-4000-8000-000000000005";
    let words = format!("init --dir bn --member BN --cert BruCERT --identity {identity} --root-key {root}");
    desk.ok(&words);
    assert!(desk.path("bn/node.key").exists() && !desk.path("bn/node.toml").exists());
    assert_eq!(
        desk.read("bn/member-request.toml").split(|b| *b == b'\n').skip(1).collect::<Vec<_>>(),
        desk.read("bn.toml").split(|b| *b == b'\n').collect::<Vec<_>>()
    );
    let key_before = desk.read("bn/node.key");
    let mesh = desk.mesh();
    desk.ok(&format!("init --dir bn --mesh {mesh} --host mesh.cert.example"));
    assert_eq!(desk.read("bn/node.key"), key_before);
    let config = String::from_utf8(desk.read("bn/node.toml")).unwrap();
    assert!(config.contains(&mesh.to_string()), "{config}");
    for (words, reason) in [
        (format!("--mesh {mesh} --host other.example"), "/dns/mesh.cert.example/udp/7400/quic-v1"),
        (format!("--mesh {mesh} --host mesh.cert.example --port 7401"), "/dns/mesh.cert.example/tcp/7400"),
        (format!("--mesh {}", "0".repeat(64)), &*format!("is for mesh {mesh}")),
        (format!("--mesh {mesh} --member SG"), "member-request.toml is there already"),
    ] {
        refused(&desk.run(&format!("init --dir bn {words}")), reason);
    }
    let made: Value = serde_json::from_str(&desk.ok(&format!("init --dir bn --mesh {mesh} --json"))).unwrap();
    assert_eq!(made["made"], serde_json::json!([]), "{made}");
    // What it made is what the ceremonies take.
    edit(&desk, "--add bn/member-request.toml");
    assert_eq!(propose(&desk, "next.cbor", "").code, Some(0));
    let new = "manifest new bn.cbor --member BN --key bn.key --node bn/node-request.toml --roster";
    refused(&desk.run(&format!("{new} roster.cbor")), "BN is not a member of version 0 of the roster");
    desk.ok(&format!("{new} next.cbor"));
    let ran = desk.run("init --dir other");
    assert!(ran.code == Some(2) && ran.stderr.contains("--member is missing"), "{ran}");
}
