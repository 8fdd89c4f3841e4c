//! Turns a file into objects that may be published, or says what is wrong with the first that may not. What is made of
//! values passes the same checks.
//!
//! A file is read piece by piece and its objects are checked one by one, so that no file costs memory: the first thing
//! that is wrong ends the reading.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use certmesh_intel::bundle::{BundleFault, Cut, Cutter};
use certmesh_intel::display::safe;
use certmesh_intel::{Object, Tlp, mark, validate};
use certmesh_wire::limits::RAW_BODY_BYTES;

use super::split;
use super::texts::Texts;
use crate::error::CommandError;
use crate::file;
use crate::progress::Progress;
use crate::table::count;

/// The strictest marking that may go to every member's CERT.
const STRICTEST: Tlp = Tlp::Amber;
/// The longest file that is read, in bytes.
const FILE_BYTES: u64 = 1024 * 1024 * 1024;
/// How much is read at a time.
const PIECE_BYTES: usize = 64 * 1024;

const EXPECTED: &str = "publish a STIX 2.1 bundle, or one STIX 2.1 object, as JSON in UTF-8";
const CORRECT: &str = "nothing was published; correct the object, or leave it out";

/// Objects that may be published.
pub(super) struct Prepared {
    /// The exact texts to publish, in the order of the file.
    pub(super) objects: Texts,
    /// Objects without a TLP marking of their own, which count as AMBER.
    pub(super) unmarked: u64,
    /// How many objects there are of each marking.
    pub(super) levels: BTreeMap<Tlp, u64>,
}

/// Reads a bundle or an object, marks what is unmarked if `tlp` asks for it, and checks every object.
pub(super) fn read_file(path: &Path, tlp: Option<Tlp>) -> Result<Prepared, CommandError> {
    let (from, length) = file::open(path, FILE_BYTES)?;
    let progress = Progress::of_bytes(length);
    let seen = |bytes: usize, objects: usize| {
        progress.say(count(objects as u64, "object"));
        progress.advance(bytes as u64);
    };
    prepare(from, tlp, seen).map_err(|fault| match fault {
        Unprepared::Unreadable(error) => file::unreadable(path, &error),
        Unprepared::Refused(fault) => fault.after(file::shown(path)),
    })
}

/// Why there is nothing to publish.
#[derive(Debug)]
enum Unprepared {
    Unreadable(std::io::Error),
    Refused(CommandError),
}

fn prepare(from: impl Read, tlp: Option<Tlp>, seen: impl Fn(usize, usize)) -> Result<Prepared, Unprepared> {
    let mut from = from.take(FILE_BYTES + 1);
    let (mut cutter, mut prepared) = (Cutter::new(RAW_BODY_BYTES), Prepared::none());
    let (mut piece, mut read) = (vec![0; PIECE_BYTES], 0_u64);
    loop {
        match cutter.cut().map_err(|fault| Unprepared::Refused(not_a_bundle(&fault)))? {
            Cut::Object(object) => prepared.mark_and_add(&object, tlp).map_err(Unprepared::Refused)?,
            Cut::End => return Ok(prepared),
            Cut::More => {
                let length = from.read(&mut piece).map_err(Unprepared::Unreadable)?;
                read += length as u64;
                if read > FILE_BYTES {
                    let fault = format!("more than {FILE_BYTES} bytes, the most that is read");
                    return Err(Unprepared::Refused(CommandError::refused(fault).hint("divide it")));
                }
                cutter.push(&piece[..length]);
                if length == 0 {
                    cutter.end();
                }
                seen(length, prepared.objects.len());
            }
        }
    }
}

fn not_a_bundle(fault: &BundleFault) -> CommandError {
    CommandError::refused(fault).hint(EXPECTED)
}

/// Checks every object.
pub(super) fn checked(objects: Vec<String>) -> Result<Prepared, CommandError> {
    let progress = Progress::new(objects.len() as u64, "objects");
    let mut prepared = Prepared::none();
    for object in &objects {
        prepared.add(object)?;
        progress.advance(1);
    }
    Ok(prepared)
}

impl Prepared {
    fn none() -> Self {
        Self { objects: Texts::new(), unmarked: 0, levels: BTreeMap::new() }
    }

    fn mark_and_add(&mut self, json: &str, tlp: Option<Tlp>) -> Result<(), CommandError> {
        let marked = tlp.map_or(Ok(None), |tlp| mark::mark(json, tlp)).map_err(|fault| {
            let position = self.objects.len() + 1;
            CommandError::refused(format_args!("object {position}: {fault}")).hint(CORRECT)
        })?;
        self.add(marked.as_deref().unwrap_or(json))
    }

    /// Checks an object and adds it.
    pub(super) fn add(&mut self, json: &str) -> Result<(), CommandError> {
        let position = self.objects.len() + 1;
        let object = validate::validate_at(position, json)
            .map_err(|fault| CommandError::refused(fault).hint(CORRECT))?;
        let tlp = object.tlp();
        if tlp > STRICTEST {
            return Err(too_strict(position, &object, tlp));
        }
        split::check_length(position, json)?;
        *self.levels.entry(tlp).or_default() += 1;
        self.unmarked += u64::from(is_unmarked(&object));
        self.objects.push(json)
    }
}

fn too_strict(position: usize, object: &Object<'_>, tlp: Tlp) -> CommandError {
    refuse_strict(&format!("object {position} ({})", safe(object.id(), 256)), tlp)
}

/// Refuses to publish what is marked like this, if it may not go to every member's CERT.
pub(super) fn check_level(tlp: Tlp) -> Result<(), CommandError> {
    if tlp > STRICTEST { Err(refuse_strict("what --tlp marks", tlp)) } else { Ok(()) }
}

fn refuse_strict(what: &str, tlp: Tlp) -> CommandError {
    let tlp = tlp.to_string().to_uppercase();
    CommandError::refused(format_args!(
        "{what} is TLP:{tlp}: what is published goes to every member's CERT, which is further than that allows"
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

    fn prepared(text: impl AsRef<[u8]>, tlp: Option<Tlp>) -> Result<Prepared, CommandError> {
        prepare(text.as_ref(), tlp, |_, _| ()).map_err(|fault| match fault {
            Unprepared::Unreadable(error) => CommandError::refused(error),
            Unprepared::Refused(fault) => fault,
        })
    }

    fn texts(prepared: &mut Prepared) -> Vec<String> {
        prepared.objects.each().unwrap().map(Result::unwrap).collect()
    }

    fn bundle(objects: &[String]) -> String {
        format!(r#"{{"type":"bundle","id":"bundle--{ID}","objects":[{}]}}"#, objects.join(",\n  "))
    }

    #[test]
    fn keeps_what_it_is_not_asked_to_mark() {
        let objects = [domain(" "), marked_with(Tlp::Green)];
        let mut as_it_is = prepared(bundle(&objects), None).unwrap();
        assert_eq!(texts(&mut as_it_is), objects);
        assert_eq!(as_it_is.unmarked, 1);
        assert_eq!(as_it_is.levels, BTreeMap::from([(Tlp::Green, 1), (Tlp::Amber, 1)]));
        let mut marked = prepared(bundle(&objects), Some(Tlp::Clear)).unwrap();
        assert_eq!((marked.unmarked, &texts(&mut marked)[1]), (0, &objects[1]));
        assert_eq!(marked.levels, BTreeMap::from([(Tlp::Clear, 1), (Tlp::Green, 1)]));
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
            let fault = prepared(bundle(&[domain(""), object]), None).err().unwrap();
            assert!(format!("{fault:?}").contains(words), "{fault:?}");
        }
        for bytes in [&b"\xff"[..], b"", b"{}", b"[]", b"no"] {
            assert!(prepared(bytes, None).is_err(), "{bytes:?}");
        }
    }

    /// Input that goes on for ever, and how much of it was taken.
    struct Endless<'a>(&'a [u8], &'a [u8], u64);

    impl Read for &mut Endless<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let from = if self.2 == 0 { self.0 } else { self.1 };
            let length = from.len().min(to.len());
            to[..length].copy_from_slice(&from[..length]);
            self.2 += length as u64;
            Ok(length)
        }
    }

    #[test]
    fn what_is_wrong_is_refused_before_the_end() {
        let object = format!("{},", domain(""));
        for (begin, goes_on, words) in [
            (
                r#"{"type":"bundle","objects":[{"type":""#,
                "xxxxxxxxxxxxxxxx",
                "object 1 has more than 8388608 bytes",
            ),
            (r#"{"type":"tool","name":""#, "xxxxxxxxxxxxxxxx", "more than 8388608 bytes"),
            (r#"{"type":"bundle","objects":["#, "[[[[[[[[[[[[[[[[", "object 1 has more than 8388608 bytes"),
            ("{\"type\":\"bundle\",\"objects\":[{\"a\":\"\"},", &object, "object 1: property"),
        ] {
            let mut endless = Endless(begin.as_bytes(), goes_on.as_bytes(), 0);
            let fault = prepare(&mut endless, None, |_, _| ()).err().unwrap();
            assert!(format!("{fault:?}").contains(words), "{fault:?}");
            assert!(endless.2 <= RAW_BODY_BYTES as u64 + 2 * PIECE_BYTES as u64, "{words}: {}", endless.2);
        }
    }
}
