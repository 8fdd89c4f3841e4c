//! Relationship objects (section 5).

use super::super::form;
use super::super::reference::Refers;
use super::super::shape::{Body, Need, Shape};
use super::Family::Relationship;
use super::Rule;
use Shape::{Bool, Count, Form, Id, List, String, Time};

pub(super) static RULES: &[Rule] = &[
    Rule::new(
        "relationship",
        Relationship,
        Body {
            needs: &[
                Need(
                    "relationship_type",
                    Form(&form::RELATIONSHIP),
                    "a relationship must say of which kind it is",
                ),
                Need("source_ref", Id(Refers::Joined), "a relationship must say where it begins"),
                Need("target_ref", Id(Refers::Joined), "a relationship must say where it ends"),
            ],
            knows: &[("description", String), ("start_time", Time), ("stop_time", Time)],
            one_of: &[],
        },
    ),
    Rule::new(
        "sighting",
        Relationship,
        Body {
            needs: &[Need("sighting_of_ref", Id(Refers::Sighted), "a sighting must say what was seen")],
            knows: &[
                ("description", String),
                ("first_seen", Time),
                ("last_seen", Time),
                ("count", Count(0, 999_999_999)),
                ("observed_data_refs", List(&Id(Refers::To(&["observed-data"])))),
                ("where_sighted_refs", List(&Id(Refers::To(&["identity", "location"])))),
                ("summary", Bool),
            ],
            one_of: &[],
        },
    ),
];
