//! The strict check before publishing: what STIX 2.1 asks of an object, in messages for the person who must mend it.
//!
//! Strictness ends here. Nothing that arrives from a peer is refused for what this module refuses, since
//! [`crate::object`] alone decides there. Custom types are checked for the common properties only.

mod rules;
mod shape;

use std::fmt;

use crate::object::{Object, ObjectFault, Properties, quote};
use crate::timestamp;
use crate::tlp::Tlp;
use rules::{Family, Need, Rule};
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
    check_type(&object, rule)?;
    check_common(&object, rule)?;
    if let Some(rule) = rule {
        check_own(&object, rule)?;
    }
    check_order(&object, rule.is_some())?;
    check_definition(&object)?;
    Ok(object)
}

/// A TLP level is known by the standard's ids alone: one that defines itself would be read as no marking.
fn check_definition(object: &Object<'_>) -> Result<(), ObjectFault> {
    let defines_tlp = object.object_type() == "marking-definition"
        && object.text("definition_type").is_some_and(|kind| kind.eq_ignore_ascii_case("tlp"));
    if defines_tlp && Tlp::from_marking_id(object.id()).is_none() {
        return wrong(
            "definition_type",
            "is TLP, which has marking definitions of its own; refer to those of TLP 2.0",
        );
    }
    Ok(())
}

/// Checks every object of a file, given as their texts.
///
/// # Errors
/// The first object that [`validate`] refuses.
pub fn validate_all<'a>(objects: &[&'a str]) -> Result<Vec<Object<'a>>, FaultyObject> {
    let checked = objects.iter().enumerate().map(|(index, json)| {
        validate(json).map_err(|fault| FaultyObject { position: index + 1, about: about(json), fault })
    });
    checked.collect()
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

fn wrong<T>(property: &'static str, why: impl Into<String>) -> Result<T, ObjectFault> {
    Err(ObjectFault::Wrong(property, why.into()))
}

/// Type names by STIX 2.1, section 11.2: 3 to 250 of `a-z`, `0-9` and single hyphens, beginning with a letter.
fn check_type(object: &Object<'_>, rule: Option<&Rule>) -> Result<(), ObjectFault> {
    let name = object.object_type();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let named = (3..=250).contains(&name.len()) && name.bytes().all(plain);
    let sound = named && name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains("--");
    match (rule, name) {
        (_, "bundle") => wrong("type", "is bundle; a bundle can't stand inside a bundle"),
        (None, _) if !sound => wrong("type", format!("is {}; {NAME_RULE}", quote(name))),
        _ => Ok(()),
    }
}

const NAME_RULE: &str =
    "a type is named with 3 to 250 lower-case letters, digits and single hyphens, beginning with a letter";

fn check_common(object: &Object<'_>, rule: Option<&Rule>) -> Result<(), ObjectFault> {
    check_spec_version(object, rule)?;
    let family = rule.map(|rule| rule.family);
    let versioned = matches!(family, Some(Family::Domain | Family::Relationship));
    let created = versioned || family == Some(Family::Marking);
    require(object, created, "created", "it says when the object was made")?;
    require(object, versioned, "modified", "it says which version this is")?;
    for (property, shape) in rules::COMMON {
        check_shape(object, property, *shape)?;
    }
    Ok(())
}

fn require(
    object: &Object<'_>,
    required: bool,
    property: &'static str,
    why: &str,
) -> Result<(), ObjectFault> {
    match object.value(property) {
        None if required => Err(ObjectFault::Missing(property, why.to_owned())),
        _ => Ok(()),
    }
}

fn check_spec_version(object: &Object<'_>, rule: Option<&Rule>) -> Result<(), ObjectFault> {
    let required = rule.is_some_and(|rule| rule.family != Family::Observable);
    require(object, required, "spec_version", "it must be \"2.1\", the STIX version that is published here")?;
    match object.value("spec_version") {
        Some(value) if value != "\"2.1\"" => {
            wrong("spec_version", format!("is {}; it must be \"2.1\"", quote(value)))
        }
        _ => Ok(()),
    }
}

fn check_own(object: &Object<'_>, rule: &Rule) -> Result<(), ObjectFault> {
    for Need(property, shape, why) in rule.needs {
        require(object, true, property, why)?;
        check_shape(object, property, *shape)?;
    }
    for (properties, why) in rule.one_of {
        if !properties.iter().any(|property| object.value(property).is_some()) {
            return Err(ObjectFault::Missing(properties[0], (*why).to_owned()));
        }
    }
    let nameless_family = rule.name == "malware" && object.value("is_family") == Some("true");
    require(object, nameless_family, "name", "a malware family must have a name")
}

fn check_shape(object: &Object<'_>, property: &'static str, shape: Shape) -> Result<(), ObjectFault> {
    match object.value(property) {
        Some(value) if !shape.fits(value) => {
            wrong(property, format!("is {}; {}", quote(value), shape.rule()))
        }
        _ => Ok(()),
    }
}

/// Times that have an order; those other than the version's are known only where the standard's types have them.
fn check_order(object: &Object<'_>, is_standard: bool) -> Result<(), ObjectFault> {
    for order in rules::ORDERED.iter().filter(|order| is_standard || order.later == "modified") {
        let text = |property| object.text(property).unwrap_or_default();
        let (earlier, later) = (text(order.earlier), text(order.later));
        let pair = timestamp::micros(&earlier).zip(timestamp::micros(&later));
        let kept =
            pair.is_none_or(|(first, second)| if order.strictly { first < second } else { first <= second });
        if !kept {
            let than = if order.strictly { "is not after" } else { "is before" };
            return wrong(order.later, format!("({later}) {than} \"{}\" ({earlier})", order.earlier));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
