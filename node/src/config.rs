//! The node's configuration. The structs are the manual; `config/node.toml` is the same as a file,
//! and a test holds one against the other.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use certmesh_wire::{MeshId, ParseIdError};
use serde::Deserialize;

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigFault {
    /// The file can't be read.
    #[error("can't read the configuration {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is not TOML, or has a key or value that means nothing.
    #[error("the configuration {} is wrong:\n{fault}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, column and what is wrong there.
        fault: toml::de::Error,
    },
    /// The mesh is not pinned.
    #[error(
        "the configuration {} does not say which mesh this node belongs to; set mesh_id to the id that \
         `certmesh roster show` prints and that the members have agreed on",
        path.display()
    )]
    NoMesh {
        /// The file.
        path: PathBuf,
    },
    /// The pinned mesh id is no id.
    #[error("mesh_id in the configuration {} is no mesh id: {fault}", path.display())]
    MeshId {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: ParseIdError,
    },
    /// TLS for SOC tools takes two files.
    #[error("the configuration {} sets one of [soc] tls_certificate and tls_key: TLS takes both", path.display())]
    HalfTls {
        /// The file.
        path: PathBuf,
    },
    /// What SOC tools are to call this node is no web address.
    #[error("[soc] url in the configuration {} has to begin with http:// or https://", path.display())]
    Url {
        /// The file.
        path: PathBuf,
    },
}

/// A configuration as it is written, every setting at its default unless the file says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    /// The mesh this node belongs to: the hash of its roster version 0, 64 hexadecimal digits.
    pub(crate) mesh_id: Option<String>,
    /// This node's secret key, readable by its owner alone. Never copy or back it up.
    pub(crate) node_key: PathBuf,
    /// The roster of the mesh.
    pub(crate) roster: PathBuf,
    /// A folder with the members' manifests, one `*.cbor` file each.
    pub(crate) manifests: PathBuf,
    /// Where the node keeps what it has received.
    pub(crate) data_dir: PathBuf,
    /// A file with values that no list for SOC tools may hold.
    pub(crate) allow_list: Option<PathBuf>,
    /// How other nodes reach this one.
    pub(crate) mesh: Mesh,
    /// How operators reach this node.
    pub(crate) api: Api,
    /// How SOC tools reach this node.
    pub(crate) soc: Soc,
    /// What the node says on stderr.
    pub(crate) log: Log,
}

impl Default for File {
    fn default() -> Self {
        Self {
            mesh_id: None,
            node_key: "node.key".into(),
            roster: "roster.cbor".into(),
            manifests: "manifests".into(),
            data_dir: "data".into(),
            allow_list: None,
            mesh: Mesh::default(),
            api: Api::default(),
            soc: Soc::default(),
            log: Log::default(),
        }
    }
}

/// How other nodes reach this one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mesh {
    /// Where to listen for other nodes, as multiaddrs: QUIC over UDP, and TCP with TLS.
    pub(crate) listen: Vec<String>,
}

impl Default for Mesh {
    fn default() -> Self {
        let listen = ["/ip4/0.0.0.0/udp/7400/quic-v1", "/ip4/0.0.0.0/tcp/7400"];
        Self { listen: listen.map(str::to_owned).to_vec() }
    }
}

/// How operators reach this node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Api {
    /// The Unix socket of the local API; whoever may open it may publish.
    pub(crate) socket: PathBuf,
}

impl Default for Api {
    fn default() -> Self {
        Self { socket: "node.sock".into() }
    }
}

/// How SOC tools reach this node. They need a token (`certmesh token`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Soc {
    /// Where SOC tools reach this node; nowhere, if it is empty.
    pub(crate) addresses: Vec<SocketAddr>,
    /// A PEM file with the certificate that they get, and those that vouch for it.
    pub(crate) tls_certificate: Option<PathBuf>,
    /// A PEM file with its key.
    pub(crate) tls_key: Option<PathBuf>,
    /// Whether to listen without TLS where others can listen in.
    pub(crate) insecure_clear_text: bool,
    /// The address under which SOC tools reach this node, if a proxy stands before it.
    pub(crate) url: Option<String>,
}

impl Default for Soc {
    fn default() -> Self {
        Self {
            addresses: vec![SocketAddr::from(([127, 0, 0, 1], 7480))],
            tls_certificate: None,
            tls_key: None,
            insecure_clear_text: false,
            url: None,
        }
    }
}

impl Soc {
    /// The files of TLS, if it is set up.
    pub(crate) fn tls(&self) -> Option<SocTls> {
        let (certificate, key) = self.tls_certificate.clone().zip(self.tls_key.clone())?;
        Some(SocTls { certificate, key })
    }

    /// The same, with paths that count from `folder`.
    fn complete(self, folder: &Path, config: &Path) -> Result<Self, ConfigFault> {
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return Err(ConfigFault::HalfTls { path: config.into() });
        }
        let is_address = |url: &String| ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        if self.url.as_ref().is_some_and(|url| !is_address(url)) {
            return Err(ConfigFault::Url { path: config.into() });
        }
        Ok(Self {
            tls_certificate: self.tls_certificate.map(|path| folder.join(path)),
            tls_key: self.tls_key.map(|path| folder.join(path)),
            url: self.url.map(|url| url.trim_end_matches('/').to_owned()),
            ..self
        })
    }
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SocTls {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// What the node says on stderr.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// For people or for machines.
    pub(crate) format: LogFormat,
    /// How much.
    pub(crate) level: LogLevel,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// A line of text each.
    #[default]
    Human,
    /// A JSON object a line.
    Json,
}

/// What is worth a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    /// What ends the node or loses something.
    Error,
    /// What an operator should look at.
    Warn,
    /// What changes: connections, starts and stops.
    #[default]
    Info,
    /// Every record.
    Debug,
}

impl LogLevel {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// A configuration that a node can start with: the mesh is pinned, and every path is complete.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) mesh_id: MeshId,
    pub(crate) node_key: PathBuf,
    pub(crate) roster: PathBuf,
    pub(crate) manifests: PathBuf,
    pub(crate) data_dir: PathBuf,
    pub(crate) allow_list: Option<PathBuf>,
    pub(crate) mesh: Mesh,
    pub(crate) api: Api,
    pub(crate) soc: Soc,
    pub(crate) log: Log,
}

impl Config {
    /// Reads a configuration file. Its relative paths count from the folder it lies in.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigFault> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigFault::Unreadable { path: path.into(), cause })?;
        let file: File =
            toml::from_str(&text).map_err(|fault| ConfigFault::Wrong { path: path.into(), fault })?;
        let mesh_id = file.mesh_id.ok_or_else(|| ConfigFault::NoMesh { path: path.into() })?;
        let mesh_id = mesh_id.parse().map_err(|fault| ConfigFault::MeshId { path: path.into(), fault })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            mesh_id,
            node_key: folder.join(file.node_key),
            roster: folder.join(file.roster),
            manifests: folder.join(file.manifests),
            data_dir: folder.join(file.data_dir),
            allow_list: file.allow_list.map(|path| folder.join(path)),
            mesh: file.mesh,
            api: Api { socket: folder.join(file.api.socket) },
            soc: file.soc.complete(folder, path)?,
            log: file.log,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_configuration_shows_the_defaults() {
        let text = include_str!("../../config/node.toml");
        assert_eq!(toml::from_str::<File>(text).unwrap(), File::default());
        for key in [
            "mesh_id",
            "node_key",
            "roster",
            "manifests",
            "data_dir",
            "allow_list",
            "listen",
            "socket",
            "addresses",
            "tls_certificate",
            "tls_key",
            "insecure_clear_text",
            "url",
            "format",
            "level",
        ] {
            assert!(text.contains(&format!("{key} = ")), "config/node.toml does not show {key}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        let load = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Config::load(&path).map(|_| ()).unwrap_err().to_string()
        };
        assert!(load("").contains("set mesh_id"));
        assert!(load("mesh_id = \"12\"").contains("64 hexadecimal digits"));
        assert!(load("mesh_id = 5").contains("line 1"));
        assert!(load("sokcet = \"x\"").contains("sokcet"));
        assert!(load("[log]\nformat = \"xml\"").contains("json"));
    }
}
