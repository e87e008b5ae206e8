//! The value of a variable: a known string, something that only Ansible can determine, or absent.

use secrecy::SecretString;

use super::{Error, node::Node};
use crate::vault;

/// The value of a variable in an inventory.
#[derive(Debug, Clone)]
pub enum Value {
    /// This text. A number is its digits, null the empty text.
    Plain(SecretString),
    /// A template, a list, or a value that depends on Ansible.
    Unclear,
    /// The variable is not set.
    Absent,
}

impl Value {
    /// What a node means; `of` names the variable and its host, for the error.
    pub(super) fn of(
        node: &Node,
        password: Option<&SecretString>,
        of: impl Fn() -> String,
    ) -> Result<Self, Error> {
        Ok(match node {
            Node::Null => Self::Plain(SecretString::default()),
            Node::Text(text) => Self::of_text(text),
            Node::Unsafe(text) => Self::Plain(SecretString::from(text.as_str())),
            Node::Vault(vault) => {
                let locked = |source| Error::Locked { what: of(), source };
                let password = password.ok_or_else(|| Error::NoPassword { what: of() })?;
                let text = vault::decrypt(vault, password).map_err(locked)?;
                Self::of_text(secrecy::ExposeSecret::expose_secret(&text))
            }
            Node::Scalar | Node::List | Node::Map(_) => Self::Unclear,
        })
    }

    fn of_text(text: &str) -> Self {
        let is_template = ["{{", "{%", "{#"].iter().any(|begin| text.contains(begin));
        if is_template { Self::Unclear } else { Self::Plain(SecretString::from(text)) }
    }
}
