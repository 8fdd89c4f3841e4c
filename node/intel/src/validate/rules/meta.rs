//! Meta objects (section 7).

use super::super::form;
use super::super::reference::Refers;
use super::super::shape::{Body, Need, Shape};
use super::Family::{Marking, Meta};
use super::{Rule, TEXTS};
use Shape::{Anything, Dictionary, Form, Id, List, OneOf, String, Text, Time};

/// Section 10.5.
pub(super) const EXTENSION_TYPES: &[&str] =
    &["new-sdo", "new-sco", "new-sro", "property-extension", "toplevel-property-extension"];

pub(super) static RULES: &[Rule] = &[
    Rule::new(
        "language-content",
        Meta,
        Body {
            needs: &[
                Need("object_ref", Id(Refers::Translated), "it names the object that is translated"),
                Need("contents", Dictionary(&Dictionary(&Anything)), "it holds the translation"),
            ],
            knows: &[("object_modified", Time)],
            one_of: &[],
        },
    ),
    Rule::new(
        "extension-definition",
        Meta,
        Body {
            needs: &[
                Need("created_by_ref", Id(Refers::To(&["identity"])), "it names who made the extension"),
                Need("name", Text, "it is what people call the extension"),
                Need("schema", Text, "it says what the extension looks like"),
                Need("version", Form(&form::VERSION), "it tells this version of the extension from others"),
                Need("extension_types", List(&OneOf(EXTENSION_TYPES)), "it says what the extension extends"),
            ],
            knows: &[("description", String), ("extension_properties", TEXTS)],
            one_of: &[],
        },
    ),
    Rule::new(
        "marking-definition",
        Marking,
        Body {
            needs: &[],
            knows: &[("name", String), ("definition_type", Text), ("definition", Dictionary(&Anything))],
            one_of: &[(
                &["definition", "extensions"],
                "a marking definition must have a definition or an extension",
            )],
        },
    ),
];
