//! YAML of a JSON value, as people read it: one line per field. Strings are quoted as in JSON, unless they are plain words.

use serde_json::Value;

/// The YAML of a value, ending with a line break.
pub(super) fn to_yaml(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    if text.starts_with('\n') {
        text.remove(0);
    } else {
        text.remove(0);
        text.push('\n');
    }
    text
}

/// Writes what follows a key: a scalar on the same line, or fields and items on the next ones.
fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push('\n');
            for (name, value) in fields {
                indent(text, depth);
                text.push_str(&scalar(name));
                text.push(':');
                write(text, value, depth + 1);
                end_line(text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            for item in items {
                indent(text, depth);
                text.push('-');
                write(text, item, depth + 1);
                end_line(text);
            }
        }
        Value::String(string) => text.push_str(&format!(" {}", scalar(string))),
        other => text.push_str(&format!(" {other}")),
    }
}

fn indent(text: &mut String, depth: usize) {
    text.push_str(&"  ".repeat(depth));
}

fn end_line(text: &mut String) {
    if !text.ends_with('\n') {
        text.push('\n');
    }
}

/// A string: quoted, unless it is a word that is nothing else in YAML.
fn scalar(string: &str) -> String {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/');
    let is_word =
        string.starts_with(|first: char| first.is_ascii_alphabetic()) && string.bytes().all(is_inner);
    // `on` and `null` have other meanings, and `e` belongs to numbers.
    let is_reserved = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        .iter()
        .any(|reserved| string.eq_ignore_ascii_case(reserved));
    if is_word && !is_reserved { string.to_owned() } else { Value::from(string).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_line_by_line() {
        let value = json!({"all": {"hosts": {"web.1": {"port": 22, "list": ["a", "10.0.0.1"], "none": {}}, "no": {}}}});
        let yaml = "all:\n  hosts:\n    \"web.1\":\n      port: 22\n      list:\n        - a\n        - \"10.0.0.1\"\n      none: {}\n    \"no\": {}\n";
        assert_eq!(to_yaml(&value), yaml);
        assert_eq!(to_yaml(&json!({})), "{}\n");
        assert_eq!(to_yaml(&json!("a: b")), "\"a: b\"\n");
    }
}
