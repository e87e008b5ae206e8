//! Faults of a document: where, what, and what is allowed instead. All of them are collected, up to [`MAX_FAULTS`].

use std::fmt;

use serde::Serialize;

/// The most faults that are kept; further ones are only counted.
pub const MAX_FAULTS: usize = 1_000;
/// The longest piece of a document that a message quotes, in characters.
const MAX_QUOTE: usize = 80;

/// Declares an enum whose variants have one fixed text each, for JSON and for messages.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[doc = $doc])+ $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The meaning of every value, in the same order.
            pub const MEANINGS: &'static [&'static str] = &[$(concat!($($doc),+)),+];

            /// The text used in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    serde::de::Error::custom(format!("unknown word `{text}`"))
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What kind of fault it is, for programs.
    FaultCode {
        /// The text is not YAML or JSON.
        Malformed = "malformed",
        /// The document, or a part of it, is larger or deeper than allowed.
        TooLarge = "too_large",
        /// A key appears twice in one mapping, or two things have one name.
        Duplicate = "duplicate",
        /// The field does not exist.
        UnknownField = "unknown_field",
        /// A required field is missing.
        Missing = "missing",
        /// The value has the wrong type.
        WrongType = "wrong_type",
        /// The number, size or duration is outside of its bounds.
        OutOfRange = "out_of_range",
        /// The text does not have the form that the field requires.
        Invalid = "invalid",
        /// A field excludes another one, or is not allowed in this place.
        NotAllowed = "not_allowed",
        /// A name refers to nothing in the document, on the platform, or among the variables.
        UnknownName = "unknown_name",
        /// Things need each other in a cycle.
        Cycle = "cycle",
        /// An address is outside of its network, or cannot be used by a machine.
        AddressOutside = "address_outside",
        /// Two machines of one network have the same address.
        AddressTaken = "address_taken",
        /// A machine has the address of the network's gateway.
        GatewayClash = "gateway_clash",
        /// Two networks of one instance share addresses.
        Overlap = "overlap",
        /// The platform refuses the name.
        PlatformName = "platform_name",
        /// The platform cannot do this.
        PlatformLimit = "platform_limit",
        /// A limit or quota is exceeded.
        Quota = "quota",
        /// No path leads from the operator to a machine that a task runs on.
        Unreachable = "unreachable",
        /// The topology is not a tree.
        NotATree = "not_a_tree",
        /// There is no main jumpbox, or more than one.
        Jumpbox = "jumpbox",
        /// The pool of the platform has no free subnet or address.
        Exhausted = "exhausted",
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The place in the document, such as `machines.web.networks[0].address`; empty for the document as a whole.
    pub path: String,
    /// The kind of fault.
    pub code: FaultCode,
    /// What is wrong, with the offending value.
    pub message: String,
    /// What is allowed, or what to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

/// The faults found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    list: Vec<Fault>,
    /// Faults that were found after [`MAX_FAULTS`].
    more: usize,
}

impl Faults {
    /// Records a fault at a path.
    pub fn add(&mut self, path: &dyn fmt::Display, code: FaultCode, message: impl Into<String>) -> &mut Self {
        if self.list.len() < MAX_FAULTS {
            self.list.push(Fault { path: path.to_string(), code, message: message.into(), hint: None });
        } else {
            self.more += 1;
        }
        self
    }

    /// Adds a hint to the fault that was recorded last.
    pub fn hint(&mut self, hint: impl Into<String>) {
        if let Some(last) = self.list.last_mut().filter(|last| last.hint.is_none() && self.more == 0) {
            last.hint = Some(hint.into());
        }
    }

    /// The recorded faults.
    #[must_use]
    pub fn list(&self) -> &[Fault] {
        &self.list
    }

    /// The number of faults beyond [`MAX_FAULTS`].
    #[must_use]
    pub const fn more(&self) -> usize {
        self.more
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The value, unless there is a fault.
    ///
    /// # Errors
    /// The faults, if there is any.
    pub fn result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.list {
            writeln!(f, "{fault}")?;
        }
        if self.more > 0 { writeln!(f, "and {} more", self.more) } else { Ok(()) }
    }
}

impl std::error::Error for Faults {}

/// A place in a document, as a chain that costs nothing until a fault is recorded.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At<'a> {
    Root,
    Field(&'a At<'a>, &'a str),
    Item(&'a At<'a>, usize),
}

impl<'a> At<'a> {
    pub(crate) const fn field(&'a self, name: &'a str) -> Self {
        Self::Field(self, name)
    }

    pub(crate) const fn item(&'a self, index: usize) -> Self {
        Self::Item(self, index)
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Field(parent, name) => {
                let is_plain = !name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
                match (is_plain, parent) {
                    (true, Self::Root) => f.write_str(name),
                    (true, _) => write!(f, "{parent}.{name}"),
                    (false, _) => write!(f, "{parent}[\"{}\"]", quote(name)),
                }
            }
        }
    }
}

/// A piece of a document as a message may show it: short, and without control characters.
pub(crate) fn quote(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_QUOTE).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_QUOTE).is_some() {
        shown.push('…');
    }
    shown
}

/// The known name that is most like an unknown one, if any is similar.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.get(..MAX_QUOTE).unwrap_or(name);
    // A name can differ from thousands of others; those of very different length cannot be meant.
    let near = known.into_iter().filter(|other| other.len().abs_diff(name.len()) <= 4);
    near.map(|other| (strsim::normalized_damerau_levenshtein(name, other), other))
        .filter(|(likeness, _)| *likeness >= 0.5)
        .fold(None, |best: Option<(f64, &str)>, found| match best {
            Some(best) if best.0 >= found.0 => Some(best),
            _ => Some(found),
        })
        .map(|(_, other)| other)
}

/// A hint for an unknown name: the nearest one, or the first few known ones.
pub(crate) fn known_names<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(name, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let mut known = known.into_iter();
    let first: Vec<String> = known.by_ref().take(8).map(|name| format!("`{}`", quote(name))).collect();
    let more = if known.next().is_some() { ", ..." } else { "" };
    if first.is_empty() {
        "none is defined".to_owned()
    } else {
        format!("use one of {}{more}", first.join(", "))
    }
}
