//! Turns a file into objects that may be published, or says what is wrong with the first that may not. What is made of
//! values passes the same checks.

use std::collections::BTreeMap;

use certmesh_intel::display::safe;
use certmesh_intel::{Object, Tlp, bundle, mark, validate};

use crate::error::CommandError;

/// The strictest marking that may go to every member's CERT.
const STRICTEST: Tlp = Tlp::Amber;

const EXPECTED: &str = "publish a STIX 2.1 bundle, or one STIX 2.1 object, as JSON in UTF-8";

/// A file that may be published.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The exact texts to publish, in the order of the file.
    pub(super) objects: Vec<String>,
    /// Objects without a TLP marking of their own, which count as AMBER.
    pub(super) unmarked: u64,
    /// How many objects there are of each marking.
    pub(super) levels: BTreeMap<Tlp, u64>,
}

/// Reads a bundle or an object, marks what is unmarked if `tlp` asks for it, and checks every object.
pub(super) fn prepare(bytes: &[u8], tlp: Option<Tlp>) -> Result<Prepared, CommandError> {
    let text = std::str::from_utf8(bytes).map_err(|fault| {
        CommandError::refused(format_args!("not text in UTF-8: byte {} is not", fault.valid_up_to() + 1))
            .hint(EXPECTED)
    })?;
    let found = bundle::read(text).map_err(|fault| CommandError::refused(fault).hint(EXPECTED))?;
    let objects = match tlp {
        Some(tlp) => marked(&found, tlp)?,
        None => found.into_iter().map(ToOwned::to_owned).collect(),
    };
    checked(objects)
}

/// Checks every object.
pub(super) fn checked(objects: Vec<String>) -> Result<Prepared, CommandError> {
    let texts: Vec<_> = objects.iter().map(String::as_str).collect();
    let read = validate::validate_all(&texts).map_err(|fault| {
        CommandError::refused(fault).hint("nothing was published; correct the object, or leave it out")
    })?;
    let levels = levels(&read)?;
    let unmarked = read.iter().filter(|object| is_unmarked(object)).count() as u64;
    drop(read);
    Ok(Prepared { objects, unmarked, levels })
}

fn marked(texts: &[&str], tlp: Tlp) -> Result<Vec<String>, CommandError> {
    let mark = |(at, text): (usize, &&str)| match mark::mark(text, tlp) {
        Ok(marked) => Ok(marked.unwrap_or_else(|| (*text).to_owned())),
        Err(fault) => Err(CommandError::refused(format_args!("object {}: {fault}", at + 1))
            .hint("nothing was published; correct the object, or leave it out")),
    };
    texts.iter().enumerate().map(mark).collect()
}

fn levels(objects: &[Object<'_>]) -> Result<BTreeMap<Tlp, u64>, CommandError> {
    let mut levels = BTreeMap::new();
    for (at, object) in objects.iter().enumerate() {
        let tlp = object.tlp();
        if tlp > STRICTEST {
            return Err(too_strict(at + 1, object, tlp));
        }
        *levels.entry(tlp).or_default() += 1;
    }
    Ok(levels)
}

fn too_strict(position: usize, object: &Object<'_>, tlp: Tlp) -> CommandError {
    let (id, tlp) = (safe(object.id(), 256), tlp.to_string().to_uppercase());
    CommandError::refused(format_args!(
        "object {position} ({id}) is TLP:{tlp}: what is published goes to every member's CERT, further than that allows"
    ))
    .hint("nothing was published; share it another way, or ask its author for a lower marking")
}

fn is_unmarked(object: &Object<'_>) -> bool {
    object.own_tlp().is_none() && object.object_type() != "marking-definition"
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";

    fn domain(more: &str) -> String {
        format!(r#"{{"type":"domain-name","id":"domain-name--{ID}","value":"a.example"{more}}}"#)
    }

    fn marked_with(tlp: Tlp) -> String {
        domain(&format!(r#","object_marking_refs":["{}"]"#, tlp.marking_id()))
    }

    fn bundle(objects: &[String]) -> String {
        format!(r#"{{"type":"bundle","id":"bundle--{ID}","objects":[{}]}}"#, objects.join(",\n  "))
    }

    #[test]
    fn keeps_what_it_is_not_asked_to_mark() {
        let objects = [domain(" "), marked_with(Tlp::Green)];
        let prepared = prepare(bundle(&objects).as_bytes(), None).unwrap();
        assert_eq!(prepared.objects, objects);
        assert_eq!(prepared.unmarked, 1);
        assert_eq!(prepared.levels, BTreeMap::from([(Tlp::Green, 1), (Tlp::Amber, 1)]));
        let prepared = prepare(bundle(&objects).as_bytes(), Some(Tlp::Clear)).unwrap();
        assert_eq!((prepared.unmarked, &prepared.objects[1]), (0, &objects[1]));
        assert_eq!(prepared.levels, BTreeMap::from([(Tlp::Clear, 1), (Tlp::Green, 1)]));
    }

    #[test]
    fn refuses_the_file_for_one_object() {
        for (object, words) in [
            (
                marked_with(Tlp::Red),
                "object 2 (domain-name--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f) is TLP:RED",
            ),
            (marked_with(Tlp::AmberStrict), "is TLP:AMBER+STRICT"),
            (r#"{"type":"indicator"}"#.to_owned(), "object 2"),
        ] {
            let fault = prepare(bundle(&[domain(""), object]).as_bytes(), None).unwrap_err();
            assert!(format!("{fault:?}").contains(words), "{fault:?}");
        }
        for bytes in [&b"\xff"[..], b"", b"{}", b"[]", b"no"] {
            assert!(prepare(bytes, None).is_err(), "{bytes:?}");
        }
    }
}
