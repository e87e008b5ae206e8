//! The subset of YAML that is needed to find names: strings, lists, and maps.
//!
//! Scalars of every type are kept as text and tags are dropped, so `!vault` and `!unsafe` values read as plain
//! strings. Nothing here is ever passed to Ansible. A repeated key keeps its last value, as in Ansible.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A node. Null is the empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Yaml {
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

/// Parses one document. `None` if it is not YAML, or is larger or deeper than any real playbook.
pub(super) fn parse(text: &str) -> Option<Yaml> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).ok()
}

impl Yaml {
    /// The value of a key; of a repeated one, the last.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The first of several spellings of a key.
    pub(super) fn get_any(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().find_map(|key| self.get(key))
    }

    pub(super) fn entries(&self) -> &[(String, Self)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    pub(super) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The strings of a list, or the one string in place of a list.
    pub(super) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) if text.is_empty() => Vec::new(),
            Self::Text(text) => vec![text],
            Self::List(items) => items.iter().filter_map(Self::text).collect(),
            Self::Map(_) => Vec::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

/// Visits of scalars that differ only in their type.
macro_rules! texts {
    ($($visit:ident: $scalar:ty),+) => {
        $(fn $visit<E>(self, value: $scalar) -> Result<Yaml, E> {
            Ok(Yaml::Text(value.to_string()))
        })+
    };
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Yaml;

    texts!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64, visit_str: &str);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML node")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Text(String::new()))
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Text(String::new()))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Yaml::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = access.next_entry::<Yaml, Yaml>()? {
            if let Yaml::Text(key) = key {
                entries.push((key, value));
            }
        }
        Ok(Yaml::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awkward_scalars_are_texts_and_tags_are_dropped() {
        let yaml = parse(
            "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nb: yes\nc: 0777\nd: .inf\ne:\n1: x\n? [k]\n: v\n\
             u: !unsafe '{{ x }}'\nb: last\n",
        )
        .unwrap();
        let text = |key| yaml.get(key).and_then(Yaml::text).unwrap().to_owned();
        assert_eq!(text("a"), "$ANSIBLE_VAULT;1.1;AES256\n6162\n");
        assert_eq!((text("b"), text("e"), text("1")), ("last".into(), String::new(), "x".into()));
        assert_eq!((text("d"), text("u")), (".inf".into(), "{{ x }}".into()));
    }

    #[test]
    fn bombs_and_broken_documents_are_no_documents() {
        let mut bomb = String::from("a0: &a0 [x, x]\n");
        for level in 1..30 {
            let last = level - 1;
            bomb += &format!("a{level}: &a{level} [*a{last}, *a{last}, *a{last}, *a{last}]\n");
        }
        let deep = "[".repeat(100_000);
        for text in [bomb.as_str(), &deep, "- hosts: [\n  tasks", "a: 1\n---\nb: 2\n"] {
            assert_eq!(parse(text), None);
        }
    }
}
