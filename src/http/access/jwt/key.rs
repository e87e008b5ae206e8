//! Keys of a JWKS (RFC 7517). The key determines the algorithm (RS256 or ES256), never the token.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

/// A public key that verifies tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    id: Option<String>,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    P256(Vec<u8>),
}

/// All supported keys of a JWKS.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(Vec<Key>);

/// Why a JWKS cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadKeys {
    #[error("it is no JWKS")]
    Json(#[from] serde_json::Error),
    #[error("no key in it is for RS256 (RSA, from 2048 bits) or ES256 (P-256)")]
    NoneUsable,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Parses a JWKS. Keys of other kinds are skipped, because an issuer may have some for other purposes.
    pub(crate) fn parse(text: &str) -> Result<Self, BadKeys> {
        let document: Document = serde_json::from_str(text)?;
        let keys: Vec<Key> = document.keys.into_iter().filter_map(Key::read).collect();
        if keys.is_empty() { Err(BadKeys::NoneUsable) } else { Ok(Self(keys)) }
    }

    /// The key for a token: by its ID, or the only key if the token names none.
    pub(super) fn find(&self, id: Option<&str>) -> Option<&Key> {
        match (id, self.0.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Key {
    fn read(written: serde_json::Value) -> Option<Self> {
        let written: Written = serde_json::from_value(written).ok()?;
        if written.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let bytes = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        let material = match (written.kty.as_str(), written.crv.as_deref()) {
            ("RSA", _) => {
                let n: Vec<u8> = bytes(written.n)?.into_iter().skip_while(|byte| *byte == 0).collect();
                // At least 2048 bits; shorter keys are insecure.
                if n.len() < 256 {
                    return None;
                }
                Material::Rsa { n, e: bytes(written.e)?.into_iter().skip_while(|byte| *byte == 0).collect() }
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(written.x)?, bytes(written.y)?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                Material::P256([&[4][..], &x, &y].concat())
            }
            _ => return None,
        };
        let key = Self { id: written.kid, material };
        written.alg.as_deref().is_none_or(|alg| alg == key.algorithm()).then_some(key)
    }

    /// The only algorithm that this key supports.
    pub(super) const fn algorithm(&self) -> &'static str {
        match self.material {
            Material::Rsa { .. } => "RS256",
            Material::P256(_) => "ES256",
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { n, e } => {
                let key = RsaPublicKeyComponents { n: n.as_slice(), e: e.as_slice() };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            Material::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_for_other_purposes_are_passed_over() {
        let x = URL_SAFE_NO_PAD.encode([1; 32]);
        let n = URL_SAFE_NO_PAD.encode([255; 256]);
        let short = URL_SAFE_NO_PAD.encode([255; 128]);
        let usable =
            |keys: String| Keys::parse(&format!(r#"{{"keys":[{keys}]}}"#)).map_or(0, |keys| keys.len());
        let ec = |more: &str| format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{x}"{more}}}"#);
        assert_eq!(usable(ec("")), 1);
        assert_eq!(usable(ec(r#","use":"sig","alg":"ES256""#)), 1);
        assert_eq!(usable(ec(r#","use":"enc""#)), 0);
        assert_eq!(usable(ec(r#","alg":"RS256""#)), 0);
        assert_eq!(usable(format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"}}"#)), 1);
        assert_eq!(usable(format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"PS256"}}"#)), 0);
        assert_eq!(usable(format!(r#"{{"kty":"RSA","n":"{short}","e":"AQAB"}}"#)), 0, "1024 bits");
        assert_eq!(usable(r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned()), 0, "a shared secret is no key");
        assert_eq!(usable(format!(r#"7,{{}},{}"#, ec(""))), 1);
    }
}
