//! Which values lists leave out, since members say that they are false positives.
//!
//! An object whose own publisher says so, by its label or an opinion, is in no list. What others say takes nothing from a
//! value as long as no more members disagree with the objects that report it than report it: nobody alone withdraws
//! what another says.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_intel::Object;
use certmesh_intel::object::Stance;
use certmesh_wire::MemberCode;

use super::merge::Merge;
use super::reader::{Reader, members, object_at};
use crate::layout::{self, Row, Shelf, Term};
use crate::limits::{MEMBER_OPINIONS, OPINIONS};
use crate::store::{Order, Readable, StoreError};

/// The live opinions that disagree, by what they are about.
#[derive(Debug, Default)]
pub(crate) struct Disputes {
    of: BTreeMap<String, BTreeSet<MemberCode>>,
    /// When the first of them ends, milliseconds since 1970 UTC.
    pub(crate) next_end_ms: Option<u64>,
}

impl Disputes {
    /// All that the reader may know of, the latest first: at most [`OPINIONS`] are read, and [`MEMBER_OPINIONS`] of
    /// one member's noted.
    pub(crate) fn read(store: &dyn Readable, reader: &Reader) -> Result<Self, StoreError> {
        let ranges = reader.ranges(&Term::Collection(Shelf::Type("opinion".into())));
        let mut rows = Merge::numbered(store, Order::Descending, ranges, (0, u64::MAX));
        let mut disputes = Self::default();
        // Whoever has an opinion on everything leaves room for what others say.
        let mut noted: BTreeMap<MemberCode, usize> = BTreeMap::new();
        for _ in 0..OPINIONS {
            let Some(read) = rows.next()? else { break };
            let row = Row::decode(read.value)?;
            if row.revoked || reader.has_expired(row.valid_until_ms) {
                continue;
            }
            let Some(stored) = object_at(store, layout::arrival_of(read.rest)?)? else { continue };
            let opinion = Object::read(&stored.json).ok().and_then(|object| object.opinion());
            if let Some(opinion) = opinion.filter(|opinion| opinion.stance <= Stance::Disagree) {
                let members = members(store, &stored)?;
                disputes.next_end_ms = disputes.next_end_ms.into_iter().chain(row.valid_until_ms).min();
                for id in opinion.about {
                    for member in &members {
                        let noted = noted.entry(*member).or_default();
                        if *noted < MEMBER_OPINIONS {
                            *noted += 1;
                            disputes.of.entry(id.clone()).or_default().insert(*member);
                        }
                    }
                }
            }
        }
        Ok(disputes)
    }

    fn of(&self, id: &str) -> impl Iterator<Item = MemberCode> {
        self.of.get(id).into_iter().flatten().copied()
    }

    /// The members that call an object wrong which they publish themselves: by an opinion, or by its own label.
    pub(crate) fn by_publishers(
        &self,
        id: &str,
        is_labelled: bool,
        publishers: &[MemberCode],
    ) -> Vec<MemberCode> {
        if is_labelled {
            return publishers.to_vec();
        }
        self.of(id).filter(|member| publishers.contains(member)).collect()
    }
}

/// The members for and against a value.
#[derive(Debug, Default)]
pub(crate) struct Standpoints {
    reporting: BTreeSet<MemberCode>,
    disputing: BTreeSet<MemberCode>,
}

impl Standpoints {
    /// Counts an object that reports the value.
    pub(crate) fn add(&mut self, disputes: &Disputes, id: &str, publishers: &[MemberCode]) {
        self.reporting.extend(publishers);
        self.disputing.extend(disputes.of(id));
    }

    /// Who reports it, sorted.
    pub(crate) fn reporting(&self) -> Vec<MemberCode> {
        self.reporting.iter().copied().collect()
    }

    /// Those who say that it is a false positive, if they are more than those who report it.
    pub(crate) fn outvoted_by(&self) -> Option<Vec<MemberCode>> {
        let outvoted = self.disputing.len() > self.reporting.len();
        outvoted.then(|| self.disputing.iter().copied().collect())
    }
}
