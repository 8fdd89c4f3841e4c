//! What readers should be told, worked out from publications in the plainest way: by looking at every text.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use certmesh_engine::{Because, Collection, How, ObjectFamily, Query, Reader, Versions};
use certmesh_intel::object::Stance;
use certmesh_intel::observable::{self, Mention};
use certmesh_intel::{Object, Question};
use certmesh_wire::{MemberCode, sha256};

/// A day, in milliseconds.
const DAY_MS: i128 = 86_400_000;

/// One text in one record.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    pub(crate) member: MemberCode,
    pub(crate) created_ms: u64,
    pub(crate) json: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Owned,
    Foreign,
    Impostor,
}

/// What decides between versions.
type Rank = (Option<i64>, Reverse<[u8; 32]>);

/// A member's copy of a text.
#[derive(Debug, Clone)]
struct Copy {
    class: Class,
    member: MemberCode,
    json: String,
    id: String,
    rank: Rank,
    ahead: bool,
}

/// All publications, and whose identities there are.
pub(crate) struct Plain {
    copies: Vec<Copy>,
    owners: BTreeMap<String, BTreeSet<MemberCode>>,
    shown: BTreeSet<String>,
    /// Who publishes each text as their newest.
    members: BTreeMap<String, Vec<MemberCode>>,
    /// What each text mentions, with its keys.
    mentions: BTreeMap<String, Vec<(Vec<u8>, Mention)>>,
}

fn read(json: &str) -> Object<'_> {
    Object::read(json).unwrap()
}

fn ms(micros: i64) -> u64 {
    u64::try_from(micros / 1_000).unwrap_or(0)
}

fn valid_until(json: &str) -> Option<u64> {
    read(json).valid_until().map(ms)
}

/// What a hit is compared by.
pub(crate) type PlainHit = (How, String, String, bool, String, Vec<MemberCode>);

/// What of a listed value is compared.
pub(crate) type PlainListed = (String, String, Vec<MemberCode>, Option<u8>, Vec<String>, u8, Option<u64>);

impl Plain {
    pub(crate) fn new(publications: &[Publication], owners: BTreeMap<String, BTreeSet<MemberCode>>) -> Self {
        let mut copies: BTreeMap<(String, MemberCode), Copy> = BTreeMap::new();
        for Publication { member, created_ms, json } in publications {
            let object = read(json);
            let author = object.created_by_ref().map(|it| it.to_ascii_lowercase());
            let class = match author.and_then(|author| owners.get(&author)) {
                None => Class::Foreign,
                Some(members) if members.contains(member) => Class::Owned,
                Some(_) => Class::Impostor,
            };
            let newest = (i128::from(*created_ms) + DAY_MS) * 1_000;
            let ahead = object.modified().is_some_and(|modified| i128::from(modified) > newest);
            let rank = (object.modified(), Reverse(sha256(&[json.as_bytes()])));
            let id = object.id().to_owned();
            let copy = Copy { class, member: *member, json: json.clone(), id, rank, ahead };
            copies.entry((json.clone(), *member)).and_modify(|known| known.ahead &= ahead).or_insert(copy);
        }
        let mut plain = Self {
            copies: copies.into_values().collect(),
            owners,
            shown: BTreeSet::new(),
            members: BTreeMap::new(),
            mentions: BTreeMap::new(),
        };
        let ids: BTreeSet<_> = plain.copies.iter().map(|copy| copy.id.clone()).collect();
        plain.shown = ids.iter().flat_map(|id| plain.outcome(id)).collect();
        for id in &ids {
            let newest: Vec<_> =
                plain.newest(id).into_iter().map(|it| (it.json.clone(), it.member)).collect();
            for (json, member) in newest {
                plain.members.entry(json).or_default().push(member);
            }
        }
        for json in plain.copies.iter().map(|copy| &copy.json) {
            let mentions = observable::of(&read(json)).into_iter();
            let keyed = mentions.map(|mention| (mention.observable.key(), mention)).collect();
            plain.mentions.insert(json.clone(), keyed);
        }
        plain
    }

    fn of_id(&self, id: &str) -> impl Iterator<Item = &Copy> {
        self.copies.iter().filter(move |copy| copy.id == id)
    }

    fn counted_class(&self, id: &str) -> Class {
        let owned = self.of_id(id).any(|copy| copy.class == Class::Owned);
        if owned { Class::Owned } else { Class::Foreign }
    }

    /// Each member's newest copy of those that count.
    fn newest(&self, id: &str) -> Vec<&Copy> {
        let mut newest: BTreeMap<MemberCode, &Copy> = BTreeMap::new();
        let class = self.counted_class(id);
        for copy in self.of_id(id).filter(|copy| copy.class == class) {
            let known = newest.entry(copy.member).or_insert(copy);
            if copy.rank > known.rank {
                *known = copy;
            }
        }
        newest.into_values().collect()
    }

    fn outcome(&self, id: &str) -> BTreeSet<String> {
        let newest = self.newest(id);
        if self.counted_class(id) == Class::Owned {
            return newest.into_iter().map(|copy| copy.json.clone()).collect();
        }
        let winner =
            newest.into_iter().max_by_key(|copy| (!read(&copy.json).is_revoked(), !copy.ahead, copy.rank));
        winner.map(|copy| copy.json.clone()).into_iter().collect()
    }

    /// Who publishes the text as their newest.
    fn members(&self, json: &str) -> Vec<MemberCode> {
        self.members.get(json).cloned().unwrap_or_default()
    }

    /// What of a text meets a question.
    fn met(&self, asked: &Asked<'_>, json: &str) -> Vec<(How, Mention)> {
        let mentions = self.mentions[json].iter();
        mentions.filter_map(|(key, mention)| Some((asked.how(key)?, mention.clone()))).collect()
    }

    /// How many different texts there are.
    pub(crate) fn texts(&self) -> usize {
        self.copies.iter().map(|copy| &copy.json).collect::<BTreeSet<_>>().len()
    }

    /// The live texts that the reader may see, whether they have expired or not.
    fn live(&self, reader: &Reader) -> impl Iterator<Item = &String> {
        self.shown.iter().filter(|json| {
            let object = read(json);
            !object.is_revoked() && object.tlp() <= reader.ceiling
        })
    }

    fn unexpired(&self, reader: &Reader) -> impl Iterator<Item = &String> {
        self.live(reader).filter(|json| valid_until(json).is_none_or(|until| until > reader.now_ms))
    }

    pub(crate) fn hits(&self, reader: &Reader, question: &Question) -> BTreeSet<PlainHit> {
        let (mut hits, asked) = (BTreeSet::new(), Asked::of(question));
        for json in self.unexpired(reader).filter(|json| !observable::is_bare(&read(json))) {
            for (how, mention) in self.met(&asked, json) {
                let (kind, value) = (mention.observable.kind.into_owned(), mention.observable.value);
                let members = self.members(json);
                hits.insert((how, kind, value, mention.partial, read(json).id().to_owned(), members));
            }
        }
        hits
    }

    /// Sightings, and words that it is a false positive, by member; of what meets the question.
    pub(crate) fn words(&self, reader: &Reader, question: &Question) -> [BTreeMap<MemberCode, u64>; 2] {
        let asked = Asked::of(question);
        let meets = |json: &&String| !observable::is_bare(&read(json)) && !self.met(&asked, json).is_empty();
        let hit: Vec<_> = self.unexpired(reader).filter(meets).collect();
        let ids: BTreeSet<_> = hit.iter().map(|json| read(json).id().to_owned()).collect();
        let (mut seen, mut wrong) = (BTreeMap::new(), BTreeMap::new());
        for json in self.unexpired(reader) {
            let object = read(json);
            for member in self.members(json) {
                if let Some(sighting) = object.sighting().filter(|sighting| ids.contains(&sighting.of)) {
                    *seen.entry(member).or_default() += sighting.count;
                }
                if let Some(opinion) = object.opinion().filter(|it| it.stance <= Stance::Disagree) {
                    let about: BTreeSet<_> = opinion.about.into_iter().collect();
                    let times = about.intersection(&ids).count() as u64;
                    if times > 0 {
                        *wrong.entry(member).or_default() += times;
                    }
                }
                if hit.contains(&json) && object.labels().contains(&"false-positive".to_owned()) {
                    *wrong.entry(member).or_default() += 1;
                }
            }
        }
        [seen, wrong]
    }

    pub(crate) fn query(&self, reader: &Reader, query: &Query) -> BTreeSet<String> {
        let question = query.value.as_deref().map(Question::read);
        let fits = |json: &&String| {
            let object = read(json);
            let at_ms = query.valid_at_ms.unwrap_or(reader.now_ms);
            let begins =
                query.valid_at_ms.is_none() || object.valid_from().is_none_or(|from| ms(from) <= at_ms);
            let mentions = &self.mentions[*json];
            let is_asked = |(key, mention): &(Vec<u8>, Mention)| {
                query.kind.as_ref().is_none_or(|kind| mention.observable.kind == *kind)
                    && question.as_ref().is_none_or(|it| it.exact().contains(key))
            };
            let is_part = |one: &String, asked: &str| one == asked || one.starts_with(&format!("{asked}."));
            let prose = format!(
                "{}\n{}",
                object.name().unwrap_or_default(),
                object.description().unwrap_or_default()
            );
            begins
                && valid_until(json).is_none_or(|until| until > at_ms)
                && (query.kind.is_none() && question.is_none() || mentions.iter().any(is_asked))
                && query.object_type.as_ref().is_none_or(|it| object.object_type() == it)
                && query.id.as_ref().is_none_or(|id| object.id() == id)
                && query.from.is_none_or(|from| self.members(json).contains(&from))
                && query.label.as_ref().is_none_or(|label| object.labels().contains(label))
                && query
                    .technique
                    .as_ref()
                    .is_none_or(|asked| object.techniques().iter().any(|one| is_part(one, asked)))
                && query.confidence_min.is_none_or(|least| object.confidence().is_some_and(|it| it >= least))
                && query.tlp.is_none_or(|tlp| tlp == object.tlp())
                && query.text.as_ref().is_none_or(|it| prose.to_lowercase().contains(&it.to_lowercase()))
        };
        self.live(reader).filter(fits).cloned().collect()
    }

    pub(crate) fn collected(
        &self,
        reader: &Reader,
        collection: &Collection,
        versions: &Versions,
    ) -> BTreeSet<String> {
        let belongs = |json: &String| match collection {
            Collection::All => true,
            Collection::Family(family) => ObjectFamily::of(read(json).object_type()) == *family,
            Collection::Member(code) if *versions == Versions::Newest => self.members(json).contains(code),
            Collection::Member(code) => {
                let class = self.counted_class(read(json).id());
                self.copies.iter().any(|it| it.json == *json && it.member == *code && it.class == class)
            }
        };
        let is_version = |json: &&String| {
            let object = read(json);
            let class = self.counted_class(object.id());
            let counts: Vec<_> = self.of_id(object.id()).filter(|copy| copy.class == class).collect();
            if counts.iter().all(|copy| copy.json != **json) {
                return false;
            }
            match versions {
                Versions::All => true,
                Versions::At(times) => object.modified().is_some_and(|it| times.contains(&it)),
                Versions::Oldest => {
                    let seen = counts.iter().filter(|copy| read(&copy.json).tlp() <= reader.ceiling);
                    seen.min_by_key(|copy| copy.rank).is_some_and(|oldest| oldest.json == **json)
                }
                Versions::Newest => {
                    let expired = valid_until(json).is_some_and(|until| until <= reader.now_ms);
                    self.shown.contains(*json) && (object.is_revoked() || !expired)
                }
            }
        };
        let texts: BTreeSet<_> = self.copies.iter().map(|copy| &copy.json).collect();
        let may_see = texts.into_iter().filter(|json| read(json).tlp() <= reader.ceiling);
        may_see.filter(is_version).filter(|json| belongs(json)).cloned().collect()
    }

    /// Each member that calls an object wrong.
    fn disputed_by(&self, reader: &Reader, id: &str) -> BTreeSet<MemberCode> {
        let mut members = BTreeSet::new();
        for json in self.unexpired(reader) {
            let opinion = read(json).opinion().filter(|opinion| opinion.stance <= Stance::Disagree);
            if opinion.is_some_and(|opinion| opinion.about.iter().any(|about| about == id)) {
                members.extend(self.members(json));
            }
        }
        members
    }

    fn is_withdrawn(&self, reader: &Reader, json: &str) -> bool {
        let (object, members) = (read(json), self.members(json));
        object.labels().contains(&"false-positive".to_owned())
            || self.disputed_by(reader, object.id()).iter().any(|member| members.contains(member))
    }

    pub(crate) fn listed(&self, reader: &Reader, kinds: &[&str]) -> Vec<PlainListed> {
        let mut values: BTreeMap<(Vec<u8>, String, String), Vec<&String>> = BTreeMap::new();
        let is_indicator = |json: &&String| read(json).object_type() == "indicator";
        for json in
            self.unexpired(reader).filter(is_indicator).filter(|json| !self.is_withdrawn(reader, json))
        {
            for (key, Mention { observable, partial }) in self.mentions[json].clone() {
                if !partial && kinds.contains(&observable.kind.as_ref()) {
                    let place = (key, observable.kind.into_owned(), observable.value);
                    values.entry(place).or_default().push(json);
                }
            }
        }
        let mut listed = Vec::new();
        for ((_, kind, value), texts) in values {
            let members: BTreeSet<_> = texts.iter().flat_map(|json| self.members(json)).collect();
            let against: BTreeSet<_> =
                texts.iter().flat_map(|json| self.disputed_by(reader, read(json).id())).collect();
            if against.len() > members.len() {
                continue;
            }
            let labels: BTreeSet<_> = texts.iter().flat_map(|json| read(json).labels()).collect();
            let ends: Option<Vec<_>> = texts.iter().map(|json| valid_until(json)).collect();
            listed.push((
                kind,
                value,
                members.into_iter().collect(),
                texts.iter().filter_map(|json| read(json).confidence()).max(),
                labels.into_iter().collect(),
                texts.iter().map(|json| read(json).tlp() as u8).max().unwrap(),
                ends.and_then(|ends| ends.into_iter().max()),
            ));
        }
        listed
    }

    /// What each text that mentions the value comes to, by its id, kind and value: a word for it.
    pub(crate) fn why(&self, reader: &Reader, question: &Question) -> Vec<(String, String, String, String)> {
        let kinds: BTreeSet<_> =
            self.mentions.values().flatten().map(|(_, mention)| mention.observable.kind.as_ref()).collect();
        let everyone = self.listed(reader, &kinds.into_iter().collect::<Vec<_>>());
        let (mut reasons, asked) = (Vec::new(), Asked::of(question));
        for json in self.mentions.keys() {
            let object = read(json);
            for (_, mention) in self.met(&asked, json) {
                let (kind, value) = (mention.observable.kind.into_owned(), mention.observable.value);
                let is_listed = everyone.iter().any(|it| (&it.0, &it.1) == (&kind, &value));
                let class = self.counted_class(object.id());
                let counts = self.copies.iter().any(|copy| copy.json == *json && copy.class == class);
                let word = if !counts {
                    "not owner"
                } else if !self.shown.contains(json) {
                    "superseded"
                } else if object.is_revoked() {
                    "revoked"
                } else if object.tlp() > reader.ceiling {
                    "above"
                } else if valid_until(json).is_some_and(|until| until <= reader.now_ms) {
                    "expired"
                } else if self.is_withdrawn(reader, json) || (!mention.partial && !is_listed) {
                    "false positive"
                } else {
                    "listed"
                };
                reasons.push((object.id().to_owned(), kind, value, word.to_owned()));
            }
        }
        reasons.sort();
        reasons
    }

    /// What refers to an id, by property.
    pub(crate) fn referred_by(&self, reader: &Reader, id: &str) -> Vec<(String, String)> {
        let mut found = BTreeSet::new();
        for json in self.unexpired(reader) {
            for (property, target) in read(json).references() {
                if target == id && property != "created_by_ref" && property != "object_marking_refs" {
                    found.insert((property, json.clone()));
                }
            }
        }
        found.into_iter().collect()
    }

    /// What an id refers to: by property, and whether the reader sees it.
    pub(crate) fn refers_to(&self, reader: &Reader, id: &str) -> Vec<(String, String, bool)> {
        let live = |id: &str| self.unexpired(reader).any(|json| read(json).id() == id);
        let mut found = BTreeSet::new();
        for json in self.unexpired(reader).filter(|json| read(json).id() == id) {
            for (property, target) in read(json).references() {
                let seen = live(&target);
                found.insert((property, target, seen));
            }
        }
        found.into_iter().collect()
    }

    /// Whose identity the text claims.
    pub(crate) fn owners(&self) -> &BTreeMap<String, BTreeSet<MemberCode>> {
        &self.owners
    }
}

/// The keys that a question asks for.
struct Asked<'a> {
    question: &'a Question,
    wider: BTreeSet<Vec<u8>>,
    narrower: Option<(Vec<u8>, Vec<u8>)>,
}

impl<'a> Asked<'a> {
    fn of(question: &'a Question) -> Self {
        Self { question, wider: question.wider().collect(), narrower: question.narrower() }
    }

    /// What the observable with this key is to the value.
    fn how(&self, key: &[u8]) -> Option<How> {
        let is_network = matches!(key.first(), Some(b'4' | b'6'));
        if self.question.exact().iter().any(|exact| exact == key) {
            return Some(How::Exact);
        }
        if self.wider.contains(key) {
            return Some(if is_network { How::Network } else { How::Parent });
        }
        let (from, to) = self.narrower.as_ref()?;
        let inside = from.as_slice() <= key && key < to.as_slice();
        inside.then_some(if is_network { How::Inside } else { How::Subdomain })
    }
}

/// A word for a reason.
pub(crate) fn word(because: &Because) -> &'static str {
    match because {
        Because::NotOwner { .. } => "not owner",
        Because::Revoked => "revoked",
        Because::Superseded { .. } => "superseded",
        Because::AboveCeiling => "above",
        Because::Expired { .. } => "expired",
        Because::FalsePositive { .. } => "false positive",
        Because::Listed => "listed",
    }
}
