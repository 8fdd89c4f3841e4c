//! The small files in which somebody asks to be let in: a CERT its fellow members, a node its member. TOML, so that people
//! read what they are asked for.

use std::path::Path;

use certmesh_intel::display::safe;
use certmesh_wire::limits::NODE_ADDRESSES;
use certmesh_wire::{Consent, Member, MemberCode, MeshId, NodeId};
use serde::{Deserialize, Serialize};
use uuid::{Uuid, Variant};

use crate::error::CommandError;
use crate::{address, file};

/// A request has a few hundred bytes.
const REQUEST_BYTES: u64 = 64 * 1024;

/// A CERT asks to be a member; also a `[[member]]` of a roster's draft.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberRequest {
    code: String,
    cert: String,
    identity: String,
    root_key: String,
}

impl MemberRequest {
    /// What a member says of itself.
    pub(crate) fn of(member: &Member) -> Self {
        Self {
            code: member.code.to_string(),
            cert: member.cert.clone(),
            identity: member.identity.clone(),
            root_key: member.root_key.to_string(),
        }
    }

    /// The member, if every field is what it must be.
    pub(crate) fn member(self) -> Result<Member, CommandError> {
        let code: MemberCode = self.code.parse().map_err(|fault| self.wrong("code", &fault))?;
        let root_key = self.root_key.parse().map_err(|fault| self.wrong("root_key", &fault))?;
        if !is_identity(&self.identity) {
            return Err(self.wrong("identity", &"it has to be `identity--` and a UUID (RFC 4122)"));
        }
        Ok(Member { code, cert: self.cert, identity: self.identity, root_key })
    }

    fn wrong(&self, field: &str, fault: &dyn std::fmt::Display) -> CommandError {
        CommandError::refused(format_args!("{field} of member {}: {fault}", safe(&self.code, 8)))
    }

    /// Reads the file of a request.
    pub(crate) fn read(path: &Path) -> Result<Member, CommandError> {
        read_toml::<Self>(path, "`certmesh init` makes the request of a member")?.member()
    }
}

/// Whether this is `identity--` and a UUID of one of the versions of RFC 4122, as STIX asks for.
pub(crate) fn is_identity(text: &str) -> bool {
    let uuid = text.strip_prefix("identity--").filter(|uuid| uuid.len() == 36);
    let ours =
        |uuid: Uuid| uuid.get_variant() == Variant::RFC4122 && (1..=5).contains(&uuid.get_version_num());
    uuid.and_then(|uuid| uuid.parse().ok()).is_some_and(ours)
}

/// A node asks to be on its member's manifest, and agrees to be its member's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeRequest {
    /// The mesh that it is for.
    pub(crate) mesh: MeshId,
    /// Whose node it agrees to be.
    pub(crate) member: MemberCode,
    /// Its key.
    pub(crate) node: NodeId,
    /// Where it can be reached.
    pub(crate) addresses: Vec<String>,
    /// Its signature that it agrees.
    pub(crate) consent: [u8; 64],
}

/// The same as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeRequestFile {
    mesh: String,
    member: String,
    node: String,
    addresses: Vec<String>,
    consent: String,
}

impl NodeRequest {
    /// Reads the file of a request, and checks that the node's key signed it.
    pub(crate) fn read(path: &Path) -> Result<Self, CommandError> {
        let file: NodeRequestFile = read_toml(path, "`certmesh node request` makes the request of a node")?;
        let wrong = |field: &str, fault: &dyn std::fmt::Display| {
            CommandError::refused(format_args!("{}: {field}: {fault}", file::shown(path)))
        };
        let request = Self {
            mesh: file.mesh.parse().map_err(|fault| wrong("mesh", &fault))?,
            member: file.member.parse().map_err(|fault| wrong("member", &fault))?,
            node: file.node.parse().map_err(|fault| wrong("node", &fault))?,
            consent: hex64(&file.consent)
                .ok_or_else(|| wrong("consent", &"it has to be 128 hexadecimal digits"))?,
            addresses: file.addresses,
        };
        check_addresses(&request.addresses)?;
        Consent::verify(request.mesh, request.member, request.node, &request.consent)
            .map_err(|_| wrong("consent", &"the node's key did not sign it for this mesh and member"))?;
        Ok(request)
    }

    /// The text of its file.
    pub(crate) fn text(&self) -> String {
        let file = NodeRequestFile {
            mesh: self.mesh.to_string(),
            member: self.member.to_string(),
            node: self.node.to_string(),
            addresses: self.addresses.clone(),
            consent: self.consent.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        let head = format!(
            "# A node of {} asks to be on its member's manifest: for `certmesh manifest new --node` or `manifest next --add`.\n",
            self.member
        );
        head + &toml::to_string(&file).unwrap_or_default()
    }
}

/// Passes at most eight addresses, each of a form that nodes can dial.
pub(crate) fn check_addresses(addresses: &[String]) -> Result<(), CommandError> {
    if addresses.len() > NODE_ADDRESSES {
        return Err(CommandError::refused(format_args!("a node has at most {NODE_ADDRESSES} addresses")));
    }
    addresses.iter().try_for_each(|text| address::check(text)).map_err(CommandError::refused)
}

fn read_toml<T: for<'de> Deserialize<'de>>(path: &Path, hint: &str) -> Result<T, CommandError> {
    let bytes = file::read(path, REQUEST_BYTES)?;
    let refused =
        |fault: &dyn std::fmt::Display| CommandError::refused(format_args!("{}: {fault}", file::shown(path)));
    let text = std::str::from_utf8(&bytes).map_err(|_| refused(&"not text").hint(hint))?;
    toml::from_str(text).map_err(|fault| refused(&safe(&fault.to_string(), 400)).hint(hint))
}

fn hex64(text: &str) -> Option<[u8; 64]> {
    let (high, low) = (text.get(..64)?, text.get(64..)?);
    // Two ids' worth of digits, read as ids are.
    let halves = [high.parse::<NodeId>().ok()?.0, low.parse::<NodeId>().ok()?.0];
    halves.concat().try_into().ok()
}

#[cfg(test)]
mod tests {
    use certmesh_wire::SecretKey;

    use super::*;

    #[test]
    fn a_node_request_comes_back_and_forgeries_do_not() {
        let key = SecretKey::from_seed(&[1; 32]);
        let (mesh, member) = (MeshId([2; 32]), "SG".parse().unwrap());
        let request = NodeRequest {
            mesh,
            member,
            node: key.node_id(),
            addresses: vec!["/ip4/192.0.2.1/tcp/7400".into()],
            consent: Consent::sign(mesh, member, &key),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("request.toml");
        std::fs::write(&path, request.text()).unwrap();
        assert_eq!(NodeRequest::read(&path).unwrap(), request);
        for (from, to) in [("\"SG\"", "\"MY\""), ("192.0.2.1/tcp", "192.0.2.1/udp"), ("mesh", "mash")] {
            std::fs::write(&path, request.text().replace(from, to)).unwrap();
            assert!(NodeRequest::read(&path).is_err(), "{from}");
        }
    }

    #[test]
    fn tells_identities() {
        assert!(is_identity("identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"));
        assert!(!is_identity("identity--8e2e2d2b17d44cbf938f98ee46b3cd3f"));
        assert!(!is_identity("identity--00000000-0000-0000-0000-000000000001"));
        assert!(!is_identity("8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"));
    }
}
