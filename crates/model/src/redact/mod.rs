//! Taking secrets out of text before it is stored, streamed, logged or answered.
//!
//! By value: what is known to be secret in this run, in every form that programs print it in (`forms.rs`), found by one
//! automaton in one pass, so that the time grows with the text and not with the number of secrets. By shape: what
//! always is a secret (`shapes.rs`). Text that comes in pieces goes through a [`Passage`].
//!
//! Names of hosts, tasks and result keys identify things, so a weak secret (a password that is a common word or the name
//! of a host) must not change them: `names.rs` decides which secrets could be names.

mod forms;
mod names;
mod passage;
mod shapes;
mod squeezed;

use std::{borrow::Cow, collections::BTreeSet, fmt, ops::Range};

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::{Map, Value};

pub use forms::SHORTEST_VALUE;
pub use passage::Passage;

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// Members of results whose values are names of variables.
const NAMING: &[&str] = &["ansible_index_var", "ansible_loop_var"];

/// Removes secrets; cheap to keep for a whole run. `Debug` does not show what it knows.
#[derive(Default)]
pub struct Redactor {
    known: Option<Known>,
    /// Without the values that could be names.
    in_names: Option<Known>,
}

/// The values as automata.
#[derive(Clone)]
struct Known {
    /// Every form as it stands.
    exact: AhoCorasick,
    /// Which sides of a match have a character that belongs to it in part; by number of the form.
    sides: Vec<forms::Sides>,
    /// Long forms without white space, for those that are wrapped or indented.
    squeezed: Option<AhoCorasick>,
    /// Is one of them a number?
    has_numbers: bool,
    /// Values that are only looked for as whole texts.
    short: BTreeSet<String>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("forms", &self.known.as_ref().map_or(0, |known| known.sides.len()))
            .finish()
    }
}

impl Redactor {
    /// Knows these values besides the shapes. Of a value of many lines each line counts as well. Values and lines
    /// that are too short ([`SHORTEST_VALUE`]) would mask half of every text: of those, values are looked for as whole
    /// texts and between quotes, lines not at all.
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
        shapes::hide(hidden(self.in_names.as_ref(), name, |_, _, _| false))
    }

    /// The text without secrets, except those that are names by `is_name`.
    #[must_use]
    pub fn text_with_names<'a>(&self, text: &'a str, is_name: impl Fn(&str) -> bool) -> Cow<'a, str> {
        self.text_with_names_at(text, |_, name, _| is_name(name))
    }

    /// As [`Self::text_with_names`]; `is_name` is also given the bytes before and after.
    #[must_use]
    pub fn text_with_names_at<'a>(
        &self,
        text: &'a str,
        is_name: impl Fn(Option<&u8>, &str, Option<&u8>) -> bool,
    ) -> Cow<'a, str> {
        shapes::hide(hidden(self.known.as_ref(), text, is_name))
    }

    /// The text without secrets; it is a whole, not a piece of something longer.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.text_with_names(text, |_| false)
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
            Value::String(text) => {
                if self.known.as_ref().is_some_and(|known| known.short.contains(text.as_str())) {
                    *text = MASK.into();
                } else if let Cow::Owned(changed) = self.text(text) {
                    *text = changed;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value_with_names(item, is_name)),
            Value::Object(members) => self.members(members, is_name),
            Value::Number(number) => {
                let hides_numbers = self.known.as_ref().is_some_and(|known| known.has_numbers);
                if hides_numbers
                    && matches!(
                        hidden(self.known.as_ref(), &number.to_string(), |_, _, _| false),
                        Cow::Owned(_)
                    )
                {
                    *value = MASK.into();
                }
            }
            Value::Null | Value::Bool(_) => {}
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

/// The text without the values; those stay that are names by `is_name`.
fn hidden<'a>(
    known: Option<&Known>,
    text: &'a str,
    is_name: impl Fn(Option<&u8>, &str, Option<&u8>) -> bool,
) -> Cow<'a, str> {
    let Some(known) = known else { return Cow::Borrowed(text) };
    let mut spans = known.exact_spans(text);
    if let Some(automaton) = known.squeezed.as_ref().filter(|_| squeezed::is_broken(text)) {
        spans.extend(squeezed::spans(automaton, text));
        spans.sort_unstable_by_key(|span| span.end);
    }
    let bytes = text.as_bytes();
    spans.retain(|span| {
        let before = span.start.checked_sub(1).and_then(|at| bytes.get(at));
        !text.get(span.clone()).is_some_and(|name| is_name(before, name, bytes.get(span.end)))
    });
    masked(text, spans)
}

impl Known {
    fn of<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut all = forms::Forms::default();
        let mut short = BTreeSet::new();
        for value in values {
            all.add(value);
            if (1..SHORTEST_VALUE).contains(&value.len()) {
                short.insert(value.to_owned());
            }
        }
        Self::new(&all, short)
    }

    /// `None` when there is nothing to look for.
    fn new(all: &forms::Forms, short: BTreeSet<String>) -> Option<Self> {
        let forms: Vec<(&str, forms::Sides)> = all.iter().collect();
        let exact = automaton(forms.iter().map(|(text, _)| text))?;
        let long = forms.iter().map(|(text, _)| squeezed::squeeze(text).text);
        let long: BTreeSet<String> = long.filter(|text| text.len() >= squeezed::SHORTEST).collect();
        let is_number = |(text, _): &(&str, _)| text.parse::<serde_json::Number>().is_ok();
        Some(Self {
            exact,
            squeezed: automaton(long),
            has_numbers: forms.iter().any(is_number),
            short,
            sides: forms.into_iter().map(|(_, sides)| sides).collect(),
        })
    }

    /// Where forms are, by their ends.
    fn exact_spans(&self, text: &str) -> Vec<Range<usize>> {
        let bytes = text.as_bytes();
        let found = self.exact.find_overlapping_iter(text);
        found.map(|found| self.sides[found.pattern().as_usize()].widen(bytes, found.range())).collect()
    }
}

/// Overlapping matches are wanted: a secret that begins within another one must not be left standing in half.
fn automaton<T: AsRef<[u8]>>(patterns: impl IntoIterator<Item = T>) -> Option<AhoCorasick> {
    let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(patterns).ok()?;
    (automaton.patterns_len() > 0).then_some(automaton)
}

/// The text with one mask for each run of spans that touch; the spans come by their ends.
fn masked(text: &str, spans: Vec<Range<usize>>) -> Cow<'_, str> {
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut merged: Vec<Range<usize>> = Vec::new();
    for mut span in spans {
        while let Some(last) = merged.pop_if(|last| last.end >= span.start) {
            span = span.start.min(last.start)..span.end.max(last.end);
        }
        merged.push(span);
    }
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for span in merged {
        clean.push_str(&text[from..span.start]);
        clean.push_str(MASK);
        from = span.end;
    }
    clean.push_str(&text[from..]);
    Cow::Owned(clean)
}

/// Does a name, of a variable or a setting, tell that its value is a secret?
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
    fn a_value_is_masked_in_base64_wherever_it_begins() {
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
    fn names_tell_of_secrets() {
        for (name, tells) in [
            ("proxmox_api_token_secret", true),
            ("ROOT_PASSWORD", true),
            ("vault_ssh_private_key", true),
            ("proxmox_api_token_id", false),
            ("vault_password_file", false),
            ("hosts", false),
        ] {
            assert_eq!(tells_of_a_secret(name), tells, "{name}");
        }
    }
}
