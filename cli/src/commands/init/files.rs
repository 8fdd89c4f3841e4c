//! The files that `certmesh init` makes, none of which it overwrites.

use std::cell::RefCell;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use certmesh_wire::{Consent, Member, MemberCode, MeshId, SecretKey};

use crate::error::CommandError;
use crate::file;
use crate::request::{MemberRequest, NodeRequest, check_addresses};

pub(super) const MEMBER_REQUEST: &str = "member-request.toml";
pub(super) const NODE_REQUEST: &str = "node-request.toml";
pub(super) const UNIT: &str = "certmesh-node.service";
const NODE_KEY: &str = "node.key";
const CONFIG: &str = "node.toml";
const MANIFESTS: &str = "manifests";
/// A node key has about 120 bytes.
const KEY_BYTES: u64 = 16 * 1024;

/// One of the files.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What it is for.
    pub(super) what: &'static str,
    /// Whether it was there before.
    pub(super) kept: bool,
}

/// A node's folder in the making.
pub(super) struct Files {
    dir: PathBuf,
    made: RefCell<Vec<Made>>,
}

impl Files {
    /// The folder, made if it is not there.
    pub(super) fn of(dir: &Path) -> Result<Self, CommandError> {
        fs::create_dir_all(dir).map_err(|error| file::unwritable(dir, &error))?;
        let dir = dir.canonicalize().map_err(|error| file::unwritable(dir, &error))?;
        Ok(Self { dir, made: RefCell::default() })
    }

    /// What there is by now.
    pub(super) fn made(&self) -> Vec<Made> {
        self.made.borrow().clone()
    }

    /// The member's request of an earlier run.
    pub(super) fn old_member_request(&self) -> Option<PathBuf> {
        Some(self.dir.join(MEMBER_REQUEST)).filter(|path| path.exists())
    }

    /// The node's request of an earlier run.
    pub(super) fn old_node_request(&self) -> Option<PathBuf> {
        Some(self.dir.join(NODE_REQUEST)).filter(|path| path.exists())
    }

    /// The folder, as every machine's user would name it.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The node's key, of an earlier run or fresh.
    pub(super) fn node_key(&self) -> Result<SecretKey, CommandError> {
        let path = self.dir.join(NODE_KEY);
        if !path.exists() {
            let fresh = SecretKey::generate().map_err(CommandError::refused)?;
            self.write(
                NODE_KEY,
                "the node's secret key: never copy it, never back it up",
                0o600,
                &fresh.to_pem(),
            )?;
            return Ok(fresh);
        }
        self.note(NODE_KEY, "the node's secret key", true);
        let bytes = zeroize::Zeroizing::new(file::read(&path, KEY_BYTES)?);
        let pem = String::from_utf8_lossy(&bytes);
        SecretKey::from_pem(&pem)
            .map_err(|fault| CommandError::refused(format_args!("{}: {fault}", path.display())))
    }

    /// What the other members need to vote on.
    pub(super) fn member_request(&self, member: &Member) -> Result<(), CommandError> {
        let text = format!(
            "# {} asks to be a member: for `certmesh roster edit --add`. Compare the root key over another channel.\n{}",
            member.code,
            toml::to_string(&MemberRequest::of(member)).unwrap_or_default()
        );
        self.write(MEMBER_REQUEST, "for the other members, who vote on it", 0o644, &text)
    }

    /// Everything that takes a mesh: the node's request, its configuration, the folder for manifests, the unit file.
    pub(super) fn node(
        &self,
        mesh: MeshId,
        member: MemberCode,
        key: &SecretKey,
        host: &str,
        port: u16,
    ) -> Result<(), CommandError> {
        let addresses = addresses(host, port);
        let consent = Consent::sign(mesh, member, key);
        let request = NodeRequest { mesh, member, node: key.node_id(), addresses, consent };
        if !self.dir.join(NODE_REQUEST).exists() {
            check_addresses(&request.addresses)?;
        }
        self.write(NODE_REQUEST, "for the holder of your root key", 0o644, &request.text())?;
        self.write(CONFIG, "the node's configuration", 0o644, &config(mesh, port))?;
        self.write(UNIT, "for systemd", 0o644, &unit(&self.dir))?;
        let manifests = self.dir.join(MANIFESTS);
        self.note(
            MANIFESTS,
            "for everybody's manifests, and later versions of the roster",
            manifests.exists(),
        );
        fs::create_dir_all(&manifests).map_err(|error| file::unwritable(&manifests, &error))
    }

    fn write(&self, name: &str, what: &'static str, mode: u32, text: &str) -> Result<(), CommandError> {
        let path = self.dir.join(name);
        let kept = path.exists();
        if !kept {
            file::create(&path, text.as_bytes(), mode)?;
        }
        self.note(name, what, kept);
        Ok(())
    }

    fn note(&self, name: &str, what: &'static str, kept: bool) {
        self.made.borrow_mut().push(Made { path: self.dir.join(name), what, kept });
    }
}

/// Both transports at one port: QUIC, and TCP for networks that drop UDP.
pub(super) fn addresses(host: &str, port: u16) -> Vec<String> {
    let kind = match host.parse() {
        Ok(IpAddr::V4(_)) => "ip4",
        Ok(IpAddr::V6(_)) => "ip6",
        Err(_) => "dns",
    };
    vec![format!("/{kind}/{host}/udp/{port}/quic-v1"), format!("/{kind}/{host}/tcp/{port}")]
}

fn config(mesh: MeshId, port: u16) -> String {
    format!(
        r#"# Relative paths count from this folder. Every setting is explained in the project's config/node.toml.

# The mesh that this node belongs to: it refuses any other roster.
mesh_id = "{mesh}"
node_key = "{NODE_KEY}"
# Version 0; later versions lie beside the manifests.
roster = "roster.cbor"
manifests = "{MANIFESTS}"
data_dir = "data"

[mesh]
listen = ["/ip4/0.0.0.0/udp/{port}/quic-v1", "/ip4/0.0.0.0/tcp/{port}"]

[api]
socket = "node.sock"

[soc]
# Where this country's SOC tools read, each with a token of its own (certmesh token create). Elsewhere than on
# 127.0.0.1 it takes tls_certificate and tls_key.
addresses = ["127.0.0.1:7480"]
"#
    )
}

/// The node beside this very command, if it is there: both are installed together.
fn program() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name("certmesh-node"));
    beside.filter(|path| path.exists()).unwrap_or_else(|| "/usr/local/bin/certmesh-node".into())
}

fn unit(dir: &Path) -> String {
    let program = program();
    // What lies in somebody's home can't be reached where homes are out of sight.
    let is_at_home =
        [dir, &program].iter().any(|path| path.starts_with("/home") || path.starts_with("/root"));
    let (home, program, dir) =
        (if is_at_home { "read-only" } else { "yes" }, program.display(), dir.display());
    format!(
        "[Unit]
Description=certmesh node
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={program} --config {dir}/{CONFIG}
# Reads the allow-list again.
ExecReload=/bin/kill -HUP $MAINPID
User=certmesh
# The node ends by itself when its disk fails it, and comes back by what is on it.
Restart=on-failure
RestartSec=5
# A clean stop leaves a note that lets the next start sign at once.
TimeoutStopSec=60
UMask=0077
LimitCORE=0
LimitNOFILE=65536
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome={home}
ProtectSystem=strict
ReadWritePaths={dir}

[Install]
WantedBy=multi-user.target
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_addresses_that_nodes_can_dial() {
        for (host, first) in [
            ("192.0.2.1", "/ip4/192.0.2.1/udp/7400/quic-v1"),
            ("2001:db8::1", "/ip6/2001:db8::1/udp/7400/quic-v1"),
            ("mesh.cert.example", "/dns/mesh.cert.example/udp/7400/quic-v1"),
        ] {
            let addresses = addresses(host, 7400);
            assert_eq!(addresses[0], first);
            assert!(check_addresses(&addresses).is_ok(), "{host}");
        }
        assert!(check_addresses(&addresses("two words", 7400)).is_err());
    }

    #[test]
    fn a_folder_in_a_home_can_be_reached() {
        assert!(unit(&Path::new("/home").join("operator")).contains("ProtectHome=read-only\n"));
    }
}
