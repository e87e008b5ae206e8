//! Writes values as YAML: block style for lists and objects, and quotes for strings that are not plain words.

use std::fmt::Write as _;

use serde_json::Value;

/// An object as a YAML document. Writing to a `String` cannot fail.
pub(super) fn write(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    text
}

fn block(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let _ = write!(text, "{indent}{name}:");
                after(text, member, depth);
            }
        }
        Value::Array(items) => {
            for item in items {
                let mut inner = String::new();
                block(&mut inner, item, depth + 1);
                // The first line of an item follows its dash.
                let _ = writeln!(text, "{indent}- {}", inner.trim());
            }
        }
        scalar => {
            let _ = writeln!(text, "{indent}{}", plain(scalar));
        }
    }
}

/// Writes the value of a key.
fn after(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            text.push('\n');
            block(text, value, depth + 1);
        }
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items: Vec<_> = items.iter().map(plain).collect();
            let _ = writeln!(text, " [{}]", items.join(", "));
        }
        Value::Array(_) => {
            text.push('\n');
            block(text, value, depth + 1);
        }
        scalar => {
            let _ = writeln!(text, " {}", plain(scalar));
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(word) if is_word(word) => word.clone(),
        // A JSON string is a valid YAML string.
        other => other.to_string(),
    }
}

/// Whether every YAML parser reads it as a string.
fn is_word(text: &str) -> bool {
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !reserved.contains(&text.to_ascii_lowercase().as_str())
}
