//! ed25519 keys, on paper and in use.
//!
//! A secret key is written as PKCS#8 PEM (RFC 8410), plain or encrypted with a passphrase (PBES2 of RFC 8018,
//! with scrypt and AES-256-CBC), which `openssl pkey` reads too. Signatures are checked with
//! `verify_strict` only: batch verification accepts signatures that others refuse.

use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::pkcs5::scrypt::Params as ScryptParams;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use crate::{NodeId, RootKey};

/// What stands in the first line of a key that is encrypted (RFC 7468, section 11).
const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";
/// scrypt with N = 2^14, r = 8, p = 5, one of the settings that OWASP's Password Storage Cheat Sheet holds to
/// be as good as the others: the one with the most work that stays within the 32 MiB which OpenSSL allows.
const SCRYPT: (u8, u32, u32) = (14, 8, 5);

/// Why a key can't be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The text is no ed25519 secret key.
    #[error("not an ed25519 secret key in PKCS#8 PEM form ({0})")]
    NotAKey(String),
    /// The key is encrypted, and no passphrase was given.
    #[error("this key is encrypted with a passphrase")]
    Encrypted,
    /// The key does not open with this passphrase.
    #[error("the passphrase is not the one that this key is encrypted with")]
    WrongPassphrase,
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

    /// Reads plain PKCS#8 PEM text.
    ///
    /// # Errors
    /// [`KeyFault::Encrypted`] if it takes a passphrase: see [`Self::from_encrypted_pem`].
    pub fn from_pem(text: &str) -> Result<Self, KeyFault> {
        if Self::is_encrypted(text) {
            return Err(KeyFault::Encrypted);
        }
        let key = SigningKey::from_pkcs8_pem(text).map_err(|e| KeyFault::NotAKey(e.to_string()))?;
        Ok(Self(key))
    }

    /// PKCS#8 PEM text, for a file that only its owner reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        self.private_half().to_pkcs8_pem(LineEnding::LF).expect("32 bytes always encode")
    }

    /// Whether this PEM text is of a key that is encrypted with a passphrase.
    pub fn is_encrypted(text: &str) -> bool {
        text.trim_start().strip_prefix("-----BEGIN ").is_some_and(|rest| rest.starts_with(ENCRYPTED_LABEL))
    }

    /// Reads the PEM text of an encrypted key: PKCS#8, PBES2 with any of the usual parameters.
    ///
    /// # Errors
    /// [`KeyFault::WrongPassphrase`] if what comes out is no key: a padding or a structure that is broken
    /// can't be told from a wrong passphrase.
    pub fn from_encrypted_pem(text: &str, passphrase: &[u8]) -> Result<Self, KeyFault> {
        let not_a_key = |fault: &dyn std::fmt::Display| KeyFault::NotAKey(fault.to_string());
        let (label, der) = pkcs8::SecretDocument::from_pem(text).map_err(|e| not_a_key(&e))?;
        if label != ENCRYPTED_LABEL {
            return Err(not_a_key(&"it is not encrypted"));
        }
        let sealed = EncryptedPrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|e| not_a_key(&e))?;
        let opened = sealed.decrypt(passphrase).map_err(|_| KeyFault::WrongPassphrase)?;
        let key = SigningKey::from_pkcs8_der(opened.as_bytes()).map_err(|_| KeyFault::WrongPassphrase)?;
        Ok(Self(key))
    }

    /// PEM text that takes this passphrase to read, with a salt and an initialisation vector from the
    /// operating system's randomness.
    pub fn to_encrypted_pem(&self, passphrase: &[u8]) -> Result<Zeroizing<String>, KeyFault> {
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        getrandom::fill(&mut salt).map_err(KeyFault::NoRandomness)?;
        getrandom::fill(&mut iv).map_err(KeyFault::NoRandomness)?;
        let (log_n, r, p) = SCRYPT;
        let scrypt = ScryptParams::new(log_n, r, p).expect("sound parameters");
        let pbes2 = Parameters::generate_scrypt_aes256cbc(scrypt, &salt, iv).expect("sound parameters");
        let plain = self.private_half().to_pkcs8_der().expect("32 bytes always encode");
        let info = PrivateKeyInfoRef::try_from(plain.as_bytes()).expect("what was just encoded");
        let sealed = info.encrypt_with_params(pbes2, passphrase).expect("a key of 48 bytes");
        Ok(sealed.to_pem(ENCRYPTED_LABEL, LineEnding::LF).expect("what was just encoded"))
    }

    /// The private half alone, as `openssl genpkey` writes it: readers of RFC 5958's longer form are fewer.
    fn private_half(&self) -> ed25519_dalek::pkcs8::KeypairBytes {
        ed25519_dalek::pkcs8::KeypairBytes { secret_key: self.0.to_bytes(), public_key: None }
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
    fn an_encrypted_key_opens_with_its_passphrase_alone() {
        let key = SecretKey::from_seed(&[7; 32]);
        let pem = key.to_encrypted_pem(b"open sesame").unwrap();
        assert!(SecretKey::is_encrypted(&pem) && !SecretKey::is_encrypted(&key.to_pem()), "{}", *pem);
        let opened = SecretKey::from_encrypted_pem(&pem, b"open sesame").unwrap();
        assert_eq!(opened.node_id(), key.node_id());
        let wrong = SecretKey::from_encrypted_pem(&pem, b"open barley");
        assert!(matches!(wrong, Err(KeyFault::WrongPassphrase)));
        assert!(matches!(SecretKey::from_pem(&pem), Err(KeyFault::Encrypted)));
        assert!(matches!(SecretKey::from_encrypted_pem(&key.to_pem(), b"x"), Err(KeyFault::NotAKey(_))));
        assert_ne!(*pem, *key.to_encrypted_pem(b"open sesame").unwrap(), "each has a salt of its own");
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
