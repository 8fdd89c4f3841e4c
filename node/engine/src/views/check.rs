//! Whether a value is known, and who says so.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_intel::object::Stance;
use certmesh_intel::{Object, Question, observable};
use certmesh_wire::MemberCode;

use super::known::KnownValues;
use super::plain;
use super::reader::{Reader, Summary};
use crate::store::{Store, StoreError};

/// What the observable of an object is to the value that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// The value itself.
    Exact,
    /// A network that holds it.
    Network,
    /// An address or network inside the network that was asked for.
    Inside,
    /// A domain that it is a sub-domain of.
    Parent,
    /// A sub-domain of it.
    Subdomain,
}

impl How {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Network => "network",
            Self::Inside => "inside",
            Self::Parent => "parent",
            Self::Subdomain => "subdomain",
        }
    }
}

/// An object that mentions what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What its observable is to the value.
    pub how: How,
    /// What its observable is, such as `ipv4-addr`.
    pub kind: String,
    /// Its observable, in normal form.
    pub value: String,
    /// Whether it is one condition among several, and says nothing by itself.
    pub partial: bool,
    /// The object.
    pub object: Summary,
}

/// What is known of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The objects that mention it: exact ones first, the latest arrival first among equals.
    pub hits: Vec<Hit>,
    /// Whether there are more.
    pub capped: bool,
    /// Who confirms it independently: the most members that can each be named for a source of its own, where
    /// copies of one source (the same bytes, author or external id) count as one.
    pub confirmed_by: u64,
    /// How often each member has seen it.
    pub sightings: BTreeMap<MemberCode, u64>,
    /// How many opinions and labels of each member call it a false positive.
    pub false_positives: BTreeMap<MemberCode, u64>,
}

impl Answer {
    /// Whether anyone mentions it.
    pub fn is_known(&self) -> bool {
        !self.hits.is_empty()
    }
}

/// What the reader may know of a value: live objects only, which are newest, unexpired, unrevoked and within
/// the ceiling; and which say something of it. Bare observables don't: they have no end, and would keep a value known
/// whose indicator has ended or was taken back.
pub fn check(
    store: &dyn Store,
    _filter: &KnownValues,
    reader: &Reader,
    question: &Question,
) -> Result<Answer, StoreError> {
    let (mut answer, mut members) = (Answer::default(), BTreeSet::new());
    let mut about: BTreeMap<String, Vec<MemberCode>> = BTreeMap::new();
    plain::each(store, 0, |stored| {
        let Ok(object) = Object::read(&stored.json) else { return Ok(true) };
        let met = plain::met(question, &object);
        if met.is_empty() || observable::is_bare(&object) || !plain::is_live(store, reader, &stored, &object)?
        {
            return Ok(true);
        }
        let summary = Summary::of(store, &stored)?;
        members.extend(summary.members.iter().copied());
        about.insert(stored.id.clone(), summary.members.clone());
        for (how, mention) in met {
            answer.hits.push(Hit {
                how,
                kind: mention.observable.kind.into_owned(),
                value: mention.observable.value,
                partial: mention.partial,
                object: summary.clone(),
            });
        }
        Ok(true)
    })?;
    if answer.hits.is_empty() {
        return Ok(answer);
    }
    plain::each(store, 0, |stored| {
        let Ok(object) = Object::read(&stored.json) else { return Ok(true) };
        let sighting = object.sighting().filter(|sighting| about.contains_key(&sighting.of));
        let opinion = object.opinion().filter(|opinion| opinion.stance <= Stance::Disagree);
        let is_false = opinion.is_some_and(|opinion| opinion.about.iter().any(|id| about.contains_key(id)));
        if (sighting.is_some() || is_false) && plain::is_live(store, reader, &stored, &object)? {
            for member in Summary::of(store, &stored)?.members {
                if let Some(sighting) = &sighting {
                    *answer.sightings.entry(member).or_default() += sighting.count;
                }
                if is_false {
                    *answer.false_positives.entry(member).or_default() += 1;
                }
            }
        }
        Ok(true)
    })?;
    answer.confirmed_by = members.len() as u64;
    answer.hits.sort_by_key(|hit| (hit.how, std::cmp::Reverse(hit.object.arrival)));
    Ok(answer)
}
