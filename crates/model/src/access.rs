//! Roles and API tokens. Each role includes the permissions of the previous ones.

use jiff::Timestamp;
use serde::Serialize;

use crate::{text_enum, time_text};

text_enum! {
    /// A role. Later roles include the permissions of earlier ones.
    Role {
        /// Looks and changes nothing.
        Viewer = "viewer",
        /// Runs machines and playbooks.
        Operator = "operator",
        /// Can create, destroy, delete, and change resources that all machines share.
        Admin = "admin",
    }
}

/// The longest name of a caller, in characters.
pub const MAX_NAME_CHARACTERS: usize = 100;

/// Whether it is a valid caller name for logs and the audit log: 1 to 100 characters without control characters.
#[must_use]
pub fn is_caller_name(name: &str) -> bool {
    (1..=MAX_NAME_CHARACTERS).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// An API token as it is kept: never the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// The part of the token that is no secret: 12 hexadecimal digits.
    pub id: String,
    /// Name of the caller.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// SHA-256 of the whole token.
    #[serde(skip)]
    pub hash: [u8; 32],
    /// When it was created.
    #[serde(serialize_with = "time_text::serialize")]
    pub created_at: Timestamp,
    /// From when on it is worth nothing, if ever.
    #[serde(serialize_with = "time_text::serialize_option")]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    #[serde(serialize_with = "time_text::serialize_option")]
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, give or take a minute.
    #[serde(serialize_with = "time_text::serialize_option")]
    pub used_at: Option<Timestamp>,
}

impl Token {
    /// Why it is worth nothing at this time; `None` when it is good.
    #[must_use]
    pub fn fault(&self, now: Timestamp) -> Option<&'static str> {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => Some("revoked"),
            (None, Some(end)) if end <= now => Some("expired"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_role_may_do_what_an_earlier_one_may() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
    }

    #[test]
    fn a_token_is_good_until_it_ends_or_is_taken_back() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let token = |expires_at, revoked_at| Token {
            id: String::new(),
            name: String::new(),
            role: Role::Viewer,
            hash: [0; 32],
            created_at: at(0),
            expires_at,
            revoked_at,
            used_at: None,
        };
        assert_eq!(token(None, None).fault(at(9)), None);
        assert_eq!(token(Some(at(10)), None).fault(at(9)), None);
        assert_eq!(token(Some(at(9)), None).fault(at(9)), Some("expired"));
        assert_eq!(token(None, Some(at(20))).fault(at(9)), Some("revoked"));
    }

    #[test]
    fn a_name_has_no_line_ends() {
        for (name, is_one) in [("ann", true), ("Ünal B.", true), ("", false), ("a\nb", false)] {
            assert_eq!(is_caller_name(name), is_one, "{name:?}");
        }
        assert!(!is_caller_name(&"x".repeat(101)));
    }
}
