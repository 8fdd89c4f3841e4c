//! ed25519 keys, on paper and in use.
//!
//! A secret key is written as PKCS#8 PEM (RFC 8410), which `openssl pkey` reads too. Signatures are
//! checked with `verify_strict` only: batch verification accepts signatures that others refuse.

use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::{NodeId, RootKey};

/// Why a key can't be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The text is no ed25519 secret key.
    #[error("not an ed25519 secret key in PKCS#8 PEM form ({0})")]
    NotAKey(String),
    /// The operating system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

/// A signature that its key did not make over these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match")]
pub struct BadSignature;

/// An ed25519 secret key, of a node or a member. Zeroised when dropped, never shown.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A fresh key from the operating system's randomness.
    pub fn generate() -> Result<Self, KeyFault> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(KeyFault::NoRandomness)?;
        Ok(Self::from_seed(&seed))
    }

    /// The key that this 32-byte seed stands for (RFC 8032, section 5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, for the transport's identity.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Reads PKCS#8 PEM text.
    pub fn from_pem(text: &str) -> Result<Self, KeyFault> {
        let key = SigningKey::from_pkcs8_pem(text).map_err(|e| KeyFault::NotAKey(e.to_string()))?;
        Ok(Self(key))
    }

    /// PKCS#8 PEM text, for a file that only its owner reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        // The private half alone, as `openssl genpkey` writes it: readers of RFC 5958's longer form are fewer.
        let key = ed25519_dalek::pkcs8::KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        key.to_pkcs8_pem(LineEnding::LF).expect("32 bytes always encode")
    }

    /// The node that this key is.
    pub fn node_id(&self) -> NodeId {
        NodeId(self.0.verifying_key().to_bytes())
    }

    /// The public half, as a member's root key.
    pub fn root_key(&self) -> RootKey {
        RootKey(self.0.verifying_key().to_bytes())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey(of {})", self.node_id())
    }
}

/// Checks a signature by the rules of `verify_strict`: no small-order keys, canonical encodings only.
pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| BadSignature)?;
    key.verify_strict(message, &Signature::from_bytes(signature)).map_err(|_| BadSignature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_round_trip() {
        let key = SecretKey::from_seed(&[7; 32]);
        let pem = key.to_pem();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{}", *pem);
        assert_eq!(SecretKey::from_pem(&pem).unwrap().node_id(), key.node_id());
        assert!(
            SecretKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").is_err()
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = SecretKey::from_seed(&[7; 32]);
        assert!(!format!("{key:?}").contains(&"07".repeat(32)));
    }

    #[test]
    fn small_order_keys_verify_nothing() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert_eq!(verify(&identity, b"anything", &signature), Err(BadSignature));
    }
}
