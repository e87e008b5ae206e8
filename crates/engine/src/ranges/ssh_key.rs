//! A new Ed25519 key pair in the formats of OpenSSH: the private key file (`openssh-key-v1`, without a passphrase) and the line of
//! `authorized_keys`.

use std::io;

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use secrecy::{SecretString, zeroize::Zeroizing};

use crate::keyring::error::KeyError;

const ALGORITHM: &[u8] = b"ssh-ed25519";
/// The private part is padded to a multiple of the block size of the cipher, which is 8 without one.
const BLOCK: usize = 8;
/// Characters per line of the encoded private key, as `ssh-keygen` writes it.
const LINE: usize = 70;

/// A new private key and its public key. The comment is part of both.
pub(super) fn generate(comment: &str) -> Result<(SecretString, String), KeyError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|error| KeyError::NoRandom(io::Error::other(error)))?;
    // Fails only for a seed of another length.
    let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| KeyError::Damaged)?;
    let public = pair.public_key().as_ref();
    let mut check = [0; 4];
    getrandom::fill(&mut check).map_err(|error| KeyError::NoRandom(io::Error::other(error)))?;

    let mut blob = Vec::new();
    field(&mut blob, ALGORITHM);
    field(&mut blob, public);

    // A reallocation would leave a copy of the key in memory.
    let mut private = Zeroizing::new(Vec::with_capacity(256 + comment.len()));
    private.extend_from_slice(&check);
    private.extend_from_slice(&check);
    field(&mut private, ALGORITHM);
    field(&mut private, public);
    field(&mut private, &Zeroizing::new([&*seed, public].concat()));
    field(&mut private, comment.as_bytes());
    let padding = private.len().next_multiple_of(BLOCK) - private.len();
    private.extend((1..).take(padding));

    let mut file = Zeroizing::new(Vec::with_capacity(512 + comment.len()));
    file.extend_from_slice(b"openssh-key-v1\0");
    field(&mut file, b"none");
    field(&mut file, b"none");
    field(&mut file, b"");
    file.extend_from_slice(&1_u32.to_be_bytes());
    field(&mut file, &blob);
    field(&mut file, &private);

    let public =
        format!("{} {} {comment}", String::from_utf8_lossy(ALGORITHM), BASE64_STANDARD.encode(&blob));
    Ok((pem(&file), public))
}

/// A string of the SSH protocol: its length, then its bytes.
fn field(buffer: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(bytes);
}

fn pem(file: &[u8]) -> SecretString {
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(file));
    let mut text = Zeroizing::new(String::with_capacity(encoded.len() * 2 + 128));
    text.push_str("-----BEGIN OPENSSH PRIVATE KEY-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END OPENSSH PRIVATE KEY-----\n");
    SecretString::from(text.as_str())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, process::Command};

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn ssh_keygen_derives_the_public_key_from_the_private_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("key");
        // Comments of all lengths, so that each amount of padding occurs.
        for length in 1..=8 {
            let (private, public) = generate(&"c".repeat(length)).expect("a key");
            fs::write(&file, private.expose_secret()).expect("written");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("changed");
            let output =
                Command::new("ssh-keygen").arg("-y").arg("-f").arg(&file).output().expect("ssh-keygen");
            let derived = String::from_utf8(output.stdout).expect("text");
            assert_eq!(derived.trim(), public, "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
