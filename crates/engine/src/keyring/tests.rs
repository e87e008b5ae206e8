//! Encrypted data can be decrypted only with its key and for its job or range.

use std::{fs, os::unix::fs::PermissionsExt};

use model::{EncryptedSecrets, RangeId, SecretValue};
use serde_json::json;

use super::{error::KeyError, file::Key, handle::Keyring, seal};
use crate::clock;

fn keyring() -> (tempfile::TempDir, Keyring) {
    let directory = tempfile::tempdir().expect("a directory");
    let keyring = Keyring::open(&directory.path().join("secrets.key")).expect("a new file");
    (directory, keyring)
}

fn secrets() -> SecretValue {
    SecretValue::new(json!([{}, {"token": "hunter-two"}]))
}

#[test]
fn encrypted_secrets_decrypt_only_for_their_job() {
    let (_directory, keyring) = keyring();
    let (job, other) = (clock::new_job_id(), clock::new_job_id());
    let encrypted = keyring.seal(job, &secrets()).expect("encrypted");
    assert!(!encrypted.0.contains("hunter"), "{}", encrypted.0);
    assert_eq!(keyring.unseal(job, &encrypted).expect("opened"), secrets());
    assert!(matches!(keyring.unseal(other, &encrypted), Err(KeyError::Damaged)));
    assert_ne!(keyring.seal(job, &secrets()).expect("encrypted"), encrypted, "a nonce is used once");
}

#[test]
fn secrets_encrypted_for_a_range_decrypt_for_no_job_and_no_other_range() {
    let (_directory, keyring) = keyring();
    let id = uuid::Uuid::now_v7();
    let (range, other) = (RangeId::from_uuid(id), RangeId::from_uuid(uuid::Uuid::now_v7()));
    let encrypted = keyring.seal(range, &secrets()).expect("encrypted");
    assert_eq!(keyring.unseal(range, &encrypted).expect("opened"), secrets());
    assert!(matches!(keyring.unseal(other, &encrypted), Err(KeyError::Damaged)));
    assert!(matches!(keyring.unseal(model::JobId::from_uuid(id), &encrypted), Err(KeyError::Damaged)));
}

#[test]
fn what_was_changed_or_cut_off_does_not_open() {
    let (_directory, keyring) = keyring();
    let job = clock::new_job_id();
    let encrypted = keyring.seal(job, &secrets()).expect("encrypted").0;
    let last = if encrypted.ends_with('A') { "B" } else { "A" };
    let key = encrypted.split('.').nth(1).expect("a key").to_owned();
    for broken in [
        format!("{}{last}", &encrypted[..encrypted.len() - 1]),
        encrypted[..encrypted.len() - 30].to_owned(),
        format!("v1.{key}.x"),
        encrypted.replacen("v1", "v2", 1),
        String::new(),
    ] {
        assert!(
            matches!(keyring.unseal(job, &EncryptedSecrets(broken.clone())), Err(KeyError::Damaged)),
            "{broken}"
        );
    }
    let other = encrypted.replacen(&key, "00000000", 1);
    assert!(
        matches!(keyring.unseal(job, &EncryptedSecrets(other)), Err(KeyError::Unknown(key)) if key == "00000000")
    );
}

#[test]
fn the_file_is_private_made_once_and_read_again_when_it_changes() {
    let (_directory, keyring) = keyring();
    let mode = keyring.path.metadata().expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = Keyring::open(&keyring.path).expect("the same file");
    let job = clock::new_job_id();
    let encrypted = keyring.seal(job, &secrets()).expect("encrypted");
    assert_eq!(again.unseal(job, &encrypted).expect("opened"), secrets());

    let id = again.change(|keys| {
        keys.push(Key::generate()?);
        Ok(keys[1].id.clone())
    });
    let newer = keyring.seal(job, &secrets()).expect("encrypted");
    assert_eq!(seal::key_of(&newer), Some(id.expect("changed").as_str()));
    assert_eq!(keyring.unseal(job, &encrypted).expect("the old key opens"), secrets());
}

#[test]
fn a_file_that_others_may_read_or_that_is_damaged_is_refused() {
    let (_directory, keyring) = keyring();
    let refused = |keyring: &Keyring| Keyring::open(&keyring.path).map(drop).expect_err("refused");
    fs::set_permissions(&keyring.path, fs::Permissions::from_mode(0o640)).expect("the test owns it");
    assert!(matches!(refused(&keyring), KeyError::File { .. }));
    fs::set_permissions(&keyring.path, fs::Permissions::from_mode(0o600)).expect("the test owns it");
    for text in ["", "# nothing\n", "0a1b2c3d 2026-11-20T14:00:00Z AAAA\n", "some text\n"] {
        fs::write(&keyring.path, text).expect("the test owns it");
        assert!(matches!(refused(&keyring), KeyError::File { .. }), "{text}");
    }
}

#[test]
fn a_fingerprint_identifies_equal_requests_and_needs_the_key() {
    let ((_first, one), (_second, two)) = (keyring(), keyring());
    let print =
        |keyring: &Keyring, secrets: &SecretValue| keyring.fingerprint(secrets).expect("a fingerprint");
    assert_eq!(print(&one, &secrets()), print(&one, &secrets()));
    assert_ne!(
        print(&one, &secrets()),
        print(&one, &SecretValue::new(json!([{}, {"token": "hunter-three"}])))
    );
    assert_ne!(print(&one, &secrets()), print(&two, &secrets()));
}
