//! A small mesh whose members publish at random about the same few things: everything that can meet does.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_engine::{Document, Membership};
use certmesh_wire::{
    Audience, Checkpoint, Consent, Header, Kind, Manifest, MemberCode, MeshId, NodeEntry, NodeState, Opening,
    PackedBody, Parcel, Record, RecordId, RosterLimits, SignedManifest, SignedRoster,
};

use crate::mesh::{CODES, Peer, node_key, root_key, roster};
use crate::plain::Publication;

/// When everything happens: 2023, in milliseconds.
pub(crate) const NOW_MS: u64 = 1_690_000_000_000;

/// Chance from a seed (splitmix64).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What patterns speak of.
const PATTERNS: [&str; 14] = [
    "[ipv4-addr:value = '10.1.2.3']",
    "[ipv4-addr:value = '10.1.2.0/24']",
    "[ipv4-addr:value ISSUBSET '10.1.0.0/16']",
    "[ipv4-addr:value = '10.1.2.3'] OR [domain-name:value = 'evil.example']",
    "[ipv6-addr:value = '2001:db8::1']",
    "[ipv6-addr:value = '2001:db8::/32']",
    "[domain-name:value = 'evil.example']",
    "[domain-name:value = 'c2.evil.example']",
    "[domain-name:value = 'a.c2.evil.example' AND domain-name:resolves_to_refs[*].value = '10.1.2.3']",
    "[domain-name:value IN ('evil.example', 'notevil.example')]",
    "[url:value = 'http://evil.example/x']",
    "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
    "[file:name = 'evil.example' AND file:hashes.md5 = 'd41d8cd98f00b204e9800998ecf8427e']",
    "[email-addr:value = 'joe@evil.example']",
];

/// What is asked.
pub(crate) const VALUES: [&str; 18] = [
    "10.1.2.3",
    "10[.]1.2.4",
    "10.1.2.0/24",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "2001:db8::1",
    "2001:db8::/16",
    "evil.example",
    "EVIL[.]example.",
    "c2.evil.example",
    "b.a.c2.evil.example",
    "notevil.example",
    "example",
    "hxxp://evil.example/x",
    "http://10.1.2.3/",
    "D41D8CD98F00B204E9800998ECF8427E",
    "joe(at)evil.example",
    "nobody.knows.this",
];

pub(crate) const LABELS: [&str; 4] = ["c2", "phishing", "false-positive", "a\\u0000b"];

/// The STIX ids of everything, `n` of each type.
pub(crate) fn id(object_type: &str, n: u64) -> String {
    format!("{object_type}--00000000-0000-4000-8000-{n:012}")
}

pub(crate) fn code(at: u8) -> MemberCode {
    CODES[usize::from(at)].parse().unwrap()
}

/// The text of a random object.
pub(crate) fn object(chance: &mut Chance) -> String {
    let object_type = *chance.pick(&[
        "indicator",
        "indicator",
        "indicator",
        "indicator",
        "sighting",
        "opinion",
        "relationship",
        "malware",
        "report",
        "domain-name",
    ]);
    let own = id(object_type, chance.below(4));
    let mut text = format!(r#"{{"type":"{object_type}","spec_version":"2.1","id":"{own}""#);
    let mut add = |property: &str| text.push_str(&format!(",{property}"));
    let target = id("indicator", chance.below(4));
    match object_type {
        "indicator" => {
            add(r#""pattern_type":"stix","valid_from":"2022-01-01T00:00:00Z""#);
            add(&format!(r#""pattern":"{}""#, chance.pick(&PATTERNS)));
            if chance.one_in(3) {
                let years = ["2022", "2023-06", "2024", "2099"];
                let end = chance.pick(&years);
                let end = if end.len() == 4 { format!("{end}-01") } else { (*end).to_owned() };
                add(&format!(r#""valid_until":"{end}-01T00:00:00Z""#));
            }
        }
        "sighting" => {
            add(&format!(r#""sighting_of_ref":"{target}""#));
            if chance.one_in(2) {
                add(&format!(r#""count":{}"#, chance.below(5)));
            }
        }
        "opinion" => {
            let word = chance.pick(&["strongly-disagree", "disagree", "agree"]);
            add(&format!(
                r#""opinion":"{word}","object_refs":["{target}","{}"]"#,
                id("indicator", chance.below(4))
            ));
        }
        "relationship" => {
            let malware = id("malware", chance.below(4));
            add(&format!(
                r#""relationship_type":"indicates","source_ref":"{target}","target_ref":"{malware}""#
            ));
        }
        "report" => add(&format!(r#""name":"Report of the Week","object_refs":["{target}"]"#)),
        "domain-name" => add(r#""value":"evil.example""#),
        _ => add(r#""is_family":false"#),
    }
    if object_type != "domain-name" {
        // One of them is in the future of every record.
        let modified = chance.pick(&["2021-01", "2022-01", "2023-01", "2023-02", "2099-01"]);
        add(&format!(r#""created":"2020-01-01T00:00:00Z","modified":"{modified}-01T00:00:00.000Z""#));
    }
    let authors = ["MY", "SG", "VN", "SG"];
    let author = match chance.below(8) {
        at @ 0..4 => Some(identity(authors[at as usize])),
        4 => Some(identity("SG").to_uppercase().replace("IDENTITY", "identity")),
        5 => Some(id("identity", 77)),
        _ => None,
    };
    if let Some(author) = author {
        add(&format!(r#""created_by_ref":"{author}""#));
    }
    if chance.one_in(5) {
        add(r#""revoked":true"#);
    }
    if chance.one_in(3) {
        add(&format!(r#""labels":["{}"]"#, chance.pick(&LABELS)));
    }
    if chance.one_in(3) {
        add(&format!(r#""confidence":{}"#, chance.below(3) * 50));
    }
    if chance.one_in(4) {
        add(&format!(r#""description":"Text {} of an ANALYST""#, chance.below(3)));
    }
    if chance.one_in(4) {
        let technique = chance.pick(&["T1566", "T1566.001", "T1059"]);
        add(&format!(
            r#""external_references":[{{"source_name":"mitre-attack","external_id":"{technique}"}},{{"source_name":"vendor","external_id":"{}"}}]"#,
            chance.below(2)
        ));
    }
    let markings = [
        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    ];
    if chance.one_in(2) {
        add(&format!(r#""object_marking_refs":["{}"]"#, chance.pick(&markings)));
    }
    text.push('}');
    text
}

/// A member's identity in the first roster.
pub(crate) fn identity(code: &str) -> String {
    let at = CODES.iter().position(|known| *known == code).unwrap();
    format!("identity--00000000-0000-4000-8000-00000000000{at}")
}

/// One member's log, written by hand: nothing is validated, and its clock is what one likes.
pub(crate) struct Pen {
    member: u8,
    opening: Opening,
    mesh: MeshId,
    next: u64,
    head: Option<RecordId>,
    /// What each record says, by its place.
    pub(crate) said: Vec<(Parcel, Vec<Publication>)>,
}

impl Pen {
    pub(crate) fn new(member: u8, mesh: MeshId) -> Self {
        let (node, member_code) = (node_key(member).node_id(), code(member));
        let opening = Opening { node, member: member_code, audience: Audience::All };
        let mut pen = Self { member, opening, mesh, next: 0, head: None, said: Vec::new() };
        pen.write(Kind::OPENING, NOW_MS, &[]);
        pen
    }

    fn write(&mut self, kind: Kind, created_ms: u64, texts: &[String]) {
        let body = (!texts.is_empty())
            .then(|| PackedBody::pack(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap());
        let header = Header {
            log: self.opening.log_id(),
            seq: self.next,
            prev: self.head,
            roster: 0,
            created_ms,
            kind,
            tlp: if body.is_some() { 2 } else { 0 },
            body: body.as_ref().map(|body| body.reference),
            expires_ms: None,
            opening: (kind == Kind::OPENING).then(|| self.opening.clone()),
        };
        let record = Record::sign(header, self.mesh, &node_key(self.member)).unwrap();
        (self.next, self.head) = (self.next + 1, Some(record.id()));
        let member = code(self.member);
        let publication = |json: &String| Publication { member, created_ms, json: json.clone() };
        let said = texts.iter().map(publication).collect();
        self.said.push((Parcel::new(record.signed().to_vec(), body.map(|body| body.bytes)), said));
    }

    /// Publishes these together.
    pub(crate) fn publish(&mut self, created_ms: u64, texts: &[String]) {
        self.write(Kind::OBJECTS, created_ms, texts);
    }

    /// The place of a record.
    pub(crate) fn place(&self, seq: u64) -> Checkpoint {
        let record = Record::decode(self.said[seq as usize].0.record()).unwrap();
        Checkpoint { log: self.opening.log_id(), seq, record: record.id() }
    }
}

/// A manifest of a member that follows its first one and cuts its node off there.
pub(crate) fn cut(member: u8, mesh: MeshId, at: Checkpoint) -> Document {
    let first = crate::mesh::manifest(mesh, member, NodeState::Live, vec![]);
    let node = NodeEntry {
        node: node_key(member).node_id(),
        state: NodeState::Cut,
        addresses: vec!["/memory/1".into()],
        checkpoints: vec![at],
        consent: Consent::sign(mesh, code(member), &node_key(member)),
    };
    let manifest = Manifest {
        mesh,
        member: code(member),
        version: 1,
        prev: Some(first.id()),
        roster: 0,
        expires_ms: u64::MAX,
        nodes: vec![node],
    };
    Document::Manifest(SignedManifest::sign(manifest, &root_key(member)).unwrap())
}

/// The roster that follows the first one, with other identities.
pub(crate) fn renamed(identities: [String; 3]) -> SignedRoster {
    let first = roster(RosterLimits::default());
    let mut next = first.roster().clone();
    (next.version, next.prev) = (1, Some(first.id()));
    for (member, identity) in next.members.iter_mut().zip(identities) {
        member.identity = identity;
    }
    let mut signed = SignedRoster::propose(&first, next).unwrap();
    for voter in 0..3 {
        signed.sign_as_voter(&root_key(voter), &first).unwrap();
    }
    signed
}

/// Whose identities a mesh has.
pub(crate) fn owners(membership: &Membership) -> BTreeMap<String, BTreeSet<MemberCode>> {
    let mut owners: BTreeMap<String, BTreeSet<_>> = BTreeMap::new();
    for member in &membership.roster().members {
        owners.entry(member.identity.to_ascii_lowercase()).or_default().insert(member.code);
    }
    owners
}

/// What three members say, and how the mesh changes meanwhile.
pub(crate) struct Story {
    pub(crate) pens: Vec<Pen>,
    pub(crate) documents: Vec<Document>,
    /// The last record of VN's log that counts, if it is cut.
    cut: Option<u64>,
}

impl Story {
    pub(crate) fn random(chance: &mut Chance, records: u64) -> Self {
        let mesh = roster(RosterLimits::default()).mesh();
        let mut pens: Vec<_> = (0..3).map(|member| Pen::new(member, mesh)).collect();
        let mut texts: Vec<String> = Vec::new();
        for _ in 0..records {
            let count = 1 + chance.below(4);
            let said: Vec<_> = (0..count)
                .map(|_| match texts.is_empty() || !chance.one_in(4) {
                    true => object(chance),
                    false => chance.pick(&texts).clone(),
                })
                .collect();
            texts.extend(said.clone());
            // A clock that is far ahead believes everything.
            let created_ms = if chance.one_in(5) { 4_200_000_000_000 } else { NOW_MS };
            pens[chance.below(3) as usize].publish(created_ms, &said);
        }
        let (mut documents, mut cut_at) = (Vec::new(), None);
        if chance.one_in(2) {
            let seq = chance.below(pens[2].said.len() as u64);
            documents.push(cut(2, mesh, pens[2].place(seq)));
            cut_at = Some(seq);
        }
        if chance.one_in(2) {
            let known = ["MY", "SG", "VN"].map(identity);
            let [one, other, third] = known;
            let stranger = id("identity", 77);
            documents.push(Document::Roster(match chance.below(3) {
                0 => renamed([other, one, third]),
                1 => renamed([one, stranger, third]),
                _ => renamed([one.clone(), one, third]),
            }));
        }
        Self { pens, documents, cut: cut_at }
    }

    /// What counts in the end.
    pub(crate) fn publications(&self) -> Vec<Publication> {
        let counts = |at: usize, seq: usize| at != 2 || self.cut.is_none_or(|cut| seq as u64 <= cut);
        let all = self.pens.iter().enumerate().flat_map(|(at, pen)| {
            pen.said.iter().enumerate().filter(move |(seq, _)| counts(at, *seq)).map(|(_, said)| said)
        });
        all.flat_map(|(_, said)| said.clone()).collect()
    }

    /// Lets a node have all of it, in some order, a few records a commit; `meanwhile` sees each step.
    pub(crate) fn tell(&self, peer: &mut Peer, chance: &mut Chance, mut meanwhile: impl FnMut(&Peer)) {
        let (mut next, mut documents) = ([0; 3], self.documents.clone());
        loop {
            if !documents.is_empty() && chance.one_in(6) {
                let at = chance.below(documents.len() as u64) as usize;
                peer.submit(vec![documents.remove(at)]);
                meanwhile(peer);
            }
            let open: Vec<_> = (0..3).filter(|at| next[*at] < self.pens[*at].said.len()).collect();
            if open.is_empty() {
                break;
            }
            let mut parcels = Vec::new();
            for _ in 0..1 + chance.below(6) {
                let at = *chance.pick(&open);
                if let Some((parcel, _)) = self.pens[at].said.get(next[at]) {
                    parcels.push(parcel.clone());
                    next[at] += 1;
                }
            }
            peer.now_ms += chance.below(10);
            peer.enter(&parcels);
            meanwhile(peer);
        }
        peer.submit(documents);
        peer.resume();
        meanwhile(peer);
    }
}
