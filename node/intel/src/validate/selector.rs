//! Granular markings (STIX 2.1, section 7.2.3): each marks something that is there, in one way.

use std::borrow::Cow;

use super::place::Place;
use super::shape::items;
use crate::json;
use crate::object::{Object, ObjectFault, Properties, quote};

/// How far selectors are followed in all: their number times the object's length in bytes.
const MAX_STEPS: usize = 64 * 1024 * 1024;

/// Checks granular markings, whose shape is right.
pub(super) fn check(object: &Object<'_>) -> Result<(), ObjectFault> {
    let Some(markings) = object.value("granular_markings") else {
        return Ok(());
    };
    let mut followed = 0_usize;
    items(&Place::Object.property("granular_markings"), markings, &mut |place, marking| {
        let properties = Properties::read(marking)?;
        if properties.get("lang").is_some() && properties.get("marking_ref").is_some() {
            return Err(place
                .property("lang")
                .wrong("stands beside marking_ref; a granular marking has one of them"));
        }
        if properties.text("marking_ref").is_some_and(|id| id == object.id()) {
            return Err(place.property("marking_ref").wrong("refers to this marking definition itself"));
        }
        let selectors = properties.get("selectors").unwrap_or_default();
        items(&place.property("selectors"), selectors, &mut |place, selector| {
            followed += object.json().len();
            if followed > MAX_STEPS {
                return Err(place.wrong("is more than can be followed in an object of this length"));
            }
            let selector = json::string(selector).unwrap_or_default();
            match resolves(object, &selector) {
                true => Ok(()),
                false => {
                    Err(place.wrong(format!("is {}, which selects nothing of the object", quote(&selector))))
                }
            }
        })
    })
}

/// Whether `selector`, such as `labels.[0]` or `extensions.x.y`, leads to something in the object.
fn resolves(object: &Object<'_>, selector: &str) -> bool {
    let mut steps = selector.split('.');
    let mut value = object.value(steps.next().unwrap_or_default());
    for step in steps {
        value = value.and_then(|value| inner(value, step));
    }
    value.is_some()
}

fn inner<'v>(value: &'v str, step: &str) -> Option<&'v str> {
    let index = step.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match index {
        Some(index) => item(value, index.parse().ok()?),
        None => property(value, step),
    }
}

fn item(list: &str, index: usize) -> Option<&str> {
    let (mut place, mut found) = (0_usize, None);
    let _ = json::for_each_item(list, |item| {
        found = (place == index).then_some(item);
        place += 1;
        if found.is_some() { Err(std::string::String::new()) } else { Ok(()) }
    });
    found
}

fn property<'v>(object: &'v str, wanted: &str) -> Option<&'v str> {
    let mut found = None;
    let _ = json::for_each_property(object, |name: Cow<'_, str>, value| {
        found = found.or((name == wanted).then_some(value));
        Ok(())
    });
    found
}
