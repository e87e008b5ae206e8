//! One value of one key: from the given value to a checked one.

use config::ValueKind;
use secrecy::{ExposeSecret, SecretString};

use super::kind::{Key, Kind, PairRule, Rule};

/// A value as it was written, in a file or the environment.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    Text(String),
    Integer(i64),
    Switch(bool),
    List(Vec<Raw>),
    Table(Vec<(String, Raw)>),
    /// A value that is invalid for every key, as it is shown in an error.
    Other(String),
}

impl Raw {
    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(_) | Self::Switch(_) | Self::List(_) | Self::Table(_) | Self::Other(_) => None,
        }
    }

    /// A value in a table of names and values, as it would be written in the environment.
    fn as_plain(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Other(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Switch(on) => Some(on.to_string()),
            Self::List(_) | Self::Table(_) => None,
        }
    }
}

impl std::fmt::Display for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "`{}`", text.escape_debug()),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Switch(on) => write!(f, "{on}"),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Table(members) => {
                let members: Vec<String> =
                    members.iter().map(|(name, value)| format!("{name} = {value}")).collect();
                write!(f, "a table {{{}}}", members.join(", "))
            }
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// A value that is valid for its key.
#[derive(Debug, Clone)]
pub(super) enum Checked {
    /// For the layers; `Nil` where an optional key is not set.
    Plain(ValueKind),
    /// Kept out of the layers, which hold plain texts.
    Secret(Option<SecretString>),
}

impl Checked {
    /// Is it the same value?
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let exposed =
            |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        match (self, other) {
            (Self::Plain(one), Self::Plain(other)) => one == other,
            (Self::Secret(one), Self::Secret(other)) => exposed(one) == exposed(other),
            (Self::Plain(_), Self::Secret(_)) | (Self::Secret(_), Self::Plain(_)) => false,
        }
    }
}

/// Checks a value against its key.
///
/// # Errors
/// The allowed values.
pub(super) fn check(key: &Key, raw: Raw) -> Result<Checked, String> {
    if key.optional && raw == Raw::Text(String::new()) {
        return Ok(match key.kind {
            Kind::Secret(_) => Checked::Secret(None),
            Kind::List(_) | Kind::SearchPath | Kind::Pairs(_) => Checked::Plain(ValueKind::Array(Vec::new())),
            Kind::Integer { .. }
            | Kind::Switch
            | Kind::Text(_)
            | Kind::Word(_)
            | Kind::Path
            | Kind::OneOrMore(_)
            | Kind::Variables => Checked::Plain(ValueKind::Nil),
        });
    }
    let checked = match (key.kind, raw) {
        (Kind::Secret(rule), Raw::Text(text)) => return secret(rule, text),
        (Kind::Integer { min, max }, Raw::Integer(n)) if (min..=max).contains(&n) => Some(ValueKind::I64(n)),
        (Kind::Switch, Raw::Switch(on)) => Some(ValueKind::Boolean(on)),
        (Kind::Text(rule), Raw::Text(text)) if (rule.accepts)(&text) => Some(ValueKind::String(text)),
        (Kind::Word(words), Raw::Text(text)) if words.contains(&&*text) => Some(ValueKind::String(text)),
        (Kind::Path, Raw::Text(text)) if is_path(&text) => Some(ValueKind::String(text)),
        (Kind::SearchPath, Raw::Text(text)) => {
            texts(text.split(':').filter(|part| !part.is_empty()), is_path)
        }
        (Kind::SearchPath, Raw::List(items)) => list(&items, is_path),
        (Kind::List(rule), Raw::List(items)) => list(&items, rule.accepts),
        (Kind::Pairs(rule), Raw::Table(members)) => table(&members, rule),
        (Kind::Pairs(rule), Raw::List(items)) => pairs(&items, rule),
        (Kind::OneOrMore(rule), Raw::List(items)) if !items.is_empty() => list(&items, rule.accepts),
        (Kind::OneOrMore(rule), Raw::Text(text)) if (rule.accepts)(&text) => Some(ValueKind::String(text)),
        _ => None,
    };
    checked.map(Checked::Plain).ok_or_else(|| allowed(key))
}

/// The allowed values of a key, for an error.
pub(super) fn allowed(key: &Key) -> String {
    let allowed = match key.kind {
        Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Kind::Switch => "true or false".to_owned(),
        Kind::Text(rule) | Kind::Secret(rule) => rule.allowed.to_owned(),
        Kind::Word(words) => words.join(" or "),
        Kind::Path => "the path of a file or directory".to_owned(),
        Kind::SearchPath => "a list of directories, or a string such as `/a:/b`".to_owned(),
        Kind::List(rule) => format!("a list of {}", rule.allowed),
        Kind::OneOrMore(rule) => format!("{}, or a list of such strings", rule.allowed),
        Kind::Pairs(rule) => format!("a table of {}", rule.allowed),
        Kind::Variables => "a table of environment variables and their values".to_owned(),
    };
    if key.optional { format!("{allowed}, or \"\" for none") } else { allowed }
}

/// The meaning of the words that stand for true and false in the environment, in any case; the same words
/// that the reference service takes.
pub(super) fn switch_word(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
        "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

fn secret(rule: Rule, text: String) -> Result<Checked, String> {
    if (rule.accepts)(&text) {
        Ok(Checked::Secret(Some(SecretString::from(text))))
    } else {
        Err(rule.allowed.to_owned())
    }
}

fn is_path(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

fn list(items: &[Raw], accepts: fn(&str) -> bool) -> Option<ValueKind> {
    let items: Option<Vec<&str>> = items.iter().map(Raw::as_text).collect();
    texts(items?.into_iter(), accepts)
}

/// Texts such as `name=value`.
fn pairs(items: &[Raw], rule: PairRule) -> Option<ValueKind> {
    let items: Option<Vec<(String, Raw)>> = items
        .iter()
        .map(|item| {
            let (name, value) = item.as_text()?.split_once('=')?;
            Some((name.trim().to_owned(), Raw::Text(value.trim().to_owned())))
        })
        .collect();
    table(&items?, rule)
}

fn table(members: &[(String, Raw)], rule: PairRule) -> Option<ValueKind> {
    let members: Option<Vec<String>> = members
        .iter()
        .map(|(name, value)| {
            let value = value.as_plain()?;
            (rule.accepts)(name, &value).then(|| format!("{name}={value}"))
        })
        .collect();
    texts(members?.iter().map(String::as_str), |_| true)
}

fn texts<'a>(items: impl Iterator<Item = &'a str>, accepts: fn(&str) -> bool) -> Option<ValueKind> {
    let items: Option<Vec<_>> =
        items.map(|item| accepts(item).then(|| config::Value::new(None, item))).collect();
    items.map(ValueKind::Array)
}

#[cfg(test)]
mod tests {
    use super::{super::keys::find, *};

    fn refusal(name: &str, raw: Raw) -> Option<String> {
        check(find(name).unwrap(), raw).err()
    }

    fn text(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    #[test]
    fn a_number_has_a_range() {
        for number in [0, 8000, 65_535] {
            assert_eq!(refusal("server.port", Raw::Integer(number)), None);
        }
        for number in [-1, 65_536, i64::MAX] {
            let allowed = refusal("server.port", Raw::Integer(number)).unwrap();
            assert_eq!(allowed, "a whole number from 0 to 65535");
        }
    }

    #[test]
    fn the_empty_text_unsets_only_what_may_be_unset() {
        assert_eq!(refusal("vault.file", text("")), None);
        assert_eq!(refusal("vault.password", text("")), None);
        assert_eq!(refusal("ansible.roles_path", text("")), None);
        assert!(refusal("paths.playbooks", text("")).is_some());
        assert!(refusal("server.host", text("")).is_some());
    }

    #[test]
    fn a_type_is_not_guessed() {
        assert!(refusal("server.port", text("8000")).is_some());
        assert!(refusal("server.host", Raw::Integer(1)).is_some());
        assert!(refusal("runs.allow_connection_vars", text("yes")).is_some());
        assert!(refusal("runs.exclude", text(".git")).is_some());
        assert!(refusal("runs.exclude", Raw::List(vec![Raw::Integer(1)])).is_some());
    }
}
