//! What STIX 2.1 requires of each of its types, as a table (sections 3 to 7 of the standard).

use super::shape::Shape;

/// The families of types, which differ in their common properties (STIX 2.1, section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Domain objects and the versioned meta objects.
    Domain,
    /// Relationships and sightings.
    Relationship,
    /// Observable objects, which have no versions.
    Observable,
    /// Marking definitions, which have no versions.
    Marking,
}

/// A required property, its shape, and why it is there.
#[derive(Debug)]
pub(super) struct Need(pub(super) &'static str, pub(super) Shape, pub(super) &'static str);

/// What one type requires beyond the common properties.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) family: Family,
    pub(super) needs: &'static [Need],
    /// Groups of properties of which one must be there, and the rule in words.
    pub(super) one_of: &'static [(&'static [&'static str], &'static str)],
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
    RULES.iter().find(|rule| rule.name == object_type)
}

/// The common properties, and what they must be wherever they are.
pub(super) const COMMON: &[(&str, Shape)] = &[
    ("created", Time),
    ("modified", Time),
    ("created_by_ref", IdOf("identity")),
    ("revoked", Bool),
    ("confidence", Count(0, 100)),
    ("labels", List),
    ("external_references", List),
    ("object_marking_refs", Markings),
    ("granular_markings", List),
    ("extensions", Dictionary),
    ("valid_until", Time),
];

pub(super) const ORDERED: &[Order] = &[
    Order { earlier: "created", later: "modified", strictly: false },
    Order { earlier: "valid_from", later: "valid_until", strictly: true },
    Order { earlier: "first_seen", later: "last_seen", strictly: false },
    Order { earlier: "first_observed", later: "last_observed", strictly: false },
    Order { earlier: "start_time", later: "stop_time", strictly: true },
];

use Family::{Domain, Marking, Observable, Relationship};
use Shape::{Bool, Count, Dictionary, Id, IdOf, Ids, List, Markings, Text, Time};

const fn rule(name: &'static str, family: Family, needs: &'static [Need]) -> Rule {
    Rule { name, family, needs, one_of: &[] }
}

const NAME: &[Need] = &[Need("name", Text, "it is what people call this")];
const VALUE: &[Need] = &[Need("value", Text, "it is what was observed")];
const OBJECT_REFS: Need = Need("object_refs", Ids, "it names the objects that this is about");

static RULES: &[Rule] = &[
    rule("attack-pattern", Domain, NAME),
    rule("campaign", Domain, NAME),
    rule("course-of-action", Domain, NAME),
    rule(
        "grouping",
        Domain,
        &[Need("context", Text, "a grouping must say what its objects share"), OBJECT_REFS],
    ),
    rule("identity", Domain, NAME),
    rule("incident", Domain, NAME),
    rule(
        "indicator",
        Domain,
        &[
            Need("pattern", Text, "an indicator must say what to look for"),
            Need(
                "pattern_type",
                Text,
                "an indicator must say in which language its pattern is, such as stix",
            ),
            Need("valid_from", Time, "an indicator must say from when it is valid"),
        ],
    ),
    rule("infrastructure", Domain, NAME),
    rule("intrusion-set", Domain, NAME),
    Rule {
        one_of: &[(
            &["region", "country", "latitude"],
            "a location must have a region, a country, or a latitude and longitude",
        )],
        ..rule("location", Domain, &[])
    },
    rule(
        "malware",
        Domain,
        &[Need("is_family", Bool, "malware must say whether it is a family or one sample")],
    ),
    Rule {
        one_of: &[(
            &["result", "analysis_sco_refs"],
            "a malware analysis must have a result or analysis_sco_refs",
        )],
        ..rule(
            "malware-analysis",
            Domain,
            &[Need("product", Text, "a malware analysis must say what made it")],
        )
    },
    rule("note", Domain, &[Need("content", Text, "a note must say something"), OBJECT_REFS]),
    Rule {
        one_of: &[(&["object_refs", "objects"], "observed data must name the objects that were observed")],
        ..rule(
            "observed-data",
            Domain,
            &[
                Need("first_observed", Time, "observed data must say since when it was observed"),
                Need("last_observed", Time, "observed data must say until when it was observed"),
                Need(
                    "number_observed",
                    Count(1, 999_999_999),
                    "observed data must say how often it was observed",
                ),
            ],
        )
    },
    rule("opinion", Domain, &[Need("opinion", Text, "an opinion must say what it is"), OBJECT_REFS]),
    rule(
        "report",
        Domain,
        &[
            Need("name", Text, "a report must have a title"),
            Need("published", Time, "a report must say when it was published"),
            OBJECT_REFS,
        ],
    ),
    rule("threat-actor", Domain, NAME),
    rule("tool", Domain, NAME),
    rule("vulnerability", Domain, NAME),
    rule(
        "relationship",
        Relationship,
        &[
            Need("relationship_type", Text, "a relationship must say of which kind it is"),
            Need("source_ref", Id, "a relationship must say where it begins"),
            Need("target_ref", Id, "a relationship must say where it ends"),
        ],
    ),
    rule("sighting", Relationship, &[Need("sighting_of_ref", Id, "a sighting must say what was seen")]),
    rule(
        "language-content",
        Domain,
        &[
            Need("object_ref", Id, "it names the object that is translated"),
            Need("contents", Dictionary, "it holds the translation"),
        ],
    ),
    rule(
        "extension-definition",
        Domain,
        &[
            Need("created_by_ref", IdOf("identity"), "it names who made the extension"),
            Need("name", Text, "it is what people call the extension"),
            Need("schema", Text, "it says what the extension looks like"),
            Need("version", Text, "it tells this version of the extension from others"),
            Need("extension_types", List, "it says what the extension extends"),
        ],
    ),
    Rule {
        one_of: &[(
            &["definition", "extensions"],
            "a marking definition must have a definition or an extension",
        )],
        ..rule("marking-definition", Marking, &[])
    },
    Rule {
        one_of: &[(&["payload_bin", "url"], "an artifact must have a payload_bin or a url")],
        ..rule("artifact", Observable, &[])
    },
    rule(
        "autonomous-system",
        Observable,
        &[Need("number", Count(0, u32::MAX as u64), "it is the number of the autonomous system")],
    ),
    rule("directory", Observable, &[Need("path", Text, "it is where the directory is")]),
    rule("domain-name", Observable, VALUE),
    rule("email-addr", Observable, VALUE),
    rule(
        "email-message",
        Observable,
        &[Need("is_multipart", Bool, "it says whether the message has several parts")],
    ),
    Rule {
        one_of: &[(&["hashes", "name"], "a file must have hashes or a name")],
        ..rule("file", Observable, &[])
    },
    rule("ipv4-addr", Observable, VALUE),
    rule("ipv6-addr", Observable, VALUE),
    rule("mac-addr", Observable, VALUE),
    rule("mutex", Observable, NAME),
    Rule {
        one_of: &[(&["src_ref", "dst_ref"], "network traffic must have a src_ref or a dst_ref")],
        ..rule(
            "network-traffic",
            Observable,
            &[Need("protocols", List, "it says in which protocols the traffic is")],
        )
    },
    rule("process", Observable, &[]),
    rule("software", Observable, NAME),
    rule("url", Observable, VALUE),
    rule("user-account", Observable, &[]),
    rule("windows-registry-key", Observable, &[]),
    rule("x509-certificate", Observable, &[]),
];
