//! How many members confirm a value independently of each other.
//!
//! Copies of one source are one word on it: the same bytes, objects with one author, and objects that name one external
//! id. What confirms a value is then the most members that can each be named for a source of its own: two who pass on one
//! vendor's report confirm it once, and one who has three reports, too.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_intel::Object;
use certmesh_wire::{MemberCode, sha256};

/// Catalogues whose ids say what an object is about, and not where it comes from.
const CATALOGUES: [&str; 5] = ["mitre", "capec", "cve", "cwe", "nvd"];

/// The sources of a value, each with the members that pass it on.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// By the lowest number of the objects in it.
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    marks: BTreeSet<Vec<u8>>,
    members: BTreeSet<MemberCode>,
}

impl Sources {
    /// Counts an object that these members publish.
    pub(crate) fn add(&mut self, object: &Object<'_>, members: &[MemberCode]) {
        let mut group = Group { marks: marks(object), members: members.iter().copied().collect() };
        let (same, others) = std::mem::take(&mut self.groups)
            .into_iter()
            .partition(|other: &Group| !other.marks.is_disjoint(&group.marks));
        self.groups = others;
        for other in same {
            group.marks.extend(other.marks);
            group.members.extend(other.members);
        }
        self.groups.push(group);
    }

    /// The most members that can each be named for a source of its own.
    pub(crate) fn confirmations(&self) -> u64 {
        let mut named = BTreeMap::new();
        (0..self.groups.len()).filter(|at| self.name(*at, &mut BTreeSet::new(), &mut named)).count() as u64
    }

    /// Names a member for a source; one that is named for another source gives way, if that has another member.
    fn name(
        &self,
        source: usize,
        tried: &mut BTreeSet<MemberCode>,
        named: &mut BTreeMap<MemberCode, usize>,
    ) -> bool {
        for member in &self.groups[source].members {
            if !tried.insert(*member) {
                continue;
            }
            let gives_way = match named.get(member).copied() {
                None => true,
                Some(other) => self.name(other, tried, named),
            };
            if gives_way {
                named.insert(*member, source);
                return true;
            }
        }
        false
    }
}

/// What tells that two objects have one source.
fn marks(object: &Object<'_>) -> BTreeSet<Vec<u8>> {
    let mut marks = BTreeSet::from([[&b"t"[..], &sha256(&[object.json().as_bytes()])].concat()]);
    if let Some(author) = object.created_by_ref() {
        marks.insert([b"a", author.to_ascii_lowercase().as_bytes()].concat());
    }
    for (source, id) in object.external_ids() {
        let source = source.to_lowercase();
        if !CATALOGUES.iter().any(|catalogue| source.starts_with(catalogue)) {
            marks.insert([b"e", source.as_bytes(), &[0], id.as_bytes()].concat());
        }
    }
    marks
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's own inputs")]
mod tests {
    use super::*;

    /// How many confirm: each object by its properties and its members.
    fn confirmed(objects: &[(&str, &str)]) -> u64 {
        let mut sources = Sources::default();
        for (at, (properties, members)) in objects.iter().enumerate() {
            let id = format!("indicator--00000000-0000-4000-8000-{at:012}");
            let json = format!(r#"{{"type":"indicator","id":"{id}"{properties}}}"#);
            let members: Vec<_> = members.split(' ').map(|code| code.parse().unwrap()).collect();
            sources.add(&Object::read(&json).unwrap(), &members);
        }
        sources.confirmations()
    }

    #[test]
    fn copies_of_one_source_confirm_once() {
        let vendor = r#","created_by_ref":"identity--5e57c739-391a-4eb3-b6be-7d15ca92d5ed""#;
        let report = r#","external_references":[{"source_name":"Vendor","external_id":"R1"}]"#;
        let attack = r#","external_references":[{"source_name":"mitre-attack","external_id":"T1566"}]"#;
        let both = format!("{vendor}{report}");
        for (objects, expected) in [
            (&[("", "SG")][..], 1),
            (&[("", "SG"), ("", "SG")], 1),
            (&[("", "SG"), ("", "MY")], 2),
            (&[("", "SG MY")], 1),
            (&[(vendor, "SG"), (vendor, "MY")], 1),
            (&[(report, "SG"), (report, "MY")], 1),
            (&[(attack, "SG"), (attack, "MY")], 2),
            (&[(vendor, "SG"), (report, "MY"), (&both, "VN")], 1),
            (&[(vendor, "SG MY"), ("", "SG")], 2),
            (&[("", "SG"), ("", "SG MY"), ("", "SG")], 2),
            (&[("", "SG"), ("", "SG"), ("", "MY TH VN")], 2),
        ] {
            assert_eq!(confirmed(objects), expected, "{objects:?}");
        }
    }
}
