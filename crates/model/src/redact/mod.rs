//! Masks secrets in text before it is stored, streamed, logged, or returned.
//!
//! By value: what is known to be secret in this run, in every form that programs print it in (`forms.rs`), found by
//! automata in one pass over each reading of the text (`known.rs`, `readings.rs`, `digits.rs`, `dumps.rs`), so that the time grows
//! with the text and not with the number of secrets. By shape: what always is a secret (`shapes.rs`). The items of a list
//! of texts are one text, broken into lines. Text that comes in pieces goes through a [`Passage`].
//!
//! Names of hosts, tasks and result keys identify things, so a weak secret (a password that is a common word or the name
//! of a host) must not change them: `names.rs` decides which secrets could be names.

mod digits;
mod dumps;
mod encoded;
mod forms;
mod known;
mod masked;
mod names;
mod passage;
mod readings;
mod shapes;
mod sides;

use std::{borrow::Cow, fmt, ops::Range};

use serde_json::{Map, Value};

pub use forms::SHORTEST_VALUE;
use known::Known;
pub use masked::MASK;
pub use passage::Passage;

/// Members of results whose values are names of variables.
const NAMING: &[&str] = &["ansible_index_var", "ansible_loop_var"];

/// Removes secrets; cheap to keep for a whole run. `Debug` does not show what it knows.
#[derive(Default)]
pub struct Redactor {
    known: Option<Known>,
    /// Without the values that could be names.
    in_names: Option<Known>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("forms", &self.known.as_ref().map_or(0, |known| known.forms()))
            .finish()
    }
}

impl Redactor {
    /// Masks these values in addition to patterns. Of a multi-line value each line counts as well. Values and lines
    /// that are too short ([`SHORTEST_VALUE`]) would mask half of every text: such values are only found as whole
    /// texts and between quotes, such lines not at all.
    #[must_use]
    pub fn new<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> Self {
        let values: Vec<T> = values.into_iter().collect();
        let known = Known::of(values.iter().map(AsRef::as_ref));
        let unlike = || values.iter().map(AsRef::as_ref).filter(|value| !names::could_be_a_name(value));
        let in_names = if unlike().count() == values.len() { known.clone() } else { Known::of(unlike()) };
        Self { known, in_names }
    }

    /// A name, of a task or a member of an object, without secrets. Secrets that could be names themselves stay.
    #[must_use]
    pub fn name<'a>(&self, name: &'a str) -> Cow<'a, str> {
        masked::text(name, found(self.in_names.as_ref(), name, |_, _, _| false))
    }

    /// The text without secrets, except those that are names by `is_name`.
    #[must_use]
    pub fn text_with_names<'a>(&self, text: &'a str, is_name: impl Fn(&str) -> bool) -> Cow<'a, str> {
        self.text_with_names_at(text, |_, name, _| is_name(name))
    }

    /// As [`Self::text_with_names`]; `is_name` also gets the bytes before and after.
    #[must_use]
    pub fn text_with_names_at<'a>(
        &self,
        text: &'a str,
        is_name: impl Fn(Option<&u8>, &str, Option<&u8>) -> bool,
    ) -> Cow<'a, str> {
        masked::text(text, found(self.known.as_ref(), text, is_name))
    }

    /// The text without secrets; it is a whole, not a piece of something longer.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.text_with_names(text, |_| false)
    }

    /// Is one of the known values in this text, in any of its forms?
    #[must_use]
    pub fn knows_a_value_in(&self, text: &str) -> bool {
        self.known.as_ref().is_some_and(|known| !known.spans(text).is_empty())
    }

    /// The next piece of a longer text without secrets: pieces are cut at line ends.
    #[must_use]
    pub fn piece<'a>(&self, passage: &mut Passage, piece: &'a str) -> Cow<'a, str> {
        match passage.hide(piece) {
            Cow::Borrowed(piece) => self.text(piece),
            Cow::Owned(piece) => Cow::Owned(self.text(&piece).into_owned()),
        }
    }

    /// Redacts every text inside, and the keys of objects as names. A number that is a secret becomes the mask.
    pub fn value(&self, value: &mut Value) {
        self.value_with_names(value, &|_| false);
    }

    /// As [`Self::value`]; keys that are names by `is_name` stay.
    pub fn value_with_names(&self, value: &mut Value, is_name: &dyn Fn(&str) -> bool) {
        match value {
            Value::String(text) => self.whole(text),
            Value::Array(items) => self.items(items, is_name),
            Value::Object(members) => self.members(members, is_name),
            Value::Number(number) => {
                let hides_numbers = self.known.as_ref().is_some_and(Known::has_numbers);
                if hides_numbers && self.knows_a_value_in(&number.to_string()) {
                    *value = MASK.into();
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A text that is a complete value.
    fn whole(&self, text: &mut String) {
        if self.known.as_ref().is_some_and(|known| known.is_short(text)) {
            *text = MASK.into();
        } else if let Cow::Owned(changed) = self.text(text) {
            *text = changed;
        }
    }

    /// Texts that follow each other are lines of one text: what is broken into lines is masked in each of them.
    fn items(&self, items: &mut [Value], is_name: &dyn Fn(&str) -> bool) {
        for run in items.chunk_by_mut(|one, other| one.is_string() && other.is_string()) {
            let lines: Vec<&str> = run.iter().filter_map(Value::as_str).collect();
            if lines.len() < 2 {
                run.iter_mut().for_each(|item| self.value_with_names(item, is_name));
                continue;
            }
            let text = lines.join("\n");
            let lengths: Vec<usize> = lines.iter().map(|line| line.len()).collect();
            let spans = found(self.known.as_ref(), &text, |_, _, _| false);
            let changed = masked::items(&text, &lengths, spans);
            for (item, line) in run.iter_mut().zip(changed.into_iter().flatten()) {
                *item = line.into();
            }
            for item in run {
                if item
                    .as_str()
                    .is_some_and(|text| self.known.as_ref().is_some_and(|known| known.is_short(text)))
                {
                    *item = MASK.into();
                }
            }
        }
    }

    fn members(&self, members: &mut Map<String, Value>, is_name: &dyn Fn(&str) -> bool) {
        for (key, member) in members.iter_mut() {
            match member {
                // The names of variables.
                Value::String(name) if NAMING.contains(&key.as_str()) => {
                    *name = self.name(name).into_owned();
                }
                member => self.value_with_names(member, is_name),
            }
        }
        let clean = |key: &str| match self.name(key) {
            Cow::Owned(clean) if !is_name(key) => Some(clean),
            _ => None,
        };
        if members.keys().all(|key| clean(key).is_none()) {
            return;
        }
        let mut changed = Map::with_capacity(members.len());
        for (key, member) in std::mem::take(members) {
            let clean = clean(&key).unwrap_or(key);
            // Two keys may differ in their secret only: none may take the other's place.
            let mut free = clean.clone();
            let mut number = 1;
            while changed.contains_key(&free) {
                number += 1;
                free = format!("{clean} ({number})");
            }
            changed.insert(free, member);
        }
        *members = changed;
    }
}

/// Where secrets are in the text, by their ends: values, except those that are names by `is_name`, and shapes.
fn found(
    known: Option<&Known>,
    text: &str,
    is_name: impl Fn(Option<&u8>, &str, Option<&u8>) -> bool,
) -> Vec<Range<usize>> {
    let mut spans = known.map_or_else(Vec::new, |known| known.spans(text));
    let bytes = text.as_bytes();
    spans.retain(|span| {
        let before = span.start.checked_sub(1).and_then(|at| bytes.get(at));
        !text.get(span.clone()).is_some_and(|name| is_name(before, name, bytes.get(span.end)))
    });
    spans.extend(shapes::spans(text));
    spans.sort_unstable_by_key(|span| span.end);
    spans
}

/// Does the name of a variable or a setting indicate that its value is a secret?
#[must_use]
pub fn tells_of_a_secret(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "api_key",
        "apikey",
        "private_key",
        "access_key",
        "credential",
    ];
    // `token_id` names a token, `password_file` a file.
    const ABOUT: &[&str] = &["_id", "_name", "_user", "_file", "_path", "_dir", "_url", "_length", "_ttl"];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word)) && !ABOUT.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn redactor() -> Redactor {
        Redactor::new(["hunter-two", "abc", "it's \"so\" \\ 100%", "-key-\nline of many\nx\n", "31415926"])
    }

    #[test]
    fn a_value_is_masked_in_every_form() {
        let redactor = redactor();
        for (text, clean) in [
            ("password is hunter-two.", "password is ***."),
            ("abc stays", "abc stays"),
            (r#"{"p": "abc", "abcd": 1}"#, r#"{"p": "***", "abcd": 1}"#),
            (r#"{\"p\": \"abc\"}, 'abc'"#, r#"{\"p\": \"***\"}, '***'"#),
            ("hunter-twohunter-two", "***"),
            (r#"echo 'it'"'"'s "so" \ 100%'"#, "echo '***'"),
            (r"echo 'it'\''s x'", r"echo 'it'\''s x'"),
            (r#"{"a": "it's \"so\" \\ 100%"}"#, r#"{"a": "***"}"#),
            ("?p=it%27s%20%22so%22%20%5C%20100%25&q", "?p=***&q"),
            ("?p=it%27s+%22so%22+%5c+100%25&q", "?p=***&q"),
            ("6162 68756e7465722d74776f 00", "6162 *** 00"),
            ("a\n  line of many\nb", "a\n  ***\nb"),
        ] {
            assert_eq!(redactor.text(text), clean);
        }
    }

    #[test]
    fn a_short_value_is_masked_where_it_is_the_whole_text() {
        let mut value = json!({"p": "abc", "more": ["abc", "abcd"]});
        redactor().value(&mut value);
        assert_eq!(value, json!({"p": "***", "more": ["***", "abcd"]}));
    }

    #[test]
    fn a_value_is_masked_in_base64_at_any_alignment() {
        let redactor = redactor();
        // `printf 'root:hunter-two' | base64` and so on: one byte more each time.
        for (text, clean) in
            [("aHVudGVyLXR3bw==", "***"), ("eDpodW50ZXItdHdv", "eD***"), ("eDp4aHVudGVyLXR3bwo", "eDp4***o")]
        {
            assert_eq!(redactor.text(text), clean);
        }
        let wrapped = "aHVudGVy\n  LXR3bw==";
        assert!(!redactor.text(wrapped).contains("LXR3"), "{}", redactor.text(wrapped));
    }

    #[test]
    fn values_that_overlap_are_masked_as_one() {
        assert_eq!(Redactor::new(["abcdef", "defghi", "cde-"]).text("xabcdefghix"), "x***x");
    }

    #[test]
    fn keys_and_numbers_are_masked_too() {
        let mut value =
            json!({"31415926": 1, "31415926 ": {"n": 31415926, "m": 31415}, "***": [], "a": "abc"});
        redactor().value(&mut value);
        let clean = json!({"***": 1, "*** ": {"n": "***", "m": 31415}, "*** (2)": [], "a": "***"});
        assert_eq!(value, clean);
    }

    #[test]
    fn a_secret_that_could_be_a_name_stays_in_names_and_keys() {
        let redactor = Redactor::new(["password", "lab-dc01", "kX9-2f81!s"]);
        for (name, shown) in [
            ("Set password policy", "Set password policy"),
            ("Ask lab-dc01", "Ask lab-dc01"),
            ("Log in with kX9-2f81!s", "Log in with ***"),
        ] {
            assert_eq!(redactor.name(name), shown);
        }
        let mut value = json!({
            "password_policy": "password", "lab-dc01": {"kX9-2f81!s": 1}, "ansible_loop_var": "password",
        });
        redactor.value(&mut value);
        let clean = json!({"password_policy": "***", "lab-dc01": {"***": 1}, "ansible_loop_var": "password"});
        assert_eq!(value, clean);
        let is_host = |text: &str| text == "lab-dc01";
        assert_eq!(redactor.text_with_names("lab-dc01 has password", is_host), "lab-dc01 has ***");
    }

    #[test]
    fn what_it_knows_is_not_shown() {
        assert!(!format!("{:?}", redactor()).contains("hunter"));
    }

    #[test]
    fn names_identify_secrets() {
        for (name, is_secret) in [
            ("proxmox_api_token_secret", true),
            ("ROOT_PASSWORD", true),
            ("vault_ssh_private_key", true),
            ("proxmox_api_token_id", false),
            ("vault_password_file", false),
            ("hosts", false),
        ] {
            assert_eq!(tells_of_a_secret(name), is_secret, "{name}");
        }
    }
}
