//! Adds a TLP marking to an object's text, and changes nothing else of it.

use crate::object::{Object, ObjectFault};
use crate::tlp::Tlp;

/// `json` with the TLP 2.0 marking of `tlp` added to `object_marking_refs`; nothing if the object's own marking already
/// names a TLP, or if it is a marking definition. The added text stands at the end of the list or, without one, of the
/// object.
///
/// # Errors
/// If `json` is no object, or its `object_marking_refs` no list.
pub fn mark(json: &str, tlp: Tlp) -> Result<Option<String>, ObjectFault> {
    let object = Object::read(json)?;
    if object.own_tlp().is_some() || object.object_type() == "marking-definition" {
        return Ok(None);
    }
    let marked = match object.value("object_marking_refs") {
        Some(refs) if refs.starts_with('[') => within(json, refs, tlp),
        Some(_) => return Err(ObjectFault::Wrong("object_marking_refs".into(), "must be a list".to_owned())),
        None => at_end(json, tlp),
    };
    Ok(Some(marked))
}

/// Adds the id to the list `refs`, a slice of `json`.
fn within(json: &str, refs: &str, tlp: Tlp) -> String {
    let end = refs.as_ptr() as usize - json.as_ptr() as usize + refs.len();
    let (before, after) = json.split_at(end - 1);
    let before_space = before.trim_end();
    let comma = if before_space.ends_with('[') { "" } else { "," };
    format!("{before_space}{comma}\"{}\"{}{after}", tlp.marking_id(), &before[before_space.len()..])
}

/// Adds the property before the closing brace.
fn at_end(json: &str, tlp: Tlp) -> String {
    let end = json.rfind('}').unwrap_or_default();
    let (before, after) = json.split_at(end);
    let before_space = before.trim_end();
    let space = &before[before_space.len()..];
    format!("{before_space},\"object_marking_refs\":[\"{}\"]{space}{after}", tlp.marking_id())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::mark;
    use crate::object::Object;
    use crate::tlp::Tlp;

    const HEAD: &str = r#""type":"tool","id":"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f""#;
    const GREEN: &str = "\"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb\"";

    #[test]
    fn adds_the_least() {
        for (before, after) in [
            (format!("{{{HEAD}}}"), format!("{{{HEAD},\"object_marking_refs\":[{GREEN}]}}")),
            (format!("{{{HEAD} \n}} "), format!("{{{HEAD},\"object_marking_refs\":[{GREEN}] \n}} ")),
            (
                format!("{{ \"object_marking_refs\" : [ ], {HEAD}}}"),
                format!("{{ \"object_marking_refs\" : [{GREEN} ], {HEAD}}}"),
            ),
            (
                format!("{{{HEAD},\"object_marking_refs\":[\"x\" ]}}"),
                format!("{{{HEAD},\"object_marking_refs\":[\"x\",{GREEN} ]}}"),
            ),
        ] {
            let marked = mark(&before, Tlp::Green).unwrap().unwrap();
            assert_eq!(marked, after);
            assert_eq!(Object::read(&marked).unwrap().tlp(), Tlp::Green);
            assert_eq!(mark(&marked, Tlp::Red).unwrap(), None);
        }
    }

    #[test]
    fn leaves_markings_and_refuses_what_it_cannot_mark() {
        assert_eq!(mark(Tlp::Red.marking_definition(), Tlp::Green).unwrap(), None);
        assert!(mark(&format!("{{{HEAD},\"object_marking_refs\":\"x\"}}"), Tlp::Green).is_err());
        assert!(mark("{}", Tlp::Green).is_err());
    }

    proptest! {
        #[test]
        fn changes_nothing_else(
            name in ".{0,20}",
            spaces in "[ \n\t]{0,3}",
            refs in prop::option::of(prop::collection::vec("[a-z\\]}\"]{0,5}", 0..3)),
        ) {
            let mut json = format!("{spaces}{{{HEAD}{spaces},\"name\":{}", serde_json::to_string(&name).unwrap());
            if let Some(refs) = &refs {
                json.push_str(&format!(",\"object_marking_refs\":{spaces}{}", serde_json::to_string(refs).unwrap()));
            }
            json.push_str(&format!("{spaces}}}{spaces}"));
            let marked = mark(&json, Tlp::Red).unwrap().unwrap();
            let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            let (mut before, mut after) = (parsed(&json), parsed(&marked));
            let mut expected: Vec<Value> = refs.unwrap_or_default().into_iter().map(Value::from).collect();
            expected.push(Tlp::Red.marking_id().into());
            prop_assert_eq!(after["object_marking_refs"].take(), Value::from(expected));
            before["object_marking_refs"] = Value::Null;
            prop_assert_eq!(before, after);
        }
    }
}
