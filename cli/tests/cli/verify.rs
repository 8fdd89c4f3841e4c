//! `certmesh verify` on exports that are made here, good and bad.

use certmesh_wire::{
    Audience, Checkpoint, Consent, ExportWriter, Header, Kind, Manifest, MeshId, NodeEntry, NodeState,
    Opening, PackedBody, Parcel, Record, SecretKey, SignedManifest, SignedRoster,
};
use serde_json::Value;

use crate::desk::{Desk, MY_NODE, MY_ROOT, Ran, SG_NODE, SG_ROOT, key};

const OBJECT: &str =
    r#"{"type":"domain-name","id":"domain-name--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","value":"a.example"}"#;

/// An export in the making, of a mesh of SG and MY with a node each.
struct Mesh {
    desk: Desk,
    id: MeshId,
    manifests: Vec<SignedManifest>,
}

impl Mesh {
    fn new() -> Self {
        let desk = Desk::with_roster();
        let id = SignedRoster::decode(&desk.read("roster.cbor")).unwrap().mesh();
        let manifests = vec![manifest(id, "SG", SG_ROOT, SG_NODE), manifest(id, "MY", MY_ROOT, MY_NODE)];
        Self { desk, id, manifests }
    }

    /// The opening of a node's log and three records with two objects each.
    fn log(&self, node: u8) -> Vec<Parcel> {
        self.log_of(node, &[OBJECT, OBJECT])
    }

    /// The opening of a node's log and three records with these texts each, marked AMBER.
    fn log_of(&self, node: u8, texts: &[&str]) -> Vec<Parcel> {
        let key = key(node);
        let member = if node == MY_NODE { "MY" } else { "SG" }.parse().unwrap();
        let opening = Opening { member, node: key.node_id(), audience: Audience::All };
        let mut header = Header {
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
        let mut parcels = vec![];
        let mut last = self.sign(&header, &key);
        parcels.push(Parcel::new(last.signed().to_vec(), None));
        for seq in 1..=3 {
            let packed = PackedBody::pack(texts).unwrap();
            header = Header {
                seq,
                prev: Some(last.id()),
                kind: Kind::OBJECTS,
                tlp: 2,
                body: Some(packed.reference),
                opening: None,
                ..header
            };
            last = self.sign(&header, &key);
            parcels.push(Parcel::new(last.signed().to_vec(), Some(packed.bytes)));
        }
        parcels
    }

    fn sign(&self, header: &Header, key: &SecretKey) -> Record {
        Record::sign(header.clone(), self.id, key).unwrap()
    }

    /// The same mesh, to be changed.
    fn again(&self) -> Self {
        Self { desk: Desk::new(), id: self.id, manifests: self.manifests.clone() }
    }

    fn verify(&self, parcels: &[Parcel], words: &str) -> Ran {
        let mut file = ExportWriter::manifests(&self.manifests);
        parcels.iter().for_each(|parcel| file.extend(ExportWriter::parcel(parcel)));
        self.desk.write("export.records", &file);
        self.desk.run(&format!("verify export.records --roster roster.cbor {words}"))
    }
}

fn manifest(mesh: MeshId, code: &str, root: u8, node: u8) -> SignedManifest {
    let signer = key(node);
    let (node, addresses) = (signer.node_id(), vec!["/ip4/192.0.2.1/tcp/7400".into()]);
    manifest_of(
        mesh,
        code,
        root,
        NodeEntry {
            node,
            state: NodeState::Live,
            addresses,
            checkpoints: Vec::new(),
            consent: Consent::sign(mesh, code.parse().unwrap(), &signer),
        },
    )
}

fn manifest_of(mesh: MeshId, code: &str, root: u8, entry: NodeEntry) -> SignedManifest {
    let manifest = Manifest {
        mesh,
        member: code.parse().unwrap(),
        version: 0,
        prev: None,
        roster: 0,
        expires_ms: 0,
        nodes: vec![entry],
    };
    SignedManifest::sign(manifest, &key(root)).unwrap()
}

#[test]
fn a_good_export() {
    let mesh = Mesh::new();
    let parcels = [mesh.log(SG_NODE), mesh.log(MY_NODE)].concat();
    insta::assert_snapshot!("verify_good", mesh.verify(&parcels, ""));
    insta::assert_snapshot!("verify_good_json", mesh.verify(&parcels, "--json"));
    let pinned = mesh.verify(&parcels, &format!("--mesh-id {}", mesh.id));
    assert_eq!(pinned.code, Some(0), "{pinned}");
    let other = mesh.verify(&parcels, &format!("--mesh-id {}", MeshId([0; 32])));
    assert!(other.code == Some(1) && other.stderr.contains("not of mesh 0000"), "{other}");
}

#[test]
fn a_body_that_stayed_behind_is_said() {
    let mesh = Mesh::new();
    let mut parcels = mesh.log(SG_NODE);
    parcels[3] = Parcel::new(parcels[3].record().to_vec(), None);
    insta::assert_snapshot!(mesh.verify(&parcels, ""));
}

#[test]
fn a_body_that_breaks_a_rule_holds_nothing() {
    let mesh = Mesh::new();
    let red = OBJECT.replace(
        "\"value\"",
        "\"object_marking_refs\":[\"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1\"],\"value\"",
    );
    for texts in [&[OBJECT, "no object"][..], &[OBJECT, &red]] {
        let ran = mesh.verify(&mesh.log_of(SG_NODE, texts), "--json");
        let shown: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(
            (ran.code, &shown["objects"], &shown["bodies_void"]),
            (Some(0), &0.into(), &3.into()),
            "{ran}"
        );
    }
}

#[test]
fn a_log_ends_where_its_member_cut_it() {
    let mut mesh = Mesh::new();
    let log = mesh.log(SG_NODE);
    let last = Record::decode(log[1].record()).unwrap();
    let checkpoint = Checkpoint { log: last.header().log, seq: 1, record: last.id() };
    let node = key(SG_NODE).node_id();
    let consent = Consent::sign(mesh.id, "SG".parse().unwrap(), &key(SG_NODE));
    let (addresses, checkpoints) = (vec![], vec![checkpoint]);
    let entry = NodeEntry { node, state: NodeState::Cut, addresses, checkpoints, consent };
    mesh.manifests[0] = manifest_of(mesh.id, "SG", SG_ROOT, entry);
    assert_eq!(mesh.verify(&log[..2], "").code, Some(0));
    let beyond = mesh.verify(&log, "");
    assert!(
        beyond.code == Some(1) && beyond.stderr.contains("record 3: it lies beyond the place"),
        "{beyond}"
    );
}

/// The next version of a manifest, with these nodes, by this root key.
fn next(before: &SignedManifest, root: u8, nodes: Vec<NodeEntry>) -> SignedManifest {
    let mut next = Manifest { nodes, ..before.unverified().clone() };
    (next.version, next.prev) = (next.version + 1, Some(before.id()));
    SignedManifest::sign(next, &key(root)).unwrap()
}

#[test]
fn a_node_that_a_later_manifest_no_longer_names_is_retired_and_its_records_count() {
    let mut mesh = Mesh::new();
    let (old, log) = (mesh.manifests[0].clone(), mesh.log(SG_NODE));
    let fresh = manifest(mesh.id, "SG", SG_ROOT, 21).unverified().nodes.clone();
    let newest = next(&old, SG_ROOT, fresh.clone());
    let logs = [log.clone(), mesh.log(21)].concat();
    for manifests in [[old.clone(), newest.clone()], [newest.clone(), old.clone()]] {
        mesh.manifests = manifests.to_vec();
        let ran = mesh.verify(&logs, "");
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    // Without the one that names it nothing tells whose it is, and another one of that version proves nothing.
    let other = next(&next(&old, SG_ROOT, old.unverified().nodes.clone()), SG_ROOT, fresh);
    for manifests in [vec![newest], vec![old.clone(), other]] {
        mesh.manifests = manifests;
        let ran = mesh.verify(&log, "");
        assert!(ran.code == Some(1) && ran.stderr.contains("no manifest of SG names node"), "{ran}");
    }
    // A node that was cut stays cut.
    let cut = NodeEntry { state: NodeState::Cut, ..old.unverified().nodes[0].clone() };
    let cut = next(&old, SG_ROOT, vec![cut]);
    let after = next(&cut, SG_ROOT, Vec::new());
    mesh.manifests = vec![old, cut, after];
    let ran = mesh.verify(&log, "");
    assert!(ran.code == Some(1) && ran.stderr.contains("cut the log"), "{ran}");
}

/// One thing done to a good log of four records, and where it is found out.
type Forgery = fn(&mut Mesh, &mut Vec<Parcel>);

#[test]
fn forgeries_are_found_where_they_are() {
    let forgeries: [(&str, Forgery, Option<u64>); 9] = [
        ("flipped_record", |_, log| log[2] = flipped(&log[2], true), Some(3)),
        ("flipped_body", |_, log| log[2] = flipped(&log[2], false), Some(3)),
        ("missing_record", |_, log| drop(log.remove(2)), Some(3)),
        ("missing_opening", |_, log| drop(log.remove(0)), Some(1)),
        ("twice", |_, log| log.insert(2, log[1].clone()), Some(3)),
        ("other_mesh", |mesh, log| *log = Mesh { id: MeshId([7; 32]), ..mesh.again() }.log(SG_NODE), Some(1)),
        ("unknown_node", |mesh, log| log.extend(mesh.log(99)), Some(5)),
        ("forged_manifest", |mesh, _| mesh.manifests[0] = manifest(mesh.id, "SG", MY_ROOT, SG_NODE), None),
        ("torn", |_, log| log.push(Parcel::new(vec![0xff; 40], None)), Some(5)),
    ];
    for (name, forge, position) in forgeries {
        let mut mesh = Mesh::new();
        let mut log = mesh.log(SG_NODE);
        forge(&mut mesh, &mut log);
        let ran = mesh.verify(&log, "--json");
        let shown: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((ran.code, &shown["ok"]), (Some(1), &Value::from(false)), "{name}\n{ran}");
        assert_eq!(shown["faults"][0]["record"].as_u64(), position, "{name}\n{ran}");
        insta::assert_snapshot!(format!("verify_{name}"), mesh.verify(&log, ""));
    }
}

/// The parcel with its last bit turned: of the record's signature, or of the body.
fn flipped(parcel: &Parcel, record: bool) -> Parcel {
    let (mut signed, mut body) = parcel.clone().into_parts();
    let bytes = if record { &mut signed } else { body.as_mut().unwrap() };
    *bytes.last_mut().unwrap() ^= 1;
    Parcel::new(signed, body)
}

#[test]
fn what_is_no_export() {
    let desk = Desk::with_roster();
    desk.write("export.records", b"hello");
    insta::assert_snapshot!(desk.run("verify export.records --roster roster.cbor"));
}
