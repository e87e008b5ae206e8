//! Recognizes secrets by pattern: authorization headers, private keys, tokens with a known prefix.

use std::{ops::Range, sync::LazyLock};

use regex::{Regex, RegexSet};

/// Patterns whose group `secret` is masked. The engine of `regex` takes time that grows with the text alone.
const SHAPES: &[&str] = &[
    // Proxmox: tokens and tickets.
    r"PVEAPIToken=[^!\s]+![^=\s]+=(?<secret>[A-Za-z0-9-]+)",
    r"(?<secret>PVE:[^\s:]+:[0-9A-F]{8}::[A-Za-z0-9+/=]+)",
    // `Authorization: Bearer x`, in JSON or Python's notation, too.
    r#"(?i)authorization\\?["']?\s*[:=,]\s*\\?["']?(?:basic|bearer|digest|token|negotiate|ntlm|apikey|aws4-hmac-sha256)\s+(?<secret>[^\s"'\\][^"'\\\r\n]*)"#,
    r#"(?i)authorization\\?["']?\s*[:=,]\s*\\?["']?(?<secret>[A-Za-z0-9._~+/=-]{16,})(?:[\s"'\\,;}]|$)"#,
    r#"(?i)\b(?:x-api-key|x-auth-token|x-vault-token|private-token|csrfpreventiontoken|set-cookie|cookie)\\?["']?\s*[:=]\s*\\?["']?(?<secret>[^\s"'\\]{8,}[^"'\\\r\n]*)"#,
    r"(?s)(?<secret>-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z))",
    // JSON Web Tokens: the header is `{"...`, base64url.
    r"\b(?<secret>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,3})",
    r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:(?<secret>[^/\s@]+)@",
    // API tokens of Rangehand: their ID is not secret.
    r"rh_[0-9a-f]{12}_(?<secret>[0-9a-f]{16,})",
    r"\b(?<secret>gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{20,})",
];

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles them")]
static ANY: LazyLock<RegexSet> = LazyLock::new(|| RegexSet::new(SHAPES).expect("valid patterns"));

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles them")]
static EACH: LazyLock<Vec<Regex>> =
    LazyLock::new(|| SHAPES.iter().map(|pattern| Regex::new(pattern).expect("a valid pattern")).collect());

/// Where secrets of such a shape are. Most texts have none, which one search of all patterns at once finds.
pub(super) fn spans(text: &str) -> Vec<Range<usize>> {
    let secrets = |number: usize| EACH[number].captures_iter(text).filter_map(|found| found.name("secret"));
    ANY.matches(text).into_iter().flat_map(secrets).map(|secret| secret.range()).collect()
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
            let mut spans = spans(text);
            spans.sort_unstable_by_key(|span| span.end);
            assert_eq!(super::super::masked::text(text, spans), clean);
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
            assert!(spans(text).is_empty(), "{text}");
        }
    }
}
