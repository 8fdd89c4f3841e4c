//! What an id may refer to, by the type that it begins with. Custom types may stand wherever no type is named.

use super::rules::{self, Family};

/// The rule for one property that refers to an object.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refers {
    /// Any object.
    Any,
    /// An object of one of these types.
    To(&'static [&'static str]),
    /// What a relationship can join: a domain object or an observable.
    Joined,
    /// What can be sighted: a domain object.
    Sighted,
    /// What can be observed: an observable, or what ties observables together.
    Observed,
    /// An observable.
    Observable,
    /// What can be translated.
    Translated,
}

impl Refers {
    /// Whether an id of this type may stand here.
    pub(super) fn allows(self, object_type: &str) -> bool {
        use Family::{Domain, Observable, Relationship};
        let family = rules::of(object_type).map(|rule| rule.family);
        let one_of = |families: &[Family]| family.is_none_or(|family| families.contains(&family));
        let is_bundle = object_type == "bundle";
        match self {
            Refers::Any => !is_bundle,
            Refers::To(types) => types.contains(&object_type),
            Refers::Joined => !is_bundle && one_of(&[Domain, Observable]),
            Refers::Sighted => !is_bundle && one_of(&[Domain]),
            Refers::Observed => !is_bundle && one_of(&[Observable, Relationship]),
            Refers::Observable => !is_bundle && one_of(&[Observable]),
            Refers::Translated => !is_bundle && object_type != "language-content",
        }
    }

    /// Completes "it must be …".
    pub(super) fn rule(self) -> String {
        match self {
            Refers::Any => "the id of an object: a type, two hyphens and a UUID".to_owned(),
            Refers::To(types) => format!("an id that begins with {}--", types.join("--, ")),
            Refers::Joined => {
                "the id of a domain object or an observable, not of a relationship, sighting or marking"
                    .to_owned()
            }
            Refers::Sighted => "the id of a domain object, such as an indicator or malware".to_owned(),
            Refers::Observed => "the id of an observable, or of a relationship or sighting".to_owned(),
            Refers::Observable => "the id of an observable, such as a file".to_owned(),
            Refers::Translated => "the id of an object that is no translation itself".to_owned(),
        }
    }
}
