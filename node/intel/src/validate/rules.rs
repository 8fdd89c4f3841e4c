//! What STIX 2.1 requires of each of its types, as tables. Sections are those of the OASIS standard.

mod domain;
mod extension;
mod meta;
mod observable;
mod relationship;

use super::form;
use super::reference::Refers;
use super::shape::{Body, Need, Shape};

pub(super) use extension::predefined;

/// The families of types, which differ in their common properties (section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Domain objects.
    Domain,
    /// Relationships and sightings.
    Relationship,
    /// Observable objects, which have no versions.
    Observable,
    /// Meta objects with versions.
    Meta,
    /// Marking definitions, which have no versions.
    Marking,
}

/// What one type requires beyond the common properties.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) family: Family,
    pub(super) body: Body,
}

impl Rule {
    const fn new(name: &'static str, family: Family, body: Body) -> Self {
        Self { name, family, body }
    }
}

/// Two times of one object, of which one must not be before the other.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) earlier: &'static str,
    pub(super) later: &'static str,
    /// Equal times break the rule too.
    pub(super) strictly: bool,
}

/// The rule of a type; nothing for a custom one.
pub(super) fn of(object_type: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.name == object_type)
}

pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    let tables = [domain::RULES, relationship::RULES, observable::RULES, meta::RULES];
    tables.into_iter().flatten()
}

/// The common properties (section 3.2), and what they must be wherever they are.
pub(super) static COMMON: Body = Body {
    needs: &[],
    knows: &[
        ("created", Shape::Time),
        ("modified", Shape::Time),
        ("created_by_ref", Shape::Id(Refers::To(&["identity"]))),
        ("revoked", Shape::Bool),
        ("confidence", Shape::Count(0, 100)),
        ("lang", Shape::Form(&form::LANGUAGE)),
        ("labels", TEXTS),
        ("external_references", Shape::List(&Shape::Parts(&EXTERNAL_REFERENCE))),
        ("object_marking_refs", Shape::List(&Shape::Id(Refers::To(&["marking-definition"])))),
        ("granular_markings", Shape::List(&Shape::Parts(&GRANULAR_MARKING))),
        ("defanged", Shape::Bool),
        ("valid_until", Shape::Time),
    ],
    one_of: &[],
};

/// Section 2.5.
static EXTERNAL_REFERENCE: Body = Body {
    needs: &[Need("source_name", Shape::Text, "a reference must say whose it is")],
    knows: &[
        ("description", Shape::String),
        ("url", Shape::Form(&form::URL)),
        ("hashes", Shape::Hashes),
        ("external_id", Shape::String),
    ],
    one_of: &[(
        &["external_id", "url", "description"],
        "a reference must have an external_id, a url or a description",
    )],
};

/// Section 7.2.3.1.
static GRANULAR_MARKING: Body = Body {
    needs: &[Need("selectors", Shape::List(&Shape::Text), "they say what is marked")],
    knows: &[
        ("lang", Shape::Form(&form::LANGUAGE)),
        ("marking_ref", Shape::Id(Refers::To(&["marking-definition"]))),
    ],
    one_of: &[(&["marking_ref", "lang"], "a granular marking must have a marking_ref or a lang")],
};

/// Section 2.7.
static KILL_CHAIN_PHASE: Body = Body {
    needs: &[
        Need("kill_chain_name", Shape::Text, "it says of which kill chain the phase is"),
        Need("phase_name", Shape::Text, "it says which phase it is"),
    ],
    knows: &[],
    one_of: &[],
};

const TEXTS: Shape = Shape::List(&Shape::String);
const PHASES: Shape = Shape::List(&Shape::Parts(&KILL_CHAIN_PHASE));

/// Names that the standard keeps for itself (section 11.3).
pub(super) const RESERVED: [&str; 4] = ["severity", "username", "phone_numbers", "action"];

pub(super) const ORDERED: &[Order] = &[
    Order { earlier: "created", later: "modified", strictly: false },
    Order { earlier: "valid_from", later: "valid_until", strictly: true },
    Order { earlier: "first_seen", later: "last_seen", strictly: false },
    Order { earlier: "first_observed", later: "last_observed", strictly: false },
    Order { earlier: "start_time", later: "stop_time", strictly: true },
    Order { earlier: "start", later: "end", strictly: false },
];
