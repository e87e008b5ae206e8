//! Encryption with XChaCha20-Poly1305. Its 24-byte nonces are random, so that no counter has to be stored. The
//! owner, a job or a range, is the associated data.
//!
//! ```text
//! v1.<key, 8 digits>.<nonce, base64url>.<ciphertext and tag, base64url>
//! ```
//! The plaintext is JSON, padded with spaces to a multiple of [`BLOCK`] bytes, so that its length reveals little.

use std::io;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use model::{Encrypted, SecretOwner, SecretValue};
use secrecy::zeroize::Zeroizing;
use sha2::Sha256;

use super::{error::KeyError, file::Key};
use crate::canonical::canonical;

const VERSION: &str = "v1";
const NONCE_BYTES: usize = 24;
const BLOCK: usize = 128;

pub(super) fn seal(key: &Key, owner: SecretOwner, secrets: &SecretValue) -> Result<Encrypted, KeyError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|error| KeyError::NoRandom(io::Error::other(error)))?;
    let mut text = Zeroizing::new(secrets.expose().to_string());
    let filler = text.len().next_multiple_of(BLOCK) - text.len();
    text.push_str(&" ".repeat(filler));
    let aad = associated(owner, &key.id);
    let payload = Payload { msg: text.as_bytes(), aad: aad.as_bytes() };
    // Fails only for plaintexts of 256 GiB or more.
    let ciphertext = cipher(key).encrypt(&XNonce::from(nonce), payload).map_err(|_| KeyError::Damaged)?;
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    Ok(Encrypted(format!("{VERSION}.{}.{}.{}", key.id, encode(&nonce), encode(&ciphertext))))
}

pub(super) fn unseal(key: &Key, owner: SecretOwner, sealed: &Encrypted) -> Result<SecretValue, KeyError> {
    open(key, owner, sealed).ok_or(KeyError::Damaged)
}

fn open(key: &Key, owner: SecretOwner, sealed: &Encrypted) -> Option<SecretValue> {
    let mut parts = sealed.0.split('.').skip(2);
    let mut part = || BASE64_URL_SAFE_NO_PAD.decode(parts.next()?).ok();
    let nonce: [u8; NONCE_BYTES] = part()?.try_into().ok()?;
    let ciphertext = part()?;
    let aad = associated(owner, &key.id);
    let payload = Payload { msg: &ciphertext, aad: aad.as_bytes() };
    let text = Zeroizing::new(cipher(key).decrypt(&XNonce::from(nonce), payload).ok()?);
    serde_json::from_slice(&text).ok().map(SecretValue::new)
}

/// The name of the key that encrypted the data.
pub(super) fn key_of(sealed: &Encrypted) -> Option<&str> {
    let mut parts = sealed.0.split('.');
    (parts.next()? == VERSION).then(|| parts.next()).flatten()
}

/// A keyed hash, with a key that is derived from the encryption key.
pub(super) fn fingerprint(key: &Key, secrets: &SecretValue) -> Result<[u8; 32], KeyError> {
    let own = mac(&*key.bytes, b"rangehand fingerprints of requests")?;
    let text = Zeroizing::new(canonical(secrets.expose()).to_string());
    mac(&own, text.as_bytes())
}

fn mac(key: &[u8], text: &[u8]) -> Result<[u8; 32], KeyError> {
    // HMAC accepts keys of any length.
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).map_err(|_| KeyError::Damaged)?;
    mac.update(text);
    Ok(mac.finalize().into_bytes().into())
}

fn associated(owner: SecretOwner, key: &str) -> String {
    format!("rangehand {VERSION} {key} {owner}")
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.bytes).into())
}
