//! The prompts of a playbook.

use super::{Prompt, PromptKind, yaml::Yaml};

/// Spellings of false in YAML as Ansible reads it.
const FALSE: &[&str] = &["false", "no", "off", "n", "0"];

/// The questions of `vars_prompt`: a list of them, or a single one. Ansible hides answers unless `private` says otherwise.
pub(super) fn of_variables(vars_prompt: &Yaml) -> Vec<Prompt> {
    let single = std::slice::from_ref(vars_prompt);
    let asked = if let Yaml::List(items) = vars_prompt { items.as_slice() } else { single };
    asked.iter().filter_map(of_a_variable).collect()
}

fn of_a_variable(asked: &Yaml) -> Option<Prompt> {
    let text = |key: &str| asked.get(key).and_then(Yaml::text).map(str::to_owned);
    let private = !text("private").is_some_and(|value| FALSE.contains(&value.to_ascii_lowercase().as_str()));
    Some(Prompt {
        kind: PromptKind::Variable,
        name: Some(text("name").filter(|name| !name.is_empty())?),
        prompt: text("prompt"),
        default: text("default").filter(|_| !private),
        private,
    })
}

/// The question of a `pause` that waits for an answer.
pub(super) fn of_a_pause(prompt: Option<String>) -> Prompt {
    Prompt { kind: PromptKind::Pause, name: None, prompt, default: None, private: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::yaml;

    #[test]
    fn defaults_of_private_questions_are_not_shown() {
        let text = "- {name: a, prompt: A, default: x, private: no}\n- {name: b, default: y}\n- {prompt: nameless}\n";
        let prompts = of_variables(&yaml::parse(text).expect("YAML"));
        let shown: Vec<_> =
            prompts.iter().map(|one| (one.name.as_deref(), one.default.as_deref(), one.private)).collect();
        assert_eq!(shown, [(Some("a"), Some("x"), false), (Some("b"), None, true)]);
    }
}
