//! The document of a command, from a file or standard input, and the values of its variables.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use api::{NewRange, RangeValues};
use clap::Args;
use range::document::text::{self, Format, MAX_BYTES};
use serde_json::{Map, Value};

use super::failure::Failure;

/// Where the document and its values come from.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// File with the range document as YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    document: PathBuf,
    /// Value of a variable; a value that is a number or a boolean in JSON is one
    #[arg(long = "var", value_name = "NAME=VALUE")]
    vars: Vec<String>,
    /// File with values, as YAML or JSON: `{all: {NAME: VALUE}, instances: {INSTANCE: {NAME: VALUE}}}`
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
    /// File with the value of a secret variable; line breaks at its end are removed
    #[arg(long = "secret", value_name = "NAME=FILE")]
    secrets: Vec<String>,
}

impl Source {
    /// Reads everything.
    ///
    /// # Errors
    /// A file cannot be read or is malformed, or an argument has another form.
    pub(super) fn read(&self) -> Result<NewRange, Failure> {
        let name = shown(&self.document);
        let Value::Object(document) = parsed(&self.document)? else {
            return Err(Failure::Usage(format!("the document `{name}` is not a mapping")));
        };
        let mut values = match &self.values {
            Some(path) => serde_json::from_value(parsed(path)?).map_err(|error| {
                Failure::Usage(format!("the values in `{}` are invalid: {error}", shown(path)))
            })?,
            None => RangeValues::default(),
        };
        for pair in &self.vars {
            let (name, text) = split(pair, "--var NAME=VALUE")?;
            values.all.insert(name.to_owned(), scalar(text));
        }
        let mut secrets = Map::new();
        for pair in &self.secrets {
            let (name, path) = split(pair, "--secret NAME=FILE")?;
            let text = read(Path::new(path), MAX_BYTES)?;
            secrets.insert(name.to_owned(), text.trim_end_matches(['\n', '\r']).into());
        }
        let of_secrets = RangeValues { all: secrets, ..RangeValues::default() };
        Ok(NewRange {
            document,
            values: Some(values).filter(|values| *values != RangeValues::default()),
            secret_values: Some(of_secrets).filter(|values| !values.all.is_empty()),
            digest: None,
            confirm: Vec::new(),
        })
    }

    /// The name of the document for messages.
    pub(super) fn name(&self) -> String {
        shown(&self.document)
    }
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

fn parsed(path: &Path) -> Result<Value, Failure> {
    let text = read(path, MAX_BYTES)?;
    text::parse(&text, Format::Yaml).map_err(|faults| Failure::Document { name: shown(path), faults })
}

/// Reads at most one byte more than the limit, which the parser rejects.
fn read(path: &Path, most: usize) -> Result<String, Failure> {
    let mut text = String::new();
    let most = most as u64 + 1;
    let read = if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(most).read_to_string(&mut text))
    };
    read.map_err(|source| Failure::Read { path: shown(path), source })?;
    Ok(text)
}

fn split<'a>(pair: &'a str, form: &str) -> Result<(&'a str, &'a str), Failure> {
    match pair.split_once('=').filter(|(name, _)| !name.is_empty()) {
        Some(parts) => Ok(parts),
        None => Err(Failure::Usage(format!("`{}` has another form than `{form}`", pair.escape_debug()))),
    }
}

/// A number or a boolean, or else a text.
fn scalar(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(content: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(content.as_bytes()).expect("writable");
        file
    }

    #[test]
    fn values_come_from_arguments_and_secrets_from_files() {
        let document = file("name: r\nplatform: simulated\nmachines: {}\n");
        let (values, secret) =
            (file("all: {domain: a.test}\ninstances: {team1: {domain: b.test}}"), file("top\n"));
        let source = Source {
            document: document.path().to_owned(),
            vars: vec!["size=3".to_owned(), "motd=a=b".to_owned()],
            values: Some(values.path().to_owned()),
            secrets: vec![format!("password={}", secret.path().display())],
        };
        let read = source.read().expect("valid");
        let shown = serde_json::to_value(&read).expect("JSON");
        let values = serde_json::json!({
            "all": {"domain": "a.test", "size": 3, "motd": "a=b"}, "instances": {"team1": {"domain": "b.test"}},
        });
        assert_eq!(shown["values"], values);
        assert_eq!(shown["secret_values"], serde_json::json!({"all": {"password": "top"}}));
    }

    #[test]
    fn a_malformed_document_is_reported_with_its_file() {
        let document = file("name: [");
        let source = Source {
            document: document.path().to_owned(),
            vars: Vec::new(),
            values: None,
            secrets: Vec::new(),
        };
        let text = source.read().expect_err("malformed").to_string();
        assert!(text.contains("not valid YAML") && text.contains(&source.name()), "{text}");
    }
}
