//! What changes from one version of the roster to the next, a sentence each: what a member reads before it signs.

use certmesh_intel::display::safe;
use certmesh_wire::{Group, Member, MemberCode, Pin, Roster};

use super::words::{NAME, codes};
use crate::table::count;
use crate::time;

/// The sentences, the gravest first. Empty if nothing changes but numbers.
pub(super) fn changes(before: &Roster, after: &Roster) -> Vec<String> {
    let mut all = membership(before, after);
    all.extend(pins(before, after));
    all.extend(groups(before, after));
    all.extend(particulars(before, after));
    all
}

fn membership(before: &Roster, after: &Roster) -> Vec<String> {
    let gone = before.members.iter().filter(|member| after.member(member.code).is_none());
    let came = after.members.iter().filter(|member| before.member(member.code).is_none());
    let stayed = after.members.iter().filter_map(|member| Some((before.member(member.code)?, member)));
    let mut all: Vec<_> = gone.map(|member| format!("{} IS REMOVED", titled(member))).collect();
    all.extend(came.map(joins));
    all.extend(stayed.flat_map(|(old, new)| member(old, new)));
    all
}

fn titled(member: &Member) -> String {
    format!("{} ({})", member.code, safe(&member.cert, NAME))
}

fn joins(member: &Member) -> String {
    let identity = safe(&member.identity, NAME);
    format!("{} JOINS, with the root key {} and the identity {identity}", titled(member), member.root_key)
}

fn member(old: &Member, new: &Member) -> Vec<String> {
    let mut all = Vec::new();
    if old.root_key != new.root_key {
        let (code, from, to) = (titled(new), old.root_key, new.root_key);
        all.push(format!("{code} HAS ANOTHER ROOT KEY: {to} in place of {from}"));
    }
    for (what, from, to) in [("name", &old.cert, &new.cert), ("identity", &old.identity, &new.identity)] {
        if from != to {
            let (from, to) = (safe(from, NAME), safe(to, NAME));
            all.push(format!("{} has another {what}: {to} in place of {from}", new.code));
        }
    }
    all
}

fn pins(before: &Roster, after: &Roster) -> Vec<String> {
    let changed = after.pins.iter().filter(|pin| before.pin(pin.member) != Some(pin));
    changed.flat_map(|one| std::iter::once(pin(one, after)).chain(ends(one))).collect()
}

/// Where the logs of a pinned member end, a sentence each.
pub(super) fn ends(pin: &Pin) -> impl Iterator<Item = String> {
    pin.cuts
        .iter()
        .map(|cut| format!("log {} of {} ends with record {}, {}", cut.log, pin.member, cut.seq, cut.record))
}

fn pin(pin: &Pin, after: &Roster) -> String {
    let has_left = after.member(pin.member).is_none();
    let manifest =
        pin.manifest.map_or("it had no manifest".to_owned(), |id| format!("its last manifest is {id}"));
    let cuts = match pin.cuts.len() as u64 {
        0 if has_left => "NOTHING that its nodes ever signed counts".to_owned(),
        0 => "its logs go on".to_owned(),
        n => format!("what it published counts up to the ends of {}", count(n, "log")),
    };
    format!("of {} under the root key {}: {manifest}, and {cuts}", pin.member, pin.root_key)
}

fn groups(before: &Roster, after: &Roster) -> Vec<String> {
    let find = |roster: &Roster, name: &str| roster.groups.iter().find(|group| group.name == name).cloned();
    let name = |group: &Group| safe(&group.name, NAME);
    let gone = before.groups.iter().filter(|group| find(after, &group.name).is_none());
    let mut all: Vec<_> = gone.map(|group| format!("group {} is dissolved", name(group))).collect();
    for group in &after.groups {
        match find(before, &group.name) {
            None => all.push(format!("group {} is formed: {}", name(group), list(&group.members))),
            Some(old) if old.members != group.members => {
                let (from, to) = (list(&old.members), list(&group.members));
                all.push(format!("group {} has other members: {to} in place of {from}", name(group)));
            }
            Some(_) => {}
        }
    }
    all
}

fn list(members: &[MemberCode]) -> String {
    codes(members.iter().copied())
}

fn particulars(before: &Roster, after: &Roster) -> Vec<String> {
    let (old, new) = (before.limits, after.limits);
    let numbers = [
        ("live nodes of one member", old.live_nodes, new.live_nodes),
        ("records of one log", old.log_records, new.log_records),
        ("bytes of one log", old.log_bytes, new.log_bytes),
    ];
    let changed = numbers.into_iter().filter(|(_, from, to)| from != to);
    let mut all: Vec<_> =
        changed.map(|(what, from, to)| format!("at most {to} {what}, in place of {from}")).collect();
    if before.name != after.name {
        let (from, to) = (safe(&before.name, NAME), safe(&after.name, NAME));
        all.push(format!("the mesh is called {to}, in place of {from}"));
    }
    if before.expires_ms != after.expires_ms {
        let (from, to) = (time::shown(before.expires_ms), time::shown(after.expires_ms));
        all.push(format!("it expires {to}, in place of {from}"));
    }
    all
}
