//! Values as an analyst pastes them out of a report, and the objects that are made of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use certmesh_api::ClientError;
use certmesh_intel::Tlp;
use certmesh_intel::compose::{Author, Notice, compose};
use certmesh_intel::display::safe;
use certmesh_intel::recognise::{Recognised, Unrecognised, recognise};
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args};
use uuid::Uuid;

use super::prepare::{self, Prepared};
use crate::error::CommandError;
use crate::file;
use crate::session::{Session, talk};
use crate::table::{count, table};
use crate::time::{self, AgeOrTime};

/// The longest file of values that is read, in bytes.
const FILE_BYTES: u64 = 64 * 1024 * 1024;
/// How many values are shown one by one before they are published.
const SHOWN: usize = 20;
/// How many values that were not recognised an error names.
const NAMED: usize = 5;
/// What to do about a text that is no list of values.
const TOO_MANY: &str = "nothing was published; --values takes one value a line and nothing beside it: cut the values out of a \
                        report or a table first";
/// Room for a value or a pattern, in characters.
const WIDTH: usize = 80;

/// What is published without a file, and what is said of it.
#[derive(Args)]
#[command(group = ArgGroup::new("from_values").args(["value", "values"]).multiple(true))]
pub(super) struct Values {
    /// A value to publish, defanged or not, with its kind in front if need be; again for more
    #[arg(long, value_name = "[KIND:]VALUE")]
    value: Vec<String>,
    /// Values to publish, one a line, `-` for stdin; # begins a comment
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
    /// What the values are about, such as c2; again for more
    #[arg(long, value_name = "LABEL", value_parser = NonEmptyStringValueParser::new())]
    label: Vec<String>,
    /// How sure you are, 0 to 100
    #[arg(long, value_name = "N", value_parser = confidence)]
    confidence: Option<u8>,
    /// How long the values are to be acted on: an age ahead, or a time
    #[arg(long, value_name = "AGE|TIME")]
    valid_for: Option<AgeOrTime>,
    /// What others should know about them
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    note: Option<String>,
}

/// As STIX 2.1 has it (section 3.2).
pub(in crate::commands) fn confidence(text: &str) -> Result<u8, &'static str> {
    let number = text.parse().ok().filter(|number| *number <= 100);
    number.ok_or("confidence is a number from 0 to 100: 15 is low, 50 medium, 85 high (STIX 2.1, appendix A)")
}

impl Values {
    /// What is said of values is not said of a file, whose objects say it themselves.
    pub(super) fn refuse_for_file(&self) -> Result<(), CommandError> {
        let given = [
            ("--label", !self.label.is_empty()),
            ("--confidence", self.confidence.is_some()),
            ("--valid-for", self.valid_for.is_some()),
            ("--note", self.note.is_some()),
        ];
        let Some((option, _)) = given.into_iter().find(|(_, is_given)| *is_given) else { return Ok(()) };
        Err(CommandError::usage(format_args!(
            "{option} is for values: the objects of a file are published exactly as they stand there"
        ))
        .hint("nothing was published; leave it out, and have the objects say it themselves"))
    }

    /// Recognises the values, says what they are taken for, and makes objects of them.
    pub(super) async fn prepare(
        &self,
        session: &Session,
        tlp: Tlp,
        dry_run: bool,
    ) -> Result<Prepared, CommandError> {
        let values = recognised(&self.texts()?)?;
        // What is wrong with it is said before a node is asked; it counts from when the objects are made.
        self.valid_until_ms()?;
        let notice = notice(author(session, dry_run).await?, tlp);
        let notice = Notice {
            labels: self.label.clone(),
            confidence: self.confidence,
            valid_until_ms: self.valid_until_ms()?,
            note: self.note.clone(),
            ..notice
        };
        show(&values, &notice);
        prepare::checked(compose(&values, &notice, &mut random))
    }

    /// What was typed, and where each stands.
    fn texts(&self) -> Result<Vec<(String, String)>, CommandError> {
        let mut texts: Vec<_> = self.value.iter().map(|text| ("--value".to_owned(), text.clone())).collect();
        if let Some(path) = &self.values {
            let bytes = file::read(path, FILE_BYTES)?;
            let lines = String::from_utf8(bytes).map_err(|fault| {
                let byte = fault.utf8_error().valid_up_to() + 1;
                CommandError::refused(format_args!("{}: byte {byte} is no UTF-8", file::shown(path)))
            })?;
            let lines = lines.trim_start_matches('\u{feff}').lines().enumerate();
            let lines = lines.map(|(at, line)| (at, without_comment(line)));
            let meant = lines.filter(|(_, line)| !line.trim().is_empty());
            texts.extend(meant.map(|(at, line)| (format!("line {}", at + 1), line.to_owned())));
        }
        match texts.is_empty() {
            true => Err(CommandError::refused("there is no value to publish")),
            false => Ok(texts),
        }
    }

    fn valid_until_ms(&self) -> Result<Option<u64>, CommandError> {
        let until = self.valid_for.map(AgeOrTime::ahead_ms);
        match until {
            Some(until) if until <= time::now_ms() => {
                Err(CommandError::usage(format_args!("--valid-for ends in the past, {}", time::shown(until))))
            }
            until => Ok(until),
        }
    }
}

/// A `#` at the beginning, or behind a blank, begins a comment: elsewhere it is part of a URL.
fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    line.match_indices('#').find(begins).map_or(line, |(at, _)| &line[..at])
}

/// What they are, each once.
fn recognised(texts: &[(String, String)]) -> Result<Vec<Recognised>, CommandError> {
    let (mut values, mut faults) = (Vec::new(), Vec::new());
    let mut known = BTreeSet::new();
    for (place, text) in texts {
        match recognise(text) {
            Ok(value) if known.insert((value.kind(), value.value().to_owned())) => values.push(value),
            Ok(_) => {}
            Err(fault) => faults.push((place, fault)),
        }
    }
    let Some((_, first)) = faults.first() else { return Ok(values) };
    let is_table = |(_, fault): &(_, Unrecognised)| fault.to_string().contains(',');
    let are_many = faults.len() > NAMED || (faults.len() > 1 && faults.iter().all(is_table));
    let hint = if are_many { TOO_MANY.to_owned() } else { hint(first) };
    let named: Vec<_> = faults.iter().take(NAMED).map(|(place, fault)| format!("{place}: {fault}")).collect();
    let more = faults.len().saturating_sub(NAMED) as u64;
    let more = if more > 0 { format!("\n  and {} more", count(more, "value")) } else { String::new() };
    Err(CommandError::refused(format_args!("{}{more}", named.join("\n  "))).hint(hint))
}

/// Whether a text is a value that no file is likely to be called like.
pub(super) fn is_value(text: &str) -> bool {
    recognise(text).is_ok_and(|value| !matches!(value.kind(), "file-name" | "file-path"))
}

fn hint(fault: &Unrecognised) -> String {
    let example = match fault {
        Unrecognised::Ambiguous(value, first, second) => {
            return format!(
                "nothing was published; say which it is: --value '{first}:{value}' or --value '{second}:{value}'"
            );
        }
        Unrecognised::Unknown(value) if is_number(value) => "correct it, or leave it out".to_owned(),
        Unrecognised::Unknown(value) => match said_kind(value) {
            Some(kind) => format!("correct it, or leave it out; there is no kind {kind}"),
            None => format!("say what it is, such as --value 'file-name:{value}'"),
        },
        Unrecognised::NotA(..) => "correct it, or leave the kind out".to_owned(),
        _ => "correct it, or leave it out".to_owned(),
    };
    format!("nothing was published; {example} (certmesh publish --help lists the kinds)")
}

/// Whether it can be nothing but an address, a network or a number that somebody mistyped.
pub(in crate::commands) fn is_number(value: &str) -> bool {
    value.contains('.') && value.bytes().all(|byte| byte.is_ascii_digit() || b".:/[]".contains(&byte))
}

/// What looks like a kind in front of a value.
fn said_kind(value: &str) -> Option<&str> {
    let (kind, _) = value.split_once(':')?;
    let is_word = |part: &str| {
        part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    kind.split('-').all(is_word).then_some(kind)
}

/// Says what is about to be published.
fn show(values: &[Recognised], notice: &Notice) {
    let until = notice.valid_until_ms.map_or_else(
        || "without an end (--valid-for sets one)".to_owned(),
        |until| format!("valid until {}", time::shown(until)),
    );
    let number = count(values.len() as u64, "value");
    talk(format_args!("{number}, TLP:{}, {until}:", notice.tlp.to_string().to_uppercase()));
    let rows = values.iter().take(SHOWN).map(|value| {
        let pattern = value.pattern().unwrap_or_else(|| "a vulnerability".to_owned());
        vec![format!("  {}", value.words()), safe(value.value(), WIDTH), safe(&pattern, WIDTH)]
    });
    talk(table(&["  WHAT", "VALUE", "PATTERN"], rows));
    if values.len() > SHOWN {
        talk(format_args!("  and {} more", count((values.len() - SHOWN) as u64, "value")));
    }
}

/// Of what is made now, with nothing said about it.
pub(super) fn notice(author: Option<Author>, tlp: Tlp) -> Notice {
    let now_ms = time::now_ms();
    Notice { author, now_ms, tlp, labels: Vec::new(), confidence: None, valid_until_ms: None, note: None }
}

pub(super) fn random() -> [u8; 16] {
    Uuid::new_v4().into_bytes()
}

/// Whose node this is. A dry run goes on without a node.
pub(super) async fn author(session: &Session, dry_run: bool) -> Result<Option<Author>, CommandError> {
    match session.client().status().await {
        Ok(status) if status.member_identity.is_empty() => Ok(None),
        Ok(status) => Ok(Some(Author { identity: status.member_identity, name: status.member_cert })),
        Err(ClientError::Unreachable { .. }) if dry_run => {
            talk("note: no node answers, so that the objects don't say whose they are");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::without_comment;

    #[test]
    fn comments_begin_at_a_blank_and_fragments_do_not() {
        for (line, meant) in [
            ("evil.example # a note", "evil.example "),
            ("# nothing", ""),
            ("http://evil.example/#top", "http://evil.example/#top"),
            ("http://evil.example/#top # c2", "http://evil.example/#top "),
            ("\u{e9}#x", "\u{e9}#x"),
        ] {
            assert_eq!(without_comment(line), meant);
        }
    }
}
