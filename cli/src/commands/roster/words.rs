//! A roster in words for people, and as JSON for programs.

use certmesh_intel::display::safe;
use certmesh_wire::{Member, MemberCode, Pin, Roster, SignedRoster, threshold};
use serde_json::{Value, json};

use super::changes;
use crate::table::{count, list, table, yes_no};
use crate::time;

/// Names in documents have at most 256 bytes; escaped, they may be longer.
pub(super) const NAME: usize = 256;

/// Everything that a member should read before it signs. `prev` is the version before, whose members vote; without it the
/// signatures on a later version than the first are told as they stand.
pub(super) fn words(signed: &SignedRoster, prev: Option<&SignedRoster>) -> String {
    let roster = signed.roster();
    let exercise = match roster.exercise {
        true => "yes: everything in this mesh is shown as EXERCISE",
        false => "no",
    };
    let head = list(&[
        ("mesh", signed.mesh().to_string()),
        ("name", safe(&roster.name, NAME)),
        ("exercise", exercise.to_owned()),
        ("version", format!("{}, round {}", roster.version, roster.round)),
        ("document", signed.id().to_string()),
        ("expires", time::shown(roster.expires_ms)),
        ("signed", signatures(signed, prev)),
        ("limits", limits(roster)),
    ]);
    let members = table(
        &["MEMBER", "CERT", "SIGNED", "ROOT KEY", "IDENTITY"],
        roster.members.iter().map(|member| row(signed, prev.map_or(roster, SignedRoster::roster), member)),
    );
    let mut rest: Vec<_> = roster
        .groups
        .iter()
        .map(|group| format!("group {}: {}", safe(&group.name, NAME), codes(group.members.iter().copied())))
        .collect();
    rest.extend(roster.pins.iter().flat_map(|one| std::iter::once(pin(one)).chain(changes::ends(one))));
    let gap = if rest.is_empty() { "" } else { "\n\n" };
    format!("{head}\n\n{members}{gap}{}", rest.join("\n"))
}

/// What a version changes in the one before it, and what it takes to make it count.
pub(super) fn step(prev: &SignedRoster, signed: &SignedRoster) -> String {
    let (before, after) = (prev.roster(), signed.roster());
    let head = list(&[
        ("mesh", format!("{} ({})", signed.mesh(), safe(&after.name, NAME))),
        (
            "version",
            format!("{}, round {}, in place of version {}", after.version, after.round, before.version),
        ),
        ("document", signed.id().to_string()),
        ("after", prev.id().to_string()),
        ("signed", signatures(signed, Some(prev))),
    ]);
    let changes = match &changes::changes(before, after)[..] {
        [] => "nothing changes but the version".to_owned(),
        all => all.iter().map(|change| format!("- {change}")).collect::<Vec<_>>().join("\n"),
    };
    format!("{head}\n\n{changes}")
}

fn row(signed: &SignedRoster, voters: &Roster, member: &Member) -> Vec<String> {
    let has_signed = signed.signers().any(|code| code == member.code);
    let vote = if voters.member(member.code).is_some() { yes_no(has_signed) } else { "no vote" };
    vec![
        member.code.to_string(),
        safe(&member.cert, NAME),
        vote.to_owned(),
        member.root_key.to_string(),
        safe(&member.identity, NAME),
    ]
}

fn pin(pin: &Pin) -> String {
    let manifest = pin.manifest.map_or("none".to_owned(), |id| id.to_string());
    let (code, cert, key, cuts) =
        (pin.member, safe(&pin.cert, NAME), pin.root_key, count(pin.cuts.len() as u64, "log"));
    format!("pinned {code} ({cert}): root key {key}, last manifest {manifest}, ends of {cuts}")
}

fn limits(roster: &Roster) -> String {
    let limits = roster.limits;
    format!(
        "{} live nodes a member; {} records and {} bytes a log",
        limits.live_nodes, limits.log_records, limits.log_bytes
    )
}

/// `by 2 of 3 members (MY SG); not yet by VN`, and how many it takes.
pub(super) fn signatures(signed: &SignedRoster, prev: Option<&SignedRoster>) -> String {
    let version = signed.roster().version;
    match prev {
        None if version == 0 => votes(signed, signed.roster(), "members".to_owned()),
        None if signed.signers().next().is_none() => "by nobody".to_owned(),
        None => format!("by {}; unchecked: give the version before with --after", codes(signed.signers())),
        Some(prev) => {
            let voters = prev.roster();
            let votes = votes(signed, voters, format!("members of version {}", voters.version));
            let (found, needed) = (signed.signers().count(), threshold(voters.members.len()));
            match needed.saturating_sub(found) {
                0 => format!("{votes}; that is enough, {needed} were needed"),
                missing => format!("{votes}; {needed} are needed, {missing} more"),
            }
        }
    }
}

fn votes(signed: &SignedRoster, voters: &Roster, members: String) -> String {
    let (all, missing) = (voters.members.len(), missing(signed, voters));
    match missing.len() {
        0 => format!("by all {all} {members}"),
        n if n == all => format!("by none of {all} {members}"),
        n => {
            let (have, missing) = (codes(signed.signers()), codes(missing.into_iter()));
            format!("by {} of {all} {members} ({have}); not yet by {missing}", all - n)
        }
    }
}

fn missing(signed: &SignedRoster, voters: &Roster) -> Vec<MemberCode> {
    let members = voters.members.iter().map(|member| member.code);
    members.filter(|code| signed.signers().all(|signer| signer != *code)).collect()
}

/// Codes with a space between them.
pub(super) fn codes(codes: impl Iterator<Item = MemberCode>) -> String {
    codes.map(|code| code.to_string()).collect::<Vec<_>>().join(" ")
}

/// The same for programs.
pub(super) fn json(signed: &SignedRoster, prev: Option<&SignedRoster>) -> Value {
    let roster = signed.roster();
    let voters = prev.map_or(roster, SignedRoster::roster);
    let known = prev.is_some() || roster.version == 0;
    let member = |member: &Member| {
        json!({
            "code": member.code.as_str(),
            "cert": member.cert,
            "identity": member.identity,
            "root_key": member.root_key.to_string(),
            "signed": signed.signers().any(|code| code == member.code),
        })
    };
    let pin = |pin: &Pin| {
        json!({
            "member": pin.member.as_str(),
            "cert": pin.cert,
            "root_key": pin.root_key.to_string(),
            "manifest": pin.manifest.map(|id| id.to_string()),
            "cuts": pin.cuts.iter().map(|cut| json!({
                "log": cut.log.to_string(), "seq": cut.seq, "record": cut.record.to_string(),
            })).collect::<Vec<_>>(),
        })
    };
    let codes = |codes: &[MemberCode]| codes.iter().map(ToString::to_string).collect::<Vec<_>>();
    let groups = roster.groups.iter();
    json!({
        "mesh_id": signed.mesh().to_string(),
        "name": roster.name,
        "exercise": roster.exercise,
        "version": roster.version,
        "round": roster.round,
        "prev": roster.prev.map(|id| id.to_string()),
        "document": signed.id().to_string(),
        "expires_ms": roster.expires_ms,
        "expires": time::rfc3339(roster.expires_ms),
        "members": roster.members.iter().map(member).collect::<Vec<_>>(),
        "signed": signed.signers().map(|code| code.to_string()).collect::<Vec<_>>(),
        "checked": known,
        "missing": known.then(|| codes(&missing(signed, voters))),
        "needed": prev.map(|prev| threshold(prev.roster().members.len())),
        "groups": groups.map(|g| json!({ "name": g.name, "members": codes(&g.members) })).collect::<Vec<_>>(),
        "pins": roster.pins.iter().map(pin).collect::<Vec<_>>(),
        "limits": {
            "live_nodes": roster.limits.live_nodes,
            "log_records": roster.limits.log_records,
            "log_bytes": roster.limits.log_bytes,
        },
    })
}
