//! Ansible Vault: checks a password against a vault, and decrypts vaults.
//!
//! The password is tried when the service starts, so a wrong one is an error then and not in the first job. Ansible decrypts
//! what runs need. The service decrypts only the few values that it needs without Ansible. Formats 1.1 and 1.2 of
//! `ansible-vault` (AES256): a header line, then hexadecimal of three hexadecimal lines: salt, HMAC-SHA256 of the
//! ciphertext, ciphertext. PBKDF2-HMAC-SHA256 with 10,000 rounds returns 80 bytes: the key of the cipher, the key of
//! the HMAC, and the first counter block of AES-256 in counter mode. The text is padded as in PKCS #7.

use aes::Aes256;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher},
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use sha2::Sha256;

/// Why a vault does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text does not begin with `$ANSIBLE_VAULT;`.
    #[error("this is no Ansible Vault: it does not begin with `$ANSIBLE_VAULT;`")]
    NotAVault,
    /// A format or cipher that ansible-vault no longer writes.
    #[error("unknown vault format `{0}`: use 1.1 or 1.2 with AES256")]
    UnknownFormat(String),
    /// Cut off or edited.
    #[error("the vault is damaged: its body is not what `ansible-vault encrypt` writes")]
    Damaged,
    /// Everything is in order but the password.
    #[error("the vault password does not open this vault")]
    WrongPassword,
    /// Decrypted, but not to text.
    #[error("the content of the vault is not UTF-8 text")]
    NotText,
}

const ROUNDS: u32 = 10_000;
const HEADER: &str = "$ANSIBLE_VAULT;";

/// The bytes of a block of AES, which the padding fills up.
const BLOCK: u8 = 16;

/// Checks the password. Takes about 50 ms: call it outside of the async threads.
///
/// # Errors
/// Why the vault can't be decrypted.
pub fn check(vault: &str, password: &SecretString) -> Result<(), Error> {
    Opened::new(vault, password).map(drop)
}

/// Decrypts the vault. Takes as long as [`check`].
///
/// # Errors
/// Why the vault can't be decrypted.
pub fn decrypt(vault: &str, password: &SecretString) -> Result<SecretString, Error> {
    let Opened { keys, ciphertext } = Opened::new(vault, password)?;
    let mut cipher =
        Ctr128BE::<Aes256>::new_from_slices(&keys[..32], &keys[64..]).map_err(|_| Error::Damaged)?;
    let mut text = Zeroizing::new(ciphertext);
    cipher.apply_keystream(&mut text);
    let padding =
        text.last().copied().filter(|padding| (1..=BLOCK).contains(padding)).ok_or(Error::Damaged)?;
    let end = text.len().checked_sub(padding.into()).ok_or(Error::Damaged)?;
    std::str::from_utf8(&text[..end]).map(SecretString::from).map_err(|_| Error::NotText)
}

/// Whether a text is a vault. Like Ansible, checks only its beginning.
pub(crate) fn is_vault(text: &str) -> bool {
    text.trim_start().starts_with(HEADER)
}

/// A vault whose HMAC the password has proved.
struct Opened {
    keys: Zeroizing<[u8; 80]>,
    ciphertext: Vec<u8>,
}

impl Opened {
    fn new(vault: &str, password: &SecretString) -> Result<Self, Error> {
        let body = body(vault)?;
        let inner = unhex(&body).ok_or(Error::Damaged)?;
        let mut parts = inner.split(|&byte| byte == b'\n');
        let mut part = || parts.next().and_then(unhex).ok_or(Error::Damaged);
        let (salt, tag, ciphertext) = (part()?, part()?, part()?);

        let mut keys = Zeroizing::new([0_u8; 80]);
        // Ansible strips white space around a password that it reads from a file, and the service does the same.
        pbkdf2::pbkdf2_hmac::<Sha256>(password.expose_secret().as_bytes(), &salt, ROUNDS, &mut *keys);
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&keys[32..64]).map_err(|_| Error::Damaged)?;
        mac.update(&ciphertext);
        mac.verify_slice(&tag).map_err(|_| Error::WrongPassword)?;
        Ok(Self { keys, ciphertext })
    }
}

/// The lines after the header, joined.
fn body(vault: &str) -> Result<Vec<u8>, Error> {
    let mut lines = vault.trim_start().lines();
    let header = lines.next().and_then(|line| line.strip_prefix(HEADER)).ok_or(Error::NotAVault)?;
    let mut fields = header.trim().split(';');
    match (fields.next(), fields.next()) {
        (Some("1.1" | "1.2"), Some("AES256")) => Ok(lines.flat_map(|line| line.trim().bytes()).collect()),
        _ => Err(Error::UnknownFormat(header.trim().to_owned())),
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
    text.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `ansible-vault encrypt` (ansible-core 2.19.14) from `a: 1` with the password `open sesame`.
    const VAULT: &str = include_str!("../tests/fixtures/vault.yml");

    #[test]
    fn a_vault_opens_with_its_password_only() {
        assert_eq!(check(VAULT, &"open sesame".into()), Ok(()));
        assert_eq!(check(VAULT, &"open sesam".into()), Err(Error::WrongPassword));
        assert_eq!(check(VAULT, &"".into()), Err(Error::WrongPassword));
    }

    /// Made by `ansible-vault encrypt_string --vault-id lab@...` (1.2) and by `encrypt` from a longer text (1.1).
    const LABELED: &str = include_str!("../tests/fixtures/vault-labeled.txt");
    const LONG: &str = include_str!("../tests/fixtures/vault-long.yml");

    #[test]
    fn what_ansible_encrypted_is_decrypted() {
        let open = |vault| decrypt(vault, &"open sesame".into()).map(|text| text.expose_secret().to_owned());
        assert_eq!(open(VAULT).as_deref(), Ok("a: 1\n"));
        assert_eq!(open(LABELED).as_deref(), Ok("tok-Größe✓"));
        // 32 bytes: a whole block of padding.
        assert_eq!(open(LONG).as_deref(), Ok("key: 0123456789abcdef0123456789\n"));
        assert_eq!(decrypt(VAULT, &"open".into()).map(drop), Err(Error::WrongPassword));
    }

    #[test]
    fn a_file_that_is_no_vault_is_distinguished_from_a_wrong_password() {
        let password = "open sesame".into();
        assert_eq!(check("a: 1", &password), Err(Error::NotAVault));
        assert_eq!(
            check("$ANSIBLE_VAULT;1.0;AES\n00", &password),
            Err(Error::UnknownFormat("1.0;AES".into()))
        );
        assert_eq!(check("$ANSIBLE_VAULT;1.1;AES256\n6", &password), Err(Error::Damaged));
        assert_eq!(check(&VAULT[..VAULT.len() - 9], &password), Err(Error::Damaged));
        assert_eq!(check(&VAULT.replacen('3', "z", 1), &password), Err(Error::Damaged));
    }
}
