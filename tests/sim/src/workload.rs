//! What the simulated analysts publish: small STIX objects, their own and third parties', new ones, new
//! versions, revocations, the same object by two members, and versions of what belongs to another. And the
//! way back from a text to what it says, for the model.

use certmesh_wire::MemberCode;

use crate::chance::Chance;
use crate::founding::{code, identity, number_of};

/// Texts that are remembered, to be published again or versioned.
const REMEMBERED: usize = 256;

/// What the text of an object says, read without the engine's own readers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Facts {
    /// The STIX id.
    pub(crate) id: String,
    /// Its number of the version: seconds since some day.
    pub(crate) version: u64,
    /// Whether that is in the future of every clock.
    pub(crate) ahead: bool,
    /// The member that it claims to be made by.
    pub(crate) author: Option<MemberCode>,
    /// The domain that it speaks of, if it is an indicator.
    pub(crate) domain: Option<String>,
    /// Whether it takes the object back.
    pub(crate) revoked: bool,
}

impl Facts {
    /// The text of an object of the simulation.
    pub(crate) fn text(&self) -> String {
        let (id, day, rest) = (&self.id, self.version / 86_400, self.version % 86_400);
        let year = if self.ahead { 2099 } else { 2021 };
        let modified = format!(
            "{year}-{:02}-{:02}T{:02}:{:02}:{:02}.000Z",
            1 + day / 28 % 12,
            1 + day % 28,
            rest / 3_600,
            rest / 60 % 60,
            rest % 60
        );
        let revoked = if self.revoked { r#","revoked":true"# } else { "" };
        let author = self.author.map(|code| format!(r#","created_by_ref":"{}""#, identity(number_of(code))));
        let author = author.unwrap_or_default();
        match &self.domain {
            Some(domain) => format!(
                r#"{{"type":"indicator","spec_version":"2.1","id":"{id}","created":"2020-01-01T00:00:00.000Z","modified":"{modified}"{author}{revoked},"pattern":"[domain-name:value = '{domain}']","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z"}}"#
            ),
            None => format!(
                r#"{{"type":"malware","spec_version":"2.1","id":"{id}","created":"2020-01-01T00:00:00.000Z","modified":"{modified}"{author}{revoked},"is_family":false}}"#
            ),
        }
    }

    /// What a text says; nothing, if it is no object of the simulation.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let between = |before: &str, after: &str| {
            let (_, rest) = text.split_once(before)?;
            rest.split_once(after).map(|(found, _)| found)
        };
        let modified = between(r#""modified":"20"#, ".000Z")?;
        let (year, modified) = modified.split_once('-')?;
        let author = between(r#""created_by_ref":"identity--00000000-0000-4000-8000-"#, "\"");
        let numbers: Vec<u64> = modified.split(['-', 'T', ':']).map_while(|part| part.parse().ok()).collect();
        let [month, day, hour, minute, second] = numbers[..] else { return None };
        let days = (month - 1) * 28 + day - 1;
        let read = Self {
            id: between(r#""id":""#, "\"")?.to_owned(),
            version: days * 86_400 + hour * 3_600 + minute * 60 + second,
            ahead: year == "99",
            author: author.and_then(|number| number.parse().ok()).map(code),
            domain: between("value = '", "'").map(str::to_owned),
            revoked: text.contains(r#""revoked":true"#),
        };
        (read.text() == text).then_some(read)
    }

    /// The STIX type.
    pub(crate) fn object_type(&self) -> &str {
        if self.domain.is_some() { "indicator" } else { "malware" }
    }
}

/// The analysts of all members.
#[derive(Debug, Default)]
pub(crate) struct Workload {
    made: u64,
    version: u64,
    /// The latest objects, with the member that published them.
    recent: Vec<(MemberCode, Facts)>,
}

impl Workload {
    /// What a member publishes next, at most so many objects.
    pub(crate) fn publication(&mut self, by: MemberCode, most: u64, chance: &mut Chance) -> Vec<String> {
        let count = chance.between(1, most);
        let mut texts: Vec<_> = (0..count).map(|_| self.object(by, chance)).collect();
        texts.dedup();
        texts
    }

    fn object(&mut self, by: MemberCode, chance: &mut Chance) -> String {
        let facts = match chance.below(10) {
            0 | 1 => self.next_version(by, chance),
            2 => self.known(by, false, chance),
            3 => self.version_of_anothers(by, chance),
            _ => None,
        };
        let facts = facts.unwrap_or_else(|| self.new_object(by, chance));
        let text = facts.text();
        if self.recent.len() == REMEMBERED {
            self.recent.swap_remove(chance.index(REMEMBERED));
        }
        self.recent.push((by, facts));
        text
    }

    /// An object that nobody has published before.
    pub(crate) fn new_object(&mut self, by: MemberCode, chance: &mut Chance) -> Facts {
        self.made += 1;
        let number = self.made;
        let object_type = if chance.below(6) > 0 { "indicator" } else { "malware" };
        Facts {
            id: format!("{object_type}--00000000-0000-4000-8000-{number:012}"),
            version: self.next_number(),
            ahead: chance.hits(50),
            author: chance.hits(500).then_some(by),
            domain: (object_type == "indicator").then(|| format!("d{}.example", chance.below(40))),
            revoked: false,
        }
    }

    /// A later version of an object that this member has published.
    fn next_version(&mut self, by: MemberCode, chance: &mut Chance) -> Option<Facts> {
        let known = self.known(by, true, chance)?;
        Some(self.version_of(known, chance))
    }

    /// A version of what another member has published: that one's own, or a third party's.
    fn version_of_anothers(&mut self, by: MemberCode, chance: &mut Chance) -> Option<Facts> {
        let known = self.known(by, false, chance)?;
        let author = if chance.hits(200) { None } else { known.author };
        Some(self.version_of(Facts { author, ..known }, chance))
    }

    fn version_of(&mut self, known: Facts, chance: &mut Chance) -> Facts {
        let domain = known.domain.as_ref().map(|_| format!("d{}.example", chance.below(40)));
        let (ahead, revoked) = (chance.hits(50), chance.hits(300));
        Facts { version: self.next_number(), domain, ahead, revoked, ..known }
    }

    /// An object that was published before, by this member or by another.
    fn known(&self, by: MemberCode, own: bool, chance: &mut Chance) -> Option<Facts> {
        let known: Vec<_> = self.recent.iter().filter(|(member, _)| (*member == by) == own).collect();
        chance.pick(&known).map(|(_, facts)| facts.clone())
    }

    /// Versions rise over all objects: no two honest texts of one object claim one time.
    fn next_number(&mut self) -> u64 {
        self.version += 1;
        self.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_says_comes_back() {
        let (mut workload, mut chance) = (Workload::default(), Chance::seeded(1));
        for _ in 0..1_000 {
            for text in workload.publication("SG".parse().expect("a code"), 5, &mut chance) {
                let facts = Facts::read(&text).expect("an object of the simulation");
                assert_eq!(facts.text(), text);
            }
        }
        assert_eq!(Facts::read("{}"), None);
    }
}
