//! Domain objects (section 4).

use super::super::form;
use super::super::reference::Refers;
use super::super::shape::{Body, Need, Shape};
use super::Family::Domain;
use super::{PHASES, Rule, TEXTS};
use Shape::{Bool, Count, Dictionary, Form, Id, List, Number, OneOf, Parts, String, Text, Time};

const NAME: Need = Need("name", Text, "it is what people call this");
const OBJECT_REFS: Need =
    Need("object_refs", List(&Id(Refers::Any)), "it names the objects that this is about");
const SOFTWARE: Shape = Id(Refers::To(&["software"]));

pub(super) static RULES: &[Rule] = &[
    Rule::new(
        "attack-pattern",
        Domain,
        Body {
            needs: &[NAME],
            knows: &[("description", String), ("aliases", TEXTS), ("kill_chain_phases", PHASES)],
            one_of: &[],
        },
    ),
    Rule::new(
        "campaign",
        Domain,
        Body {
            needs: &[NAME],
            knows: &[
                ("description", String),
                ("aliases", TEXTS),
                ("first_seen", Time),
                ("last_seen", Time),
                ("objective", String),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "course-of-action",
        Domain,
        Body { needs: &[NAME], knows: &[("description", String)], one_of: &[] },
    ),
    Rule::new(
        "grouping",
        Domain,
        Body {
            needs: &[Need("context", Text, "a grouping must say what its objects share"), OBJECT_REFS],
            knows: &[("name", String), ("description", String)],
            one_of: &[],
        },
    ),
    Rule::new(
        "identity",
        Domain,
        Body {
            needs: &[NAME],
            knows: &[
                ("description", String),
                ("roles", TEXTS),
                ("identity_class", String),
                ("sectors", TEXTS),
                ("contact_information", String),
            ],
            one_of: &[],
        },
    ),
    Rule::new("incident", Domain, Body { needs: &[NAME], knows: &[("description", String)], one_of: &[] }),
    Rule::new(
        "indicator",
        Domain,
        Body {
            needs: &[
                Need("pattern", Text, "an indicator must say what to look for"),
                Need(
                    "pattern_type",
                    Text,
                    "an indicator must say in which language its pattern is, such as stix",
                ),
                Need("valid_from", Time, "an indicator must say from when it is valid"),
            ],
            knows: &[
                ("name", String),
                ("description", String),
                ("indicator_types", TEXTS),
                ("pattern_version", String),
                ("kill_chain_phases", PHASES),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "infrastructure",
        Domain,
        Body {
            needs: &[NAME],
            knows: &[
                ("description", String),
                ("infrastructure_types", TEXTS),
                ("aliases", TEXTS),
                ("kill_chain_phases", PHASES),
                ("first_seen", Time),
                ("last_seen", Time),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "intrusion-set",
        Domain,
        Body {
            needs: &[NAME],
            knows: &[
                ("description", String),
                ("aliases", TEXTS),
                ("first_seen", Time),
                ("last_seen", Time),
                ("goals", TEXTS),
                ("resource_level", String),
                ("primary_motivation", String),
                ("secondary_motivations", TEXTS),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "location",
        Domain,
        Body {
            needs: &[],
            knows: &[
                ("name", String),
                ("description", String),
                ("latitude", Number(-90.0, 90.0)),
                ("longitude", Number(-180.0, 180.0)),
                ("precision", Number(0.0, f64::MAX)),
                ("region", String),
                ("country", String),
                ("administrative_area", String),
                ("city", String),
                ("street_address", String),
                ("postal_code", String),
            ],
            one_of: &[(
                &["region", "country", "latitude"],
                "a location must have a region, a country, or a latitude and longitude",
            )],
        },
    ),
    Rule::new(
        "malware",
        Domain,
        Body {
            needs: &[Need("is_family", Bool, "malware must say whether it is a family or one sample")],
            knows: &[
                ("name", String),
                ("description", String),
                ("malware_types", TEXTS),
                ("aliases", TEXTS),
                ("kill_chain_phases", PHASES),
                ("first_seen", Time),
                ("last_seen", Time),
                ("operating_system_refs", List(&SOFTWARE)),
                ("architecture_execution_envs", TEXTS),
                ("implementation_languages", TEXTS),
                ("capabilities", TEXTS),
                ("sample_refs", List(&Id(Refers::To(&["artifact", "file"])))),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "malware-analysis",
        Domain,
        Body {
            needs: &[Need("product", Text, "a malware analysis must say what made it")],
            knows: &[
                ("version", String),
                ("host_vm_ref", SOFTWARE),
                ("operating_system_ref", SOFTWARE),
                ("installed_software_refs", List(&SOFTWARE)),
                ("configuration_version", String),
                ("modules", TEXTS),
                ("analysis_engine_version", String),
                ("analysis_definition_version", String),
                ("submitted", Time),
                ("analysis_started", Time),
                ("analysis_ended", Time),
                ("result_name", String),
                ("result", String),
                ("analysis_sco_refs", List(&Id(Refers::Observable))),
                ("sample_ref", Id(Refers::To(&["artifact", "file", "network-traffic"]))),
            ],
            one_of: &[(
                &["result", "analysis_sco_refs"],
                "a malware analysis must have a result or analysis_sco_refs",
            )],
        },
    ),
    Rule::new(
        "note",
        Domain,
        Body {
            needs: &[Need("content", Text, "a note must say something"), OBJECT_REFS],
            knows: &[("abstract", String), ("authors", TEXTS)],
            one_of: &[],
        },
    ),
    Rule::new(
        "observed-data",
        Domain,
        Body {
            needs: &[
                Need("first_observed", Time, "observed data must say since when it was observed"),
                Need("last_observed", Time, "observed data must say until when it was observed"),
                Need(
                    "number_observed",
                    Count(1, 999_999_999),
                    "observed data must say how often it was observed",
                ),
            ],
            knows: &[
                ("objects", Dictionary(&Parts(&CONTAINED))),
                ("object_refs", List(&Id(Refers::Observed))),
            ],
            one_of: &[(
                &["object_refs", "objects"],
                "observed data must name the objects that were observed",
            )],
        },
    ),
    Rule::new(
        "opinion",
        Domain,
        Body {
            needs: &[
                Need(
                    "opinion",
                    OneOf(&["strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"]),
                    "an opinion must say what it is",
                ),
                OBJECT_REFS,
            ],
            knows: &[("explanation", String), ("authors", TEXTS)],
            one_of: &[],
        },
    ),
    Rule::new(
        "report",
        Domain,
        Body {
            needs: &[
                Need("name", Text, "a report must have a title"),
                Need("published", Time, "a report must say when it was published"),
                OBJECT_REFS,
            ],
            knows: &[("description", String), ("report_types", TEXTS)],
            one_of: &[],
        },
    ),
    Rule::new(
        "threat-actor",
        Domain,
        Body {
            needs: &[NAME],
            knows: &[
                ("description", String),
                ("threat_actor_types", TEXTS),
                ("aliases", TEXTS),
                ("first_seen", Time),
                ("last_seen", Time),
                ("roles", TEXTS),
                ("goals", TEXTS),
                ("sophistication", String),
                ("resource_level", String),
                ("primary_motivation", String),
                ("secondary_motivations", TEXTS),
                ("personal_motivations", TEXTS),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "tool",
        Domain,
        Body {
            needs: &[NAME],
            knows: &[
                ("description", String),
                ("tool_types", TEXTS),
                ("aliases", TEXTS),
                ("kill_chain_phases", PHASES),
                ("tool_version", String),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "vulnerability",
        Domain,
        Body { needs: &[NAME], knows: &[("description", String)], one_of: &[] },
    ),
];

/// An observable within observed data, as versions before 2.1 have it (section 4.14): known by keys of that data.
static CONTAINED: Body = Body {
    needs: &[Need("type", Text, "it says what kind of object this is")],
    knows: &[("value", Text), ("created", Time), ("lang", Form(&form::LANGUAGE))],
    one_of: &[],
};
