//! The fingerprint of a request: whether a request with a known idempotency key equals the first one.

use model::JobRequest;
use sha2::{Digest, Sha256};

use crate::{
    canonical::canonical,
    keyring::{error::KeyError, handle::Keyring},
};

/// Equal requests have equal fingerprints, whatever the order of their fields. Secret values are included through a
/// keyed hash, so that a reader of the database cannot test guesses.
pub(super) fn fingerprint(request: &JobRequest, keys: &Keyring) -> Result<[u8; 32], KeyError> {
    let value = serde_json::to_value(request).unwrap_or_default();
    let mut hash = Sha256::new_with_prefix(canonical(&value).to_string());
    if let Some(secrets) = request.work.expose_secrets().filter(|_| request.work.has_secrets()) {
        hash.update(keys.fingerprint(&secrets)?);
    }
    Ok(hash.finalize().into())
}
