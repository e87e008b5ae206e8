//! The known key that an unknown one was probably meant to be.

use super::{keys::KEYS, renamed::RENAMED};

/// Below this similarity a guess is noise: keys with nothing but their section in common come out near 0.5.
const LIKE_ENOUGH: f64 = 0.5;

/// The name of the key that is spelled most like `name`, under its own name or its old one.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let current = KEYS.iter().map(|key| (key.name, key.name));
    let old = RENAMED.iter().map(|row| (row.old, row.new));
    current
        .chain(old)
        .map(|(spelled, key)| (likeness(name, spelled), key))
        .filter(|(likeness, _)| *likeness >= LIKE_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key)
}

/// How alike a name and a key are, from 0 to 1: as a whole, or, when the section is missing or another one,
/// by the last part.
fn likeness(name: &str, key: &str) -> f64 {
    let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    let whole = strsim::normalized_damerau_levenshtein(name, key);
    // A little less than the whole name would count, so that the right section wins between equal parts.
    let part = 0.9 * strsim::normalized_damerau_levenshtein(&last(name), &last(key));
    whole.max(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_key_is_recognised() {
        for (name, key) in [
            ("server.prot", "server.port"),
            ("servr.port", "server.port"),
            ("port", "server.port"),
            ("paths.port", "server.port"),
            ("vault.pasword", "vault.password"),
            ("path.public_playbook", "paths.public_playbooks"),
            ("runs.timeout", "runs.timeout_s"),
            ("store.uri", "store.url"),
            ("runs.max_at_onze", "runs.max_concurrent"),
        ] {
            assert_eq!(nearest(name), Some(key), "{name}");
        }
    }

    #[test]
    fn nothing_is_guessed_from_nothing() {
        assert_eq!(nearest("zzzzzzzzzzzz"), None);
    }
}
