//! The fingerprint of a request, by which a request under a known idempotency key is compared with the first one.

use model::JobRequest;
use sha2::{Digest, Sha256};

use crate::{
    canonical::canonical,
    keyring::{error::KeyError, handle::Keyring},
};

/// The same for the same request, whatever the order of what was given. Secret values go into it by a keyed hash:
/// a reader of the database must not be able to try guesses.
pub(super) fn fingerprint(request: &JobRequest, keys: &Keyring) -> Result<[u8; 32], KeyError> {
    let value = serde_json::to_value(request).unwrap_or_default();
    let mut hash = Sha256::new_with_prefix(canonical(&value).to_string());
    if let Some(secrets) = request.work.expose_secrets().filter(|_| request.work.has_secrets()) {
        hash.update(keys.fingerprint(&secrets)?);
    }
    Ok(hash.finalize().into())
}
