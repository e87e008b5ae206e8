//! No output contains a secret, for any secret, surrounding text, and encoding.

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE};
use model::{
    Redactor,
    redact::{MASK, Passage},
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Separate encoders, so that the test does not use the code under test.
fn encodings(value: &str) -> Vec<String> {
    let escaped = |kept: &str, escape: fn(u8) -> String| -> String {
        let one = |byte: u8| {
            let c = char::from(byte);
            if c.is_ascii_alphanumeric() || kept.contains(c) { c.to_string() } else { escape(byte) }
        };
        value.bytes().map(one).collect()
    };
    let percent = |kept: &str| escaped(kept, |byte| format!("%{byte:02X}"));
    let json_text = Value::from(value).to_string();
    let shell = format!("'{}'", value.split('\'').collect::<Vec<_>>().join(r#"'"'"'"#));
    vec![
        value.to_owned(),
        json_text.clone(),
        Value::from(json_text.as_str()).to_string(),
        Value::from(shell.as_str()).to_string(),
        shell,
        percent("-._~"),
        percent("-._~/"),
        percent("-._~").replace("%20", "+"),
        escaped("-._~", |byte| format!("%{byte:02x}")),
        BASE64_STANDARD.encode(value),
        BASE64_URL_SAFE.encode(value),
        BASE64_STANDARD.encode(value).trim_end_matches('=').to_owned(),
        value.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ]
}

/// Secrets of any characters, except the mask itself.
fn secret() -> impl Strategy<Value = String> {
    let any = "\\PC{8,40}".prop_filter("the mask hides itself", |text| !text.contains('*'));
    prop_oneof!["[a-zA-Z0-9]{4,24}", "[ -)+-~]{6,40}", any, "[a-z0-9+/=]{8,60}"]
}

/// Text around it that has no part in it.
fn around() -> impl Strategy<Value = String> {
    "[ \\n#]{0,20}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_form_of_a_secret_survives(secret in secret(), others in prop::collection::vec(secret(), 0..4),
                                    before in around(), after in around()) {
        let redactor = Redactor::new(others.iter().chain([&secret]));
        for form in encodings(&secret) {
            let text = format!("{before}{form}{after}");
            let clean = redactor.text(&text);
            let core = form.trim_matches(['"', '\'', '\\']);
            prop_assert!(!clean.contains(&secret), "{clean:?} has {secret:?}");
            prop_assert!(core.len() < 4 || !clean.contains(core), "{clean:?} has {core:?}");
            prop_assert!(clean.contains(MASK));
        }
    }

    #[test]
    fn no_secret_survives_within_base64_of_something_longer(
        secret in "[ -~]{6,40}", before in prop::collection::vec(any::<u8>(), 0..9),
        after in prop::collection::vec(any::<u8>(), 0..9), width in 20..90_usize,
    ) {
        let redactor = Redactor::new([&secret]);
        let bytes = [before.as_slice(), secret.as_bytes(), &after].concat();
        for text in [BASE64_STANDARD.encode(&bytes), BASE64_URL_SAFE.encode(&bytes)] {
            let clean = redactor.text(&text).into_owned();
            prop_assert!(clean.contains(MASK), "{clean}");
            // The rest of the secret fits into the digits at its ends, and decodes to no part of it.
            for part in clean.split(MASK) {
                prop_assert!(part.len() <= (before.len().max(after.len()) * 8).div_ceil(6) + 4, "{clean}");
            }
            let digits: Vec<char> = text.chars().collect();
            let wrapped = digits.chunks(width).map(String::from_iter).collect::<Vec<_>>().join("\n");
            if secret.len() >= 12 {
                prop_assert!(redactor.text(&wrapped).contains(MASK), "{wrapped}");
            }
        }
    }

    #[test]
    fn lines_of_a_secret_do_not_survive_in_pieces(lines in prop::collection::vec("[!-)+-~]{8,30}", 2..6)) {
        let redactor = Redactor::new([lines.join("\n")]);
        let mut passage = Passage::default();
        for line in &lines {
            let clean = redactor.piece(&mut passage, line).into_owned();
            prop_assert!(!clean.contains(line.as_str()), "{clean}");
        }
        let whole = format!("a: |\n  {}\nb", lines.join("\n  "));
        prop_assert!(lines.iter().all(|line| !redactor.text(&whole).contains(line.as_str())));
    }

    #[test]
    fn text_without_secrets_is_unchanged(text in "[a-z \\n:.=\"{}-]{0,200}", secret in "[A-Z0-9]{8,20}") {
        prop_assert_eq!(Redactor::new([secret]).text(&text), text.as_str());
        prop_assert_eq!(Redactor::default().text(&text), text.as_str());
    }

    #[test]
    fn no_secret_survives_in_a_json_value(secret in secret(), key in "[a-z]{1,5}") {
        let redactor = Redactor::new([&secret]);
        let mut value = json!({ (key.as_str()): [secret, {"a": format!("x {secret} y")}] });
        redactor.value(&mut value);
        let quoted = Value::from(secret.as_str()).to_string();
        prop_assert!(!value[&key].to_string().contains(&quoted[1..quoted.len() - 1]), "{value}");
    }

    #[test]
    fn no_secret_that_is_no_name_survives_in_a_key(secret in secret()) {
        // A word could be the name of a host or a variable; with this sign it could not.
        let secret = format!("{secret}$");
        let mut value = json!({ (format!("{secret}!")): {(secret.as_str()): 1} });
        Redactor::new([&secret]).value(&mut value);
        let quoted = Value::from(secret.as_str()).to_string();
        prop_assert!(!value.to_string().contains(&quoted[1..quoted.len() - 1]), "{value}");
    }

    #[test]
    fn nothing_that_comes_in_breaks_it(text in "\\PC*", secrets in prop::collection::vec("\\PC*", 0..6)) {
        let redactor = Redactor::new(&secrets);
        let _ = redactor.text(&text);
        let _ = redactor.piece(&mut Passage::default(), &text);
    }
}
