//! What is a secret whatever its value: headers that authorize, private keys, tokens that say what they are.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Regex, RegexSet};

/// Patterns, and what stands for a match. The engine of `regex` takes time that grows with the text alone.
const SHAPES: &[(&str, &str)] = &[
    // Proxmox: tokens and tickets.
    (r"(PVEAPIToken=[^!\s]+![^=\s]+=)[A-Za-z0-9-]+", "${1}***"),
    (r"PVE:[^\s:]+:[0-9A-F]{8}::[A-Za-z0-9+/=]+", "***"),
    // `Authorization: Bearer x`, in JSON or Python's notation, too.
    (
        r#"(?i)(authorization\\?["']?\s*[:=,]\s*\\?["']?(?:basic|bearer|digest|token|negotiate|ntlm|apikey|aws4-hmac-sha256)\s+)[^\s"'\\][^"'\\\r\n]*"#,
        "${1}***",
    ),
    (
        r#"(?i)(authorization\\?["']?\s*[:=,]\s*\\?["']?)[A-Za-z0-9._~+/=-]{16,}([\s"'\\,;}]|$)"#,
        "${1}***${2}",
    ),
    (
        r#"(?i)\b((?:x-api-key|x-auth-token|x-vault-token|private-token|csrfpreventiontoken|set-cookie|cookie)\\?["']?\s*[:=]\s*\\?["']?)[^\s"'\\]{8,}[^"'\\\r\n]*"#,
        "${1}***",
    ),
    (
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
        "***",
    ),
    // JSON Web Tokens: the header is `{"...`, base64url.
    (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,3}", "***"),
    (r"([A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:)[^/\s@]+@", "${1}***@"),
    // API tokens of our own: their id is no secret.
    (r"(rh_[0-9a-f]{12}_)[0-9a-f]{16,}", "${1}***"),
    (r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{20,})", "***"),
];

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles them")]
static ANY: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSet::new(SHAPES.iter().map(|(pattern, _)| pattern)).expect("valid patterns"));

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles them")]
static EACH: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    SHAPES.iter().map(|(pattern, _)| Regex::new(pattern).expect("a valid pattern")).collect()
});

/// The text with masks in place of what has such a shape. Most texts have none: one look tells.
pub(super) fn hide(text: Cow<'_, str>) -> Cow<'_, str> {
    let mut result = text;
    for number in ANY.matches(&result) {
        if let Cow::Owned(changed) = EACH[number].replace_all(&result, SHAPES[number].1) {
            result = Cow::Owned(changed);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_shapes_are_masked() {
        for (text, clean) in [
            ("PVEAPIToken=root@pam!id=11111111-aaaa next", "PVEAPIToken=root@pam!id=*** next"),
            (
                "Authorization: PVEAPIToken=root@pam!id=11111111-aaaa",
                "Authorization: PVEAPIToken=root@pam!id=***",
            ),
            ("PVEAuthCookie=PVE:root@pam:4EEC61E2::rsKoApxDTLYPn6H3NNT6iP2mv=", "PVEAuthCookie=***"),
            (r#""Authorization": "Bearer abc.def-ghi""#, r#""Authorization": "Bearer ***""#),
            (r#"{\"authorization\": \"Basic dXNlcg==\"}"#, r#"{\"authorization\": \"Basic ***\"}"#),
            ("'Authorization': 'Digest username=\"x\"", "'Authorization': 'Digest ***\"x\""),
            ("proxy-authorization: 0123456789abcdef", "proxy-authorization: ***"),
            ("X-Vault-Token: hvs.0123456789", "X-Vault-Token: ***"),
            ("https://user:pass@host/x", "https://user:***@host/x"),
            ("redis://:pass@host", "redis://:***@host"),
            ("a -----BEGIN RSA PRIVATE KEY-----\nxx\n-----END RSA PRIVATE KEY----- b", "a *** b"),
            (r"a -----BEGIN PRIVATE KEY-----\nxx\n-----END PRIVATE KEY-----\n b", r"a ***\n b"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\ncut off", "***"),
            (
                "TOKEN=rh_3f0c9a51d2e7_9b1f00112233445566778899aabbccddeeff00112233445566778899aabbccdd next",
                "TOKEN=rh_3f0c9a51d2e7_*** next",
            ),
            ("my_rh_3f0c9a51d2e7_9b1f001122334455 cut off", "my_rh_3f0c9a51d2e7_*** cut off"),
            ("t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0xx.c2lnbmF0dXJl end", "t=*** end"),
        ] {
            assert_eq!(hide(text.into()), clean);
        }
    }

    #[test]
    fn what_has_no_such_shape_stays() {
        for text in [
            "nothing here",
            "authorization: failed",
            "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----",
            "http://host:8006/api2/json",
            "cookie: none",
            "ssh://git@host:22/x",
            "token rh_3f0c9a51d2e7 was revoked",
        ] {
            assert!(matches!(hide(text.into()), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
