//! String types: IDs, names, times.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Declares a type for a string, with its schema.
macro_rules! text {
    ($name:ident, $about:literal, { $($schema:tt)* }) => {
        #[doc = $about]
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $about, $($schema)* })
            }
        }
    };
}

/// Control, invisible and unusual white-space characters, which no name has; for a class of characters.
macro_rules! invisible {
    () => {
        r"\x00-\x1f\x7f-\xa0\xad\u061c\u115f\u1160\u1680\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    };
}

text!(Time, "UTC, RFC 3339", { "format": "date-time", "examples": ["2026-11-20T11:30:15.7Z"] });

text!(JobId, "The ID of a job: a UUID of version 7, hyphenated", {
    "format": "uuid",
    "examples": ["01a1f8b8-02b5-76ad-8dce-93e1f081d6e3"],
});

text!(
    ContentName,
    "The name of a playbook, bundle, scenario, or inventory: its path below its root, as the catalog lists it, at most 255 bytes. Segments joined by `/`, none begins with `.`, `-`, or `~`, no `..`",
    {
        "minLength": 1,
        "maxLength": 255,
        "pattern": concat!(
            "^[^", invisible!(),
            r#"\u2024-\u2026\u2044\u2215\u2216\u29f8\u29f9\ufe19\ufe30\ufe52\ufe68\ufe6a\uff05\uff0e\uff0f\uff3c\\%'"`{}<>|*?$;]+$"#
        ),
        "not": { "pattern": r"\.\.|^[-./~ ]|/[-./~ ]|[/ ]$| /" },
        "examples": ["ping", "linux/install/docker"],
    }
);

text!(Resource, "A resource that jobs lock while they run", {
    "maxLength": 200,
    "pattern": "^[a-z][a-z0-9_-]*:[A-Za-z0-9._/@-]+$",
    "examples": ["vm:pve1/1000"],
});

text!(ProjectName, "The name of a project in the settings", {
    "maxLength": 63,
    "pattern": "^[a-z0-9][a-z0-9_-]*$",
    "examples": ["kubespray"],
});

text!(
    HostPattern,
    "Ansible's `--limit`: names, groups, wildcards, ranges, and regular expressions that begin with `~`, joined by `,`, `:`, or spaces, each optionally after `!` or `&`; no part can begin with `-` or `@`",
    {
        "minLength": 1,
        "maxLength": 4096,
        "pattern": concat!("^[^", invisible!(), "]+$"),
        "not": { "pattern": r"(^|[,: ])[!&]*[-@]|^[,: ]*$|\{\{|\{%" },
        "examples": ["web-01", "web*:!web-03", "web, db", "~web-[0-9]{2}"],
    }
);
