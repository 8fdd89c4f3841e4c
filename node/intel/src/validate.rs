//! The strict check before publishing: the MUSTs of STIX 2.1, in messages for the person who must mend the object.
//!
//! Strictness ends here. Nothing that arrives from a peer is refused for what this module refuses, since
//! [`crate::object`] alone decides there. Custom types are checked for the common properties only, open vocabularies not
//! at all, and whether an id leads to an object is nobody's to say.
//!
//! [`rules`] are the standard's tables of properties, [`shape`] and [`form`] what one property can be asked to be,
//! [`reference`] what an id may lead to, [`between`] and [`selector`] the rules between properties. One MUST is left to
//! whoever writes: `created` and `modified` are taken without milliseconds, as people and small tools write them, since
//! that is the same moment to every reader.

mod between;
mod form;
mod place;
mod reference;
mod rules;
mod selector;
mod shape;

use std::fmt;

use crate::object::{Object, ObjectFault, Properties, has_uuid, quote};
use place::Place;
use rules::{Family, Rule};
use shape::Shape;

/// An object of a file that can't be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("object {position}{}: {fault}", About(about))]
pub struct FaultyObject {
    /// Its place in the file, from 1.
    pub position: usize,
    /// Its id or, without one, its type; safe to show.
    pub about: Option<String>,
    /// What is wrong with it.
    pub fault: ObjectFault,
}

/// Checks one object.
///
/// # Errors
/// The first rule that it breaks.
pub fn validate(json: &str) -> Result<Object<'_>, ObjectFault> {
    let object = Object::read(json)?;
    let rule = rules::of(object.object_type());
    check_identity(&object, rule)?;
    check_presence(&object, rule)?;
    for (name, value) in object.properties().iter() {
        check_property(&object, rule, name, value)?;
    }
    between::check(&object)?;
    between::check_references(&object)?;
    between::check_order(&object, rule.is_some())?;
    selector::check(&object)?;
    Ok(object)
}

/// Checks every object of a file, given as their texts.
///
/// # Errors
/// The first object that [`validate`] refuses.
pub fn validate_all<'a>(objects: &[&'a str]) -> Result<Vec<Object<'a>>, FaultyObject> {
    objects.iter().enumerate().map(|(index, json)| validate_at(index + 1, json)).collect()
}

/// Checks the object that stands at `position`, from 1, of a file.
///
/// # Errors
/// As [`validate`], with what a person finds the object by.
pub fn validate_at(position: usize, json: &str) -> Result<Object<'_>, FaultyObject> {
    validate(json).map_err(|fault| FaultyObject { position, about: about(json), fault })
}

/// The types that the standard has.
pub fn types() -> impl Iterator<Item = &'static str> {
    rules::all().map(|rule| rule.name)
}

struct About<'a>(&'a Option<String>);

impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |about| write!(f, " ({about})"))
    }
}

/// What a person would recognise a faulty object by.
fn about(json: &str) -> Option<String> {
    let properties = Properties::read(json).ok()?;
    let text = properties.text("id").or_else(|| properties.text("type"))?;
    Some(crate::display::safe(&text, 100))
}

fn wrong<T>(property: &str, why: impl Into<String>) -> Result<T, ObjectFault> {
    Err(Place::Object.property(property).wrong(why))
}

/// Type names by STIX 2.1, section 11.2: 3 to 250 of `a-z`, `0-9` and single hyphens, beginning with a letter; ids by
/// section 2.9.
fn check_identity(object: &Object<'_>, rule: Option<&Rule>) -> Result<(), ObjectFault> {
    let name = object.object_type();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let named = (3..=250).contains(&name.len()) && name.bytes().all(plain);
    let sound = named && name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains("--");
    match (rule, name) {
        (_, "bundle") => wrong("type", "is bundle; a bundle can't stand inside a bundle"),
        (None, _) if !sound => wrong("type", format!("is {}; {NAME_RULE}", quote(name))),
        (None, name) if rules::RESERVED.contains(&name) => {
            wrong("type", format!("is {name}, which the standard keeps for itself"))
        }
        _ if !has_uuid(object.id()) => wrong("id", format!("is {}; {UUID_RULE}", quote(object.id()))),
        _ => Ok(()),
    }
}

const NAME_RULE: &str =
    "a type is named with 3 to 250 lower-case letters, digits and single hyphens, beginning with a letter";
const UUID_RULE: &str =
    "its UUID must be one of RFC 4122: the third group begins with 1 to 5, the fourth with 8, 9, a or b";
fn check_presence(object: &Object<'_>, rule: Option<&Rule>) -> Result<(), ObjectFault> {
    let family = rule.map(|rule| rule.family);
    let versioned = matches!(family, Some(Family::Domain | Family::Relationship | Family::Meta));
    let made = versioned || family == Some(Family::Marking);
    for (required, property, why) in [
        (made, "spec_version", "it must be \"2.1\", the STIX version that is published here"),
        (made, "created", "it says when the object was made"),
        (versioned, "modified", "it says which version this is"),
    ] {
        if required && object.value(property).is_none() {
            return Err(Place::Object.property(property).missing(why));
        }
    }
    rule.map_or(Ok(()), |rule| rule.body.check_presence(&Place::Object, object.properties()))
}

fn check_property(
    object: &Object<'_>,
    rule: Option<&'static Rule>,
    name: &str,
    value: &str,
) -> Result<(), ObjectFault> {
    let place = Place::Object.property(name);
    match name {
        "type" | "id" => return Ok(()),
        "spec_version" if value == "\"2.1\"" => return Ok(()),
        "spec_version" => return Err(place.wrong(format!("is {}; it must be \"2.1\"", quote(value)))),
        "extensions" => return check_extensions(object, &place, value),
        // What is defanged has no other form (section 6.1); readers refang it.
        "value" if object.value("defanged") == Some("true") => return Shape::Text.check(&place, value),
        _ => {}
    }
    let own = rule.and_then(|rule| rule.body.shape(name));
    match own.or_else(|| rules::COMMON.shape(name)) {
        Some(shape) => shape.check(&place, value),
        None => shape::check_custom(&place, name, value),
    }
}

fn check_extensions(object: &Object<'_>, place: &Place<'_>, value: &str) -> Result<(), ObjectFault> {
    shape::dictionary(place, value, &mut |place, key, value| {
        let sound = !key.starts_with("extension-definition--") || has_uuid(key);
        match rules::predefined(object.object_type(), key).filter(|_| sound) {
            Some(shape) => shape.check(place, value),
            None => {
                Err(place
                    .wrong("is no extension; a key is the id of an extension-definition, or ends in -ext"))
            }
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
