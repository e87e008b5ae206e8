//! Names and references as texts: names of things, patterns of instance names, needs, targets and ends of rules.

use std::fmt;

use serde_json::{Value, json};

use crate::{
    fault::{FaultCode, quote, words},
    read::{Book, Read, read_words, text_form},
};

/// Why a text does not have the form that its field requires.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadText {
    code: FaultCode,
    message: String,
}

impl BadText {
    pub(crate) fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn invalid(what: &str, text: &str) -> Self {
        Self::new(FaultCode::Invalid, format!("`{}` is not a valid {what}", quote(text)))
    }

    pub(crate) const fn code(&self) -> FaultCode {
        self.code
    }
}

words! {
    /// The stages that a machine passes, in order.
    Stage {
        /// The machine exists on the platform.
        Created = "created",
        /// It was started.
        Started = "started",
        /// Its readiness check succeeded.
        Ready = "ready",
        /// All tasks that target it succeeded.
        Configured = "configured",
    }
}

/// The name of a machine, network, link, task, group, variable or range.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

/// The longest name, in bytes: that of a DNS label.
const MAX_NAME_BYTES: usize = 63;

impl Name {
    pub(crate) const WHAT: &str = "name";
    pub(crate) const PATTERN: &str = "^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$";
    pub(crate) const FORM: &str = "use 1 to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, \
                                   and none of `.created`, `.started`, `.ready`, `.configured` as ending";

    /// Checks a name.
    ///
    /// # Errors
    /// If it does not have the form of a name.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let ends = [text.bytes().next(), text.bytes().next_back()];
        let has_good_ends = ends.iter().all(|end| end.is_some_and(|byte| byte.is_ascii_alphanumeric()));
        // `db.ready` in a list of needs is the stage of `db`.
        let is_stage = text.rsplit_once('.').is_some_and(|(_, end)| stage(end).is_some());
        if !has_good_ends || !text.bytes().all(is_inner) || text.len() > MAX_NAME_BYTES || is_stage {
            return Err(BadText::invalid("name", text));
        }
        Ok(Self(text.to_owned()))
    }

    /// A name as it stands in a document that has a fault.
    pub(crate) fn unchecked(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The network that leads out of the range. It is provided by the platform and is not defined in the document.
pub const UPLINK: &str = "uplink";
/// Every network, the uplink included.
pub const ANY: &str = "any";
/// Every machine.
pub const ALL: &str = "all";

/// The stage with this name.
fn stage(text: &str) -> Option<Stage> {
    Stage::ALL.iter().copied().find(|stage| stage.as_str() == text)
}

/// What something waits for: a machine or a task, and of a machine which stage.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Need {
    /// The machine or task.
    pub name: Name,
    /// The stage of the machine; `ready` if none is given.
    pub stage: Option<Stage>,
}

impl Need {
    pub(crate) const WHAT: &str = "need";
    const PATTERN: &str = "^[A-Za-z0-9]([A-Za-z0-9_.-]{0,72}[A-Za-z0-9])?$";
    pub(crate) const FORM: &str =
        "use the name of a machine or task, or a machine with a stage, such as `db.ready`";

    fn parse(text: &str) -> Result<Self, BadText> {
        let split = text.rsplit_once('.').and_then(|(name, end)| Some((name, stage(end)?)));
        let (name, stage) = split.map_or((text, None), |(name, stage)| (name, Some(stage)));
        let name = Name::parse(name).map_err(|_| BadText::invalid("need", text))?;
        Ok(Self { name, stage })
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        self.stage.map_or(Ok(()), |stage| write!(f, ".{stage}"))
    }
}

words! {
    /// What a machine is there for.
    Role {
        /// An ordinary machine.
        Service = "service",
        /// Forwards packets between its networks.
        Router = "router",
        /// Forwards packets, and is the way in for the operator: the main jumpbox.
        Jumpbox = "jumpbox",
        /// Forwards packets between a part of the range and the rest.
        LocalJumpbox = "local_jumpbox",
    }
}

impl Role {
    /// Does a machine with this role forward packets between its networks?
    #[must_use]
    pub const fn forwards(self) -> bool {
        match self {
            Self::Service => false,
            Self::Router | Self::Jumpbox | Self::LocalJumpbox => true,
        }
    }
}

/// Which machines a task runs on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// All machines of the instance.
    All,
    /// One machine.
    Machine(Name),
    /// The machines of a group.
    Group(Name),
    /// The machines with a role.
    Role(Role),
    /// The machines with an interface on a network.
    Network(Name),
}

impl Target {
    pub(crate) const WHAT: &str = "target";
    const PATTERN: &str = "^((group|role|network) )?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$";
    pub(crate) const FORM: &str =
        "use `all`, the name of a machine, `group NAME`, `role NAME` or `network NAME`";

    fn parse(text: &str) -> Result<Self, BadText> {
        let bad = || BadText::invalid("target", text);
        let name = |text: &str| Name::parse(text).map_err(|_| bad());
        match text.split_once(' ') {
            None if text == ALL => Ok(Self::All),
            None => name(text).map(Self::Machine),
            Some(("group", group)) => name(group).map(Self::Group),
            Some(("network", network)) => name(network).map(Self::Network),
            Some(("role", role)) => {
                Role::ALL.iter().copied().find(|known| known.as_str() == role).map(Self::Role).ok_or_else(bad)
            }
            Some(_) => Err(bad()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str(ALL),
            Self::Machine(name) => name.fmt(f),
            Self::Group(name) => write!(f, "group {name}"),
            Self::Role(role) => write!(f, "role {role}"),
            Self::Network(name) => write!(f, "network {name}"),
        }
    }
}

/// How the instances of a range are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    before: String,
    /// The number has at least so many digits.
    width: usize,
    after: String,
}

impl Pattern {
    pub(crate) const WHAT: &str = "pattern of names";
    const PATTERN: &str = r"^[A-Za-z0-9-]{0,20}\{n(:0[1-9])?\}[A-Za-z0-9-]{0,20}$";
    pub(crate) const FORM: &str = "use letters, digits and `-` around one `{n}`, or `{n:02}` for two digits";

    fn parse(text: &str) -> Result<Self, BadText> {
        let bad = || BadText::invalid("pattern of instance names", text);
        let (before, rest) = text.split_once('{').ok_or_else(bad)?;
        let (number, after) = rest.split_once('}').ok_or_else(bad)?;
        let width = match number.as_bytes() {
            b"n" => 1,
            [b'n', b':', b'0', digit @ b'1'..=b'9'] => usize::from(digit - b'0'),
            _ => return Err(bad()),
        };
        let is_plain = |text: &str| {
            text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !is_plain(before) || !is_plain(after) {
            return Err(bad());
        }
        Ok(Self { before: before.to_owned(), width, after: after.to_owned() })
    }

    /// The default pattern of instances: `i{n:02}`.
    #[must_use]
    pub fn usual() -> Self {
        Self { before: "i".to_owned(), width: 2, after: String::new() }
    }

    /// The name of an instance.
    #[must_use]
    pub fn name(&self, n: u32) -> String {
        format!("{}{n:0width$}{}", self.before, self.after, width = self.width)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.width {
            1 => write!(f, "{}{{n}}{}", self.before, self.after),
            width => write!(f, "{}{{n:0{width}}}{}", self.before, self.after),
        }
    }
}

/// One target, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets(pub Vec<Target>);

impl Read for Targets {
    fn read(value: &Value, at: &crate::fault::At<'_>, faults: &mut crate::fault::Faults) -> Option<Self> {
        match value {
            Value::Array(_) => Vec::read(value, at, faults).map(Self),
            _ => Target::read(value, at, faults).map(|target| Self(vec![target])),
        }
    }

    fn schema(book: &mut Book) -> Value {
        json!({ "anyOf": [Target::schema(book), Vec::<Target>::schema(book)] })
    }
}

impl serde::Serialize for Targets {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

text_form!(Name, Need, Target, Pattern);
read_words!(Role);
