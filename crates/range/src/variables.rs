//! `${name}` in texts: where it stands, and what stands for it.

use serde_json::Value;

/// The names that a text refers to as `${name}`. `$${name}` is the text `${name}` itself.
pub(crate) fn references(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Reference(name) => Some(name),
        Piece::Text(_) => None,
    })
}

enum Piece<'a> {
    Text(&'a str),
    Reference(&'a str),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(begin) = rest.find("${") else {
            return Some(Piece::Text(std::mem::take(&mut rest)));
        };
        let is_escaped = rest[..begin].ends_with('$');
        let end = rest[begin..].find('}').map(|end| begin + end);
        if let (true, _) | (false, None) = (is_escaped, end) {
            // One dollar of two is left out, and the braces are text.
            let (piece, after) = if is_escaped { (&rest[..begin - 1], &rest[begin..]) } else { (rest, "") };
            let (braces, after) = after.split_at(after.len().min(2));
            if piece.is_empty() {
                rest = after;
                return Some(Piece::Text(braces));
            }
            // The braces come next, without their escape.
            rest = if is_escaped { &rest[begin - 1..] } else { after };
            return Some(Piece::Text(piece));
        }
        if begin > 0 {
            let (piece, after) = rest.split_at(begin);
            rest = after;
            return Some(Piece::Text(piece));
        }
        let end = end.unwrap_or(rest.len());
        let name = &rest[2..end];
        rest = &rest[end + 1..];
        Some(Piece::Reference(name))
    })
}

/// The value with every reference replaced. A text that is one reference and nothing else becomes the value with its type;
/// references without a value, such as secrets, stay.
pub(crate) fn substitute(value: &Value, values: &impl Fn(&str) -> Option<Value>) -> Value {
    match value {
        Value::String(text) if text.contains("${") => substitute_text(text, values),
        Value::Array(items) => items.iter().map(|item| substitute(item, values)).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(name, value)| (name.clone(), substitute(value, values))).collect()
        }
        _ => value.clone(),
    }
}

fn substitute_text(text: &str, values: &impl Fn(&str) -> Option<Value>) -> Value {
    let pieces: Vec<Piece<'_>> = pieces(text).collect();
    if let [Piece::Reference(name)] = pieces.as_slice() {
        return values(name).unwrap_or_else(|| text.into());
    }
    let mut whole = String::with_capacity(text.len());
    for piece in pieces {
        match piece {
            Piece::Text(text) => whole.push_str(text),
            Piece::Reference(name) => match values(name) {
                Some(Value::String(value)) => whole.push_str(&value),
                Some(value) => whole.push_str(&value.to_string()),
                None => {
                    whole.push_str("${");
                    whole.push_str(name);
                    whole.push('}');
                }
            },
        }
    }
    whole.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_replaced_and_an_escaped_one_is_not() {
        let values = |name: &str| match name {
            "domain" => Some(json!("range.test")),
            "port" => Some(json!(80)),
            _ => None,
        };
        for (text, wanted) in [
            ("plain", json!("plain")),
            ("web.${domain}:${port}", json!("web.range.test:80")),
            ("${port}", json!(80)),
            ("$${domain}", json!("${domain}")),
            ("a $${domain} b ${domain}", json!("a ${domain} b range.test")),
            ("${secret} stays", json!("${secret} stays")),
            ("open ${domain", json!("open ${domain")),
            ("$", json!("$")),
        ] {
            assert_eq!(substitute(&json!(text), &values), wanted, "{text}");
        }
        assert_eq!(references("${a}${b} $${c}").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(substitute(&json!([{"x": "${port}"}, 1]), &values), json!([{"x": 80}, 1]));
    }
}
