//! Rules that no single property can keep: what excludes, asks for or follows from something else.

use super::form;
use super::place::Place;
use super::rules::{self, Order};
use super::shape::items;
use crate::object::{Object, ObjectFault, Properties, quote, type_of_id, uuid_version};
use crate::pattern;
use crate::tlp::Tlp;
use crate::{json, timestamp};

type Checked = Result<(), ObjectFault>;

fn wrong(property: &str, why: impl Into<String>) -> Checked {
    Err(Place::Object.property(property).wrong(why))
}

fn missing(property: &str, why: &str) -> Checked {
    Err(Place::Object.property(property).missing(why))
}

/// The rules of one type.
pub(super) fn check(object: &Object<'_>) -> Checked {
    let has = |property| object.value(property).is_some();
    let is = |property, value| object.value(property) == Some(value);
    match object.object_type() {
        "indicator" => check_pattern(object),
        "malware" if is("is_family", "true") && !has("name") => {
            missing("name", "a malware family must have a name")
        }
        "location" => check_location(object),
        "observed-data" => check_observed(object),
        "artifact" if has("url") && has("payload_bin") => {
            wrong("url", "stands beside payload_bin; an artifact has one of them")
        }
        "artifact" if has("url") && !has("hashes") => missing("hashes", "they tell what is behind the url"),
        "artifact" if has("decryption_key") && !has("encryption_algorithm") => {
            missing("encryption_algorithm", "it says what the decryption_key is for")
        }
        "email-message" if is("is_multipart", "true") && has("body") => {
            wrong("body", "stands in a message of several parts; body_multipart is its place")
        }
        "email-message" if is("is_multipart", "false") && has("body_multipart") => {
            wrong("body_multipart", "stands in a message that has only one part; body is its place")
        }
        "network-traffic" if is("is_active", "true") && has("end") => {
            wrong("end", "stands beside \"is_active\": true; what goes on has not ended")
        }
        "process" if uuid_version(object.id()) != Some('4') => {
            wrong("id", "must have a random UUID (version 4), since nothing tells one process from another")
        }
        "process" | "user-account" | "windows-registry-key" | "x509-certificate" => {
            check_own_property(object)
        }
        "extension-definition" => check_definition(object),
        "marking-definition" => check_marking(object),
        _ => Ok(()),
    }
}

fn check_pattern(object: &Object<'_>) -> Checked {
    let text = object.text("pattern").filter(|_| object.text("pattern_type").as_deref() == Some("stix"));
    match text.as_deref().map(pattern::parse) {
        Some(Err(fault)) => wrong("pattern", format!("is no STIX pattern: {fault}")),
        _ => Ok(()),
    }
}

fn check_location(object: &Object<'_>) -> Checked {
    let has = |property| object.value(property).is_some();
    match (has("latitude"), has("longitude"), has("precision")) {
        (true, false, _) => missing("longitude", "a latitude must have one beside it"),
        (false, true, _) => missing("latitude", "a longitude must have one beside it"),
        (false, false, true) => missing("latitude", "a precision must say of what"),
        _ => Ok(()),
    }
}

fn check_observed(object: &Object<'_>) -> Checked {
    if object.value("objects").is_some() && object.value("object_refs").is_some() {
        return wrong("objects", "stands beside object_refs; observed data has one of them");
    }
    let mut observables = object.value("objects").is_some();
    json::strings(object.value("object_refs").unwrap_or_default(), |id| {
        observables |= !matches!(type_of_id(&id), Some("relationship" | "sighting"));
    });
    match observables {
        true => Ok(()),
        false => wrong("object_refs", "names no observable; observed data must name at least one"),
    }
}

/// Observables of which no property is required must have at least one.
fn check_own_property(object: &Object<'_>) -> Checked {
    let body = rules::of(object.object_type()).map(|rule| &rule.body);
    let own = |name: &str| name == "extensions" || body.is_some_and(|body| body.shape(name).is_some());
    if object.properties().iter().any(|(name, _)| own(name)) {
        return Ok(());
    }
    let first = body.and_then(|body| body.knows.first()).map_or("extensions", |(name, _)| name);
    missing(first, "this or another of the type's own properties must be there")
}

fn check_definition(object: &Object<'_>) -> Checked {
    let mut extends = false;
    json::strings(object.value("extension_types").unwrap_or_default(), |kind| {
        extends |= kind == "toplevel-property-extension";
    });
    match object.value("extension_properties") {
        Some(_) if !extends => {
            wrong("extension_properties", "is for the extension type toplevel-property-extension alone")
        }
        _ => Ok(()),
    }
}

/// A TLP level is known by the standard's ids alone: one that defines itself would be read as no marking.
fn check_marking(object: &Object<'_>) -> Checked {
    let kind = object.text("definition_type");
    let defines_tlp = kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("tlp"));
    if defines_tlp && Tlp::from_marking_id(object.id()).is_none() {
        return wrong(
            "definition_type",
            "is TLP, which has marking definitions of its own; refer to those of TLP 2.0",
        );
    }
    match (kind.as_deref(), object.value("definition")) {
        (None, Some(_)) => return missing("definition_type", "it says how the definition is read"),
        (Some(_), None) => return missing("definition", "it is the marking of the definition_type"),
        (Some("statement"), Some(definition)) => {
            let statement = Properties::read(definition)?.text("statement").is_some();
            if !statement {
                return missing("definition.statement", "it is what the marking states");
            }
        }
        _ => {}
    }
    let mut marks_itself = false;
    json::strings(object.value("object_marking_refs").unwrap_or_default(), |id| {
        marks_itself |= id == object.id()
    });
    if marks_itself {
        wrong("object_marking_refs", "refers to this marking definition itself")
    } else {
        Ok(())
    }
}

/// Ids that have a form of their own (sections 4.1.1 and 4.19.1).
pub(super) fn check_references(object: &Object<'_>) -> Checked {
    let Some(references) = object.value("external_references") else {
        return Ok(());
    };
    let place = Place::Object.property("external_references");
    items(&place, references, &mut |place, reference| {
        let properties = Properties::read(reference)?;
        let (form, why) = match properties.text("source_name").as_deref() {
            Some("cve") => (&form::CVE, "a reference to cve names one"),
            Some("capec") => (&form::CAPEC, "a reference to capec names an entry"),
            _ => return Ok(()),
        };
        let place = place.property("external_id");
        match properties.text("external_id") {
            None => Err(place.missing(why)),
            Some(id) if !(form.fits)(&id) => {
                Err(place.wrong(format!("is {}; it must be {}", quote(&id), form.rule)))
            }
            Some(_) => Ok(()),
        }
    })
}

/// Times that have an order; those other than the version's are known only where the standard's types have them.
pub(super) fn check_order(object: &Object<'_>, is_standard: bool) -> Checked {
    for Order { earlier, later, strictly } in
        rules::ORDERED.iter().filter(|order| is_standard || order.later == "modified")
    {
        let text = |property| object.text(property).unwrap_or_default();
        let (first, second) = (text(earlier), text(later));
        let pair = timestamp::micros(&first).zip(timestamp::micros(&second));
        let kept =
            pair.is_none_or(|(first, second)| if *strictly { first < second } else { first <= second });
        if !kept {
            let than = if *strictly { "is not after" } else { "is before" };
            return wrong(later, format!("({second}) {than} \"{earlier}\" ({first})"));
        }
    }
    Ok(())
}
