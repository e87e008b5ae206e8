//! The subset of YAML that variables need: strings with the relevant part of their tag, lists, and maps.
//!
//! Unlike the catalog's reader it keeps `!vault` and `!unsafe` apart from plain texts, and numbers whose spelling is
//! lost apart from those whose is not: `0777` is 511 to Ansible and 777.0 to this reader.

use std::fmt;

use secrecy::zeroize::Zeroizing;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Tagged;

/// A node. What it holds is not shown by `Debug`: it may be a secret.
#[derive(Clone)]
pub(super) enum Node {
    Null,
    /// A text or a whole number. Wiped when dropped: it may be a secret.
    Text(Zeroizing<String>),
    /// `!vault`: still encrypted.
    Vault(String),
    /// `!unsafe`: never a template.
    Unsafe(Zeroizing<String>),
    /// True, false, a fraction: Ansible's text of it is not known here.
    Scalar,
    List,
    Map(Vec<(String, Node)>),
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Text(_) => "Text",
            Self::Vault(_) => "Vault",
            Self::Unsafe(_) => "Unsafe",
            Self::Scalar => "Scalar",
            Self::List => "List",
            Self::Map(_) => "Map",
        })
    }
}

/// The maximum depth of a document. A level of groups takes two. The reader's own limit of 64 would overflow the stack of a
/// thread without optimization: each level can have a tag, and searching for it takes 30 KiB.
const MAX_DEPTH: usize = 32;

/// Reads one document; an empty one is null.
///
/// # Errors
/// What is wrong with it and where, without the text around it: that may be a secret.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| match error.location() {
        Some(at) => format!("line {}, column {}", at.line(), at.column()),
        None => "the location is unknown".to_owned(),
    })
}

impl Node {
    pub(super) fn entries(&self) -> &[(String, Self)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    fn tagged(self, tag: &str) -> Self {
        match (self, tag) {
            (Self::Text(text), "!vault" | "!vault-encrypted") => Self::Vault(text.to_string()),
            (Self::Text(text), "!unsafe") => Self::Unsafe(text),
            (node, _) => node,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Untagged(node), tag): Tagged<Untagged> = Tagged::deserialize(deserializer)?;
        Ok(match tag {
            Some(tag) => node.tagged(&tag),
            None => node,
        })
    }
}

/// A node whose own tag is ignored.
struct Untagged(Node);

impl<'de> Deserialize<'de> for Untagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor).map(Self)
    }
}

struct NodeVisitor;

/// Visits of scalars that differ only in their type.
macro_rules! scalars {
    ($($visit:ident($scalar:ty) => $node:expr),+ $(,)?) => {
        $(fn $visit<E>(self, value: $scalar) -> Result<Node, E> {
            let node: fn($scalar) -> Node = $node;
            Ok(node(value))
        })+
    };
}

fn text(value: impl ToString) -> Node {
    Node::Text(Zeroizing::new(value.to_string()))
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    scalars! {
        visit_bool(bool) => |_| Node::Scalar,
        visit_f64(f64) => |_| Node::Scalar,
        visit_i64(i64) => |value| text(value),
        visit_u64(u64) => |value| text(value),
        visit_i128(i128) => |value| text(value),
        visit_u128(u128) => |value| text(value),
        visit_str(&str) => |value| text(value),
        visit_string(String) => |value| Node::Text(Zeroizing::new(value)),
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML node")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        while access.next_element::<Node>()?.is_some() {}
        Ok(Node::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = access.next_entry::<Untagged, Node>()? {
            if let Node::Text(key) = key.0 {
                entries.push((key.to_string(), value));
            }
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_doubtful_numbers_are_distinguished() {
        let node = parse(
            "vault: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nunsafe: !unsafe '{{ x }}'\nquoted: '0777'\n\
             octal: 0777\ntruth: yes\nnothing:\nnumber: 42\nfraction: 1.10\nlist: [a, !vault b]\ntwice: 1\ntwice: 2\n",
        )
        .unwrap();
        let shown = |key: &str| {
            let (_, node) = node.entries().iter().rev().find(|(name, _)| name == key).unwrap();
            match node {
                Node::Text(text) | Node::Unsafe(text) => format!("{node:?} {}", text.as_str()),
                Node::Vault(text) => format!("{node:?} {text}"),
                _ => format!("{node:?}"),
            }
        };
        for (key, expected) in [
            ("vault", "Vault $ANSIBLE_VAULT;1.1;AES256\n6162\n"),
            ("unsafe", "Unsafe {{ x }}"),
            ("quoted", "Text 0777"),
            ("octal", "Scalar"),
            ("truth", "Scalar"),
            ("nothing", "Null"),
            ("number", "Text 42"),
            ("fraction", "Scalar"),
            ("list", "List"),
            ("twice", "Text 2"),
        ] {
            assert_eq!(shown(key), expected, "{key}");
        }
        assert!(matches!(parse("").unwrap(), Node::Null));
    }

    #[test]
    fn errors_of_broken_documents_have_the_position_and_not_the_text() {
        let error = parse("secret: \"abcdef\n").unwrap_err();
        assert!(error.starts_with("line ") && !error.contains("abcdef"), "{error}");
        let deep = "[".repeat(10_000);
        assert!(parse(&deep).is_err());
    }
}
