//! The next roster as a text that people edit: TOML, with a comment on everything that can be changed.

use std::collections::BTreeMap;
use std::fmt::Write;

use certmesh_wire::{
    Checkpoint, DocumentId, Group, Member, MemberCode, Pin, Roster, RosterLimits, SignedRoster,
};
use serde::{Deserialize, Serialize};

use crate::error::CommandError;
use crate::request::MemberRequest;
use crate::time::{self, AgeOrTime};

/// What can be said of the next version; all else follows from the version before.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    after: String,
    name: String,
    expires: String,
    limits: Limits,
    #[serde(default)]
    member: Vec<MemberRequest>,
    #[serde(default)]
    group: Vec<GroupEntry>,
    #[serde(default)]
    pin: Vec<PinEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    live_nodes: u64,
    log_records: u64,
    log_bytes: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupEntry {
    name: String,
    members: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PinEntry {
    member: String,
    cert: String,
    root_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    manifest: Option<String>,
    #[serde(default)]
    cuts: Vec<CutEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CutEntry {
    log: String,
    seq: u64,
    record: String,
}

impl Draft {
    /// Reads a draft, as `roster edit` wrote it and somebody changed it.
    pub(super) fn read(text: &str) -> Result<Self, CommandError> {
        toml::from_str(text).map_err(|fault| {
            CommandError::refused(format_args!("not the draft of a roster: {fault}"))
                .hint("`certmesh roster edit CURRENT` writes one to begin with")
        })
    }

    /// The next version after `prev` in this round, in its order.
    pub(super) fn roster(self, prev: &SignedRoster, round: u64) -> Result<Roster, CommandError> {
        self.check_after(prev)?;
        let before = prev.roster();
        let expires: AgeOrTime = self.expires.parse().map_err(|fault| wrong("expires", &fault))?;
        let mut members = collect(self.member, |entry| entry.member())?;
        members.sort_by_key(|member: &Member| member.code);
        let mut groups = collect(self.group, group)?;
        groups.sort_by(|a: &Group, b| a.name.cmp(&b.name));
        let mut pins = collect(self.pin, pin)?;
        pins.sort_by_key(|pin: &Pin| pin.member);
        let limits = RosterLimits {
            live_nodes: self.limits.live_nodes,
            log_records: self.limits.log_records,
            log_bytes: self.limits.log_bytes,
        };
        let version = before.version.checked_add(1);
        let version = version.ok_or_else(|| CommandError::refused("there is no version after this one"))?;
        Ok(Roster {
            version,
            round,
            prev: Some(prev.id()),
            name: self.name,
            exercise: before.exercise,
            expires_ms: expires.ahead_ms(),
            members,
            groups,
            limits,
            pins,
        })
    }

    /// A draft says all that the next version does: made from another one, it would undo what came since.
    fn check_after(&self, prev: &SignedRoster) -> Result<(), CommandError> {
        let after: DocumentId = self.after.parse().map_err(|fault| wrong("after", &fault))?;
        if after == prev.id() {
            return Ok(());
        }
        let (version, given) = (prev.roster().version, prev.id());
        Err(CommandError::refused(format_args!(
            "this draft was made from document {after}, and --after gives version {version}, document {given}"
        ))
        .hint("make the draft anew from that version with `certmesh roster edit`, or give the one that it was made from"))
    }
}

fn collect<A, B>(items: Vec<A>, read: impl Fn(A) -> Result<B, CommandError>) -> Result<Vec<B>, CommandError> {
    items.into_iter().map(read).collect()
}

fn wrong(what: &str, fault: &dyn std::fmt::Display) -> CommandError {
    CommandError::refused(format_args!("{what} of the draft: {fault}"))
}

fn group(entry: GroupEntry) -> Result<Group, CommandError> {
    let code = |text: &String| text.parse::<MemberCode>();
    let members = entry.members.iter().map(code).collect::<Result<Vec<_>, _>>();
    let mut members = members.map_err(|fault| wrong(&format!("group {}", entry.name), &fault))?;
    members.sort_unstable();
    members.dedup();
    Ok(Group { name: entry.name, members })
}

fn pin(entry: PinEntry) -> Result<Pin, CommandError> {
    let what = format!("the pin of {}", entry.member);
    let id = |text: &str| text.parse::<DocumentId>().map_err(|fault| wrong(&what, &fault));
    let mut cuts = entry.cuts.iter().map(|entry| cut(entry, &what)).collect::<Result<Vec<_>, _>>()?;
    cuts.sort_by_key(|cut| cut.log);
    Ok(Pin {
        member: entry.member.parse().map_err(|fault| wrong(&what, &fault))?,
        root_key: entry.root_key.parse().map_err(|fault| wrong(&what, &fault))?,
        manifest: entry.manifest.as_deref().map(id).transpose()?,
        cert: entry.cert,
        cuts,
    })
}

fn cut(entry: &CutEntry, what: &str) -> Result<Checkpoint, CommandError> {
    Ok(Checkpoint {
        log: entry.log.parse().map_err(|fault| wrong(what, &fault))?,
        seq: entry.seq,
        record: entry.record.parse().map_err(|fault| wrong(what, &fault))?,
    })
}

/// The draft of the version after `prev` that says what `roster` says.
pub(super) fn text(prev: &SignedRoster, roster: &Roster) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_draft(&mut text, prev, roster);
    text
}

fn write_draft(text: &mut String, prev: &SignedRoster, roster: &Roster) -> std::fmt::Result {
    let needed = certmesh_wire::threshold(prev.roster().members.len());
    writeln!(text, "# The roster that is to follow version {} of mesh", prev.roster().version)?;
    writeln!(text, "# {}.", prev.mesh())?;
    writeln!(
        text,
        "# Change what is to change, then `certmesh roster propose THIS-FILE --after CURRENT --out NEXT`;"
    )?;
    writeln!(text, "# {needed} of its {} members have to sign it.\n", prev.roster().members.len())?;
    writeln!(text, "# The document that it follows: leave it as it is.")?;
    writeln!(text, "after = {}", quoted(&prev.id().to_string()))?;
    writeln!(text, "# The mesh's name, for people.")?;
    writeln!(text, "name = {}", quoted(&roster.name))?;
    writeln!(
        text,
        "# When nodes begin to warn: a time, or an age such as \"1y\" from the moment of `propose`."
    )?;
    writeln!(text, "expires = {}", quoted(&expiry(roster.expires_ms)))?;
    writeln!(
        text,
        "\n# At most so many live nodes a member, and so many records and bytes in all the life of a log."
    )?;
    writeln!(text, "[limits]\nlive_nodes = {}", roster.limits.live_nodes)?;
    writeln!(text, "log_records = {}\nlog_bytes = {}", roster.limits.log_records, roster.limits.log_bytes)?;
    writeln!(
        text,
        "\n# The members, in any order. Whoever joins sends this block (`certmesh init` makes it); to remove a"
    )?;
    writeln!(text, "# member, delete its block; to give it another root key, change that line.")?;
    roster
        .members
        .iter()
        .try_for_each(|member| writeln!(text, "{}", block("member", &MemberRequest::of(member))))?;
    writeln!(
        text,
        "# Members that may share logs of their own: [[group]] with a name and members = [\"SG\", \"MY\"]."
    )?;
    roster.groups.iter().try_for_each(|group| writeln!(text, "{}", block("group", &group_entry(group))))?;
    writeln!(
        text,
        "# The last manifests, and the ends of the logs, of members that have left or changed their root key."
    )?;
    writeln!(text, "# `propose` adds one for whoever leaves with this version; none may go.")?;
    roster.pins.iter().try_for_each(|pin| writeln!(text, "{}", block("pin", &pin_entry(pin))))
}

/// A TOML block of a list, `[[name]]`.
fn block(name: &str, entry: &impl Serialize) -> String {
    toml::to_string(&BTreeMap::from([(name, [entry])])).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A time that reads back as itself: what is too far away for a calendar becomes the last day of one.
fn expiry(ms: u64) -> String {
    time::rfc3339(ms).unwrap_or_else(|| "9999-12-30".to_owned())
}

fn group_entry(group: &Group) -> GroupEntry {
    GroupEntry { name: group.name.clone(), members: group.members.iter().map(ToString::to_string).collect() }
}

fn pin_entry(pin: &Pin) -> PinEntry {
    let cut = |cut: &Checkpoint| CutEntry {
        log: cut.log.to_string(),
        seq: cut.seq,
        record: cut.record.to_string(),
    };
    PinEntry {
        member: pin.member.to_string(),
        cert: pin.cert.clone(),
        root_key: pin.root_key.to_string(),
        manifest: pin.manifest.map(|id| id.to_string()),
        cuts: pin.cuts.iter().map(cut).collect(),
    }
}
