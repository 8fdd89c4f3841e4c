//! `certmesh roster new`: founds a mesh.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use certmesh_wire::{Group, Member, MemberCode, RootKey, Roster, RosterLimits, SignedRoster};
use clap::{ArgGroup, Args};
use serde_json::json;
use uuid::Uuid;

use crate::error::CommandError;
use crate::file;
use crate::request::{MemberRequest, is_identity};
use crate::session::{Session, talk};
use crate::time::AgeOrTime;

/// Founds a mesh: writes a roster that nobody has signed yet, and prints the mesh id
///
/// Each member sends the request that `certmesh init` makes; or it is named by its code (ISO 3166), the public half of its
/// root key, and its CERT's name, with --identity for the STIX identity id under which it publishes, or a fresh one.
#[derive(Args)]
#[command(group = ArgGroup::new("who").required(true).multiple(true))]
#[command(after_help = "Examples:
  certmesh roster new roster.cbor --name asean --add sg-request.toml --add my-request.toml
  certmesh roster new roster.cbor --name \"ASEAN drill\" --exercise \\
      --member SG=PUBLICKEY:SingCERT --member MY=PUBLICKEY:MyCERT --group straits=SG,MY")]
pub(crate) struct New {
    /// Where to write it
    file: PathBuf,
    /// The mesh's name
    #[arg(long)]
    name: String,
    /// All of this mesh is an exercise
    #[arg(long)]
    exercise: bool,
    /// When it needs renewal: an age ahead, or a time
    #[arg(long, value_name = "AGE|TIME", default_value = "1y")]
    expires: AgeOrTime,
    /// The request of a CERT, as `certmesh init` wrote it
    #[arg(long, value_name = "FILE", group = "who")]
    add: Vec<PathBuf>,
    /// A member, its root key's public half in hex, and its CERT's name
    #[arg(long = "member", value_name = "CODE=PUBLICKEY[:NAME]", group = "who")]
    members: Vec<MemberSpec>,
    /// The STIX identity id of a member
    #[arg(long = "identity", value_name = "CODE=IDENTITY")]
    identities: Vec<IdentitySpec>,
    /// Members that may share logs of their own
    #[arg(long = "group", value_name = "NAME=CODE,CODE…")]
    groups: Vec<GroupSpec>,
}

/// `SG=<64 hex>:SingCERT`
#[derive(Debug, Clone, PartialEq, Eq)]
struct MemberSpec {
    code: MemberCode,
    key: RootKey,
    cert: Option<String>,
}

impl FromStr for MemberSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (code, rest) = pair(text, "CODE=PUBLICKEY[:NAME]")?;
        let (key, cert) = match rest.split_once(':') {
            Some((key, cert)) => (key, Some(cert.trim().to_owned()).filter(|cert| !cert.is_empty())),
            None => (rest, None),
        };
        Ok(Self { code: parsed(code)?, key: parsed(key)?, cert })
    }
}

/// `SG=identity--<uuid>`
#[derive(Debug, Clone, PartialEq, Eq)]
struct IdentitySpec {
    code: MemberCode,
    identity: String,
}

impl FromStr for IdentitySpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (code, identity) = pair(text, "CODE=IDENTITY")?;
        match is_identity(identity) {
            true => Ok(Self { code: parsed(code)?, identity: identity.to_owned() }),
            false => Err("the identity has to be `identity--` and a UUID (RFC 4122)".to_owned()),
        }
    }
}

/// `straits=SG,MY`
#[derive(Debug, Clone, PartialEq, Eq)]
struct GroupSpec(Group);

impl FromStr for GroupSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, codes) = pair(text, "NAME=CODE,CODE…")?;
        let mut members = codes.split(',').map(parsed).collect::<Result<Vec<MemberCode>, _>>()?;
        members.sort_unstable();
        members.dedup();
        Ok(Self(Group { name: name.to_owned(), members }))
    }
}

/// What stands before and after the first `=`.
pub(super) fn pair<'a>(text: &'a str, shape: &str) -> Result<(&'a str, &'a str), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("expected {shape}"))?;
    Ok((name.trim(), value.trim()))
}

fn parsed<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: ToString,
{
    text.parse().map_err(|fault: T::Err| fault.to_string())
}

impl New {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let path = self.file.clone();
        let signed = SignedRoster::found(self.roster()?).map_err(CommandError::refused)?;
        file::create(&path, &signed.encode(), 0o644)?;
        talk(format_args!("wrote {}, signed by nobody yet; this is the mesh id", path.display()));
        let mesh = signed.mesh().to_string();
        if session.json() {
            session.json_line(&json!({ "mesh_id": mesh }))?;
        } else {
            session.line(mesh)?;
        }
        talk("every member checks it with `certmesh roster show`, and signs it with `certmesh roster sign`");
        Ok(())
    }

    fn roster(mut self) -> Result<Roster, CommandError> {
        for path in &self.add {
            let Member { code, cert, identity, root_key: key } = MemberRequest::read(path)?;
            self.members.push(MemberSpec { code, key, cert: Some(cert) });
            self.identities.push(IdentitySpec { code, identity });
        }
        let expires_ms = self.expires.ahead_ms();
        let members = members(self.members, self.identities)?;
        let groups = groups(self.groups, &members)?;
        Ok(Roster {
            version: 0,
            round: 0,
            prev: None,
            name: self.name,
            exercise: self.exercise,
            expires_ms,
            members,
            groups,
            limits: RosterLimits::default(),
            pins: Vec::new(),
        })
    }
}

/// The members in the order of their codes, each with an identity.
fn members(mut specs: Vec<MemberSpec>, identities: Vec<IdentitySpec>) -> Result<Vec<Member>, CommandError> {
    specs.sort_by_key(|spec| spec.code);
    if let Some(twice) = specs.windows(2).find(|pair| pair[0].code == pair[1].code) {
        return Err(CommandError::usage(format_args!("member {} is named twice", twice[0].code)));
    }
    let mut given = BTreeMap::new();
    for IdentitySpec { code, identity } in identities {
        if given.insert(code, identity).is_some() {
            return Err(CommandError::usage(format_args!("{code} has two identities")));
        }
    }
    let member = |MemberSpec { code, key, cert }| Member {
        code,
        cert: cert.unwrap_or_else(|| format!("CERT of {code}")),
        identity: given.remove(&code).unwrap_or_else(|| format!("identity--{}", Uuid::new_v4())),
        root_key: key,
    };
    let members = specs.into_iter().map(member).collect();
    match given.keys().next() {
        Some(code) => Err(CommandError::usage(format_args!("--identity names {code}, which is no member"))),
        None => Ok(members),
    }
}

/// The groups in the order of their names, of members only.
fn groups(specs: Vec<GroupSpec>, members: &[Member]) -> Result<Vec<Group>, CommandError> {
    let mut groups: Vec<_> = specs.into_iter().map(|GroupSpec(group)| group).collect();
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(twice) = groups.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(CommandError::usage(format_args!("group {} is named twice", twice[0].name)));
    }
    for group in &groups {
        let strange = group.members.iter().find(|code| members.iter().all(|member| member.code != **code));
        if let Some(code) = strange {
            let name = &group.name;
            return Err(CommandError::usage(format_args!("group {name} has {code}, which is no member")));
        }
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_members() {
        let key = "ab".repeat(32);
        let spec: MemberSpec = format!("SG={key}:SingCERT: Singapore").parse().unwrap();
        assert_eq!(spec.cert.as_deref(), Some("SingCERT: Singapore"));
        assert_eq!(spec.key.to_string(), key);
        assert_eq!(format!("SG={key}").parse::<MemberSpec>().unwrap().cert, None);
        for bad in ["SG", "sg=00", "SG=00:x", &format!("S={key}"), &format!("SG={key}0")] {
            assert!(bad.parse::<MemberSpec>().is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_identities_and_groups() {
        assert!("SG=identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse::<IdentitySpec>().is_ok());
        assert!("SG=identity--8e2e2d2b17d44cbf938f98ee46b3cd3f".parse::<IdentitySpec>().is_err());
        let GroupSpec(group) = "straits=SG,MY,SG".parse().unwrap();
        assert_eq!(group.members.iter().map(MemberCode::as_str).collect::<Vec<_>>(), ["MY", "SG"]);
        assert!("straits=".parse::<GroupSpec>().is_err());
    }
}
