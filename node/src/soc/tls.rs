//! TLS for SOC tools: a certificate and its key from files, read again when they have been renewed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::config::SocTls;

/// How often the files are looked at. A renewal has weeks.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsFault {
    #[error("can't read the certificate {}: {cause}", path.display())]
    Certificate { path: PathBuf, cause: rustls::pki_types::pem::Error },
    #[error("{} holds no certificate; it takes PEM, the node's own certificate first", path.display())]
    NoCertificate { path: PathBuf },
    #[error("can't read the key {}: {cause}", path.display())]
    Key { path: PathBuf, cause: rustls::pki_types::pem::Error },
    #[error("everyone on this machine may read the key {} (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    KeyExposed { path: PathBuf, mode: u32 },
    #[error("the key {} does not fit the certificate: {cause}", path.display())]
    Pair { path: PathBuf, cause: rustls::Error },
    #[error("TLS can't be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// What shakes hands with clients, and keeps its certificate up to date for as long as the runtime lives.
pub(super) fn acceptor(files: &SocTls) -> Result<TlsAcceptor, TlsFault> {
    let pair = Arc::new(Pair { files: files.clone(), now: RwLock::new(load(files)?) });
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&pair) as Arc<dyn ResolvesServerCert>);
    let mut config = config;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    tokio::spawn(pair.keep());
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[derive(Debug)]
struct Pair {
    files: SocTls,
    now: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Pair {
    async fn keep(self: Arc<Self>) {
        let mut seen = self.changed();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.changed();
            if now == seen {
                continue;
            }
            seen = now;
            match load(&self.files) {
                Ok(pair) => {
                    *self.now.write().unwrap_or_else(PoisonError::into_inner) = pair;
                    tracing::info!("SOC tools get the renewed certificate");
                }
                // The two files may be in the middle of being replaced.
                Err(fault) => tracing::warn!("the renewed certificate is not used: {fault}"),
            }
        }
    }

    /// When the files were changed last.
    fn changed(&self) -> [Option<SystemTime>; 2] {
        let modified = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).ok();
        [modified(&self.files.certificate), modified(&self.files.key)]
    }
}

fn load(files: &SocTls) -> Result<Arc<CertifiedKey>, TlsFault> {
    let (path, key_path) = (&files.certificate, &files.key);
    let unreadable = |cause| TlsFault::Certificate { path: path.clone(), cause };
    let chain = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(unreadable)?;
    if chain.is_empty() {
        return Err(TlsFault::NoCertificate { path: path.clone() });
    }
    let mode = fs::metadata(key_path).map_or(0, |about| about.permissions().mode() & 0o777);
    // A group of those who serve certificates is common, and fine.
    if mode & 0o007 != 0 {
        return Err(TlsFault::KeyExposed { path: key_path.clone(), mode });
    }
    let key = PrivateKeyDer::from_pem_file(key_path)
        .map_err(|cause| TlsFault::Key { path: key_path.clone(), cause })?;
    let pair = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
    pair.map(Arc::new).map_err(|cause| TlsFault::Pair { path: key_path.clone(), cause })
}
