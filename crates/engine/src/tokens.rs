//! API tokens: create, list, revoke, find.
//!
//! ```text
//!  rh_0123456789ab_<64 hexadecimal digits>
//!     '--- id ---' '------ 256 bits ------'
//! ```
//! Only the SHA-256 hash of the token is stored. A slow password hash would add no protection, because 256 random
//! bits cannot be guessed, and it would let unauthenticated clients consume CPU time.

use std::{fmt::Write as _, time::Duration};

use jiff::Timestamp;
use model::{Role, Token};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use store::Store;
use subtle::ConstantTimeEq;

use crate::clock;

const PREFIX: &str = "rh_";
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;
/// Minimum time between two updates of a token's last use.
const MIN_UPDATE_GAP: Duration = Duration::from_secs(60);

/// Why a token operation failed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The name is not suitable for logs and the audit log.
    #[error("a name has 1 to 100 characters, and no control characters")]
    Name,
    /// The expiry would be out of range.
    #[error("the lifetime is too long")]
    Lifetime,
    /// The operating system returned no random bytes.
    #[error("the system returns no random bytes")]
    Random,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
}

/// All tokens of a store; clones are cheap.
#[derive(Debug, Clone)]
pub struct Tokens(Store);

impl Tokens {
    /// The tokens of this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self(store)
    }

    /// Creates a token. This is the only time that its secret text is returned.
    ///
    /// # Errors
    /// When the name is invalid, or the store fails.
    pub async fn make(
        &self,
        name: &str,
        role: Role,
        lifetime: Option<Duration>,
    ) -> Result<(Token, SecretString), TokenError> {
        if !model::access::is_caller_name(name) {
            return Err(TokenError::Name);
        }
        let now = clock::now();
        let expires_at = lifetime
            .map(|lifetime| now.checked_add(lifetime))
            .transpose()
            .map_err(|_| TokenError::Lifetime)?;
        let id = random_digits::<ID_BYTES>()?;
        let text = format!("{PREFIX}{id}_{}", random_digits::<SECRET_BYTES>()?);
        let hash = Sha256::digest(&text).into();
        let name = name.to_owned();
        let token =
            Token { id, name, role, hash, created_at: now, expires_at, revoked_at: None, used_at: None };
        self.0.insert_token(&token).await?;
        Ok((token, SecretString::from(text)))
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self) -> Result<Vec<Token>, TokenError> {
        Ok(self.0.tokens().await?)
    }

    /// Revokes a token immediately. Returns whether there was such a token that was not revoked before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke(&self, id: &str) -> Result<bool, TokenError> {
        Ok(self.0.revoke_token(id, clock::now()).await?)
    }

    /// The token with that ID, whether or not it is valid. The caller's text must still be compared with it
    /// ([`token_matches`]).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, id: &str) -> Result<Option<Token>, TokenError> {
        Ok(self.0.token(id).await?)
    }

    /// Records that a token was used, unless a recent use is already recorded.
    pub async fn used(&self, id: &str, noted: Option<Timestamp>) {
        let now = clock::now();
        let is_recent = |noted: Timestamp| noted.checked_add(MIN_UPDATE_GAP).is_ok_and(|again| now < again);
        if noted.is_some_and(is_recent) {
            return;
        }
        if let Err(error) = self.0.token_used(id, now).await {
            tracing::debug!(%error, token.id = id, "the use of a token was not noted");
        }
    }
}

/// The ID in the text of a token; `None` when the text is not a token.
#[must_use]
pub fn token_id(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_hex = |text: &str, bytes: usize| {
        text.len() == 2 * bytes && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (is_hex(id, ID_BYTES) && is_hex(secret, SECRET_BYTES)).then_some(id)
}

/// Whether this is the text of that token, compared in constant time.
#[must_use]
pub fn token_matches(token: &Token, text: &str) -> bool {
    let hash: [u8; 32] = Sha256::digest(text).into();
    hash.ct_eq(&token.hash).into()
}

fn random_digits<const BYTES: usize>() -> Result<String, TokenError> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| TokenError::Random)?;
    Ok(bytes.iter().fold(String::with_capacity(2 * BYTES), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_in_a_token_and_in_nothing_else() {
        let secret = "0f".repeat(32);
        assert_eq!(token_id(&format!("rh_0123456789ab_{secret}")), Some("0123456789ab"));
        for text in [
            "",
            "rh_",
            "rh_0123456789ab_",
            &format!("rh_0123456789AB_{secret}"),
            &format!("rh_0123456789ab_{secret}0"),
            &format!("xx_0123456789ab_{secret}"),
            &format!("rh_0123456789a'_{secret}"),
        ] {
            assert_eq!(token_id(text), None, "{text}");
        }
    }

    #[test]
    fn random_digits_are_not_the_same_twice() {
        let one = random_digits::<SECRET_BYTES>().expect("random bytes");
        assert_eq!(one.len(), 64);
        assert_ne!(one, random_digits::<SECRET_BYTES>().expect("random bytes"));
    }
}
