//! Secrets that could be names: weak passwords are words, and hosts, tasks, and variables are often named by the same words.
//!
//! Such a secret is not masked in names. A name that contains it reveals nothing about a password that could be guessed
//! anyway, while a masked name is wrong: two hosts become one, and a task can't be found.

/// Longer values are no names, in bytes.
const LONGEST: usize = 63;
/// Longer words are no words, in bytes.
const LONGEST_WORD: usize = 24;
/// The maximum number of digits at the end of a word: `node-0012` is a name, `8f31c2` is not.
const MOST_DIGITS: usize = 4;

/// Whether it consists of words of letters, each with a short number at its end, joined by `.`, `-`, `_`, or a space.
pub(super) fn could_be_a_name(value: &str) -> bool {
    let words = || value.split(['.', '-', '_', ' ']);
    value.len() <= LONGEST && words().all(is_word) && words().any(|word| !word.is_empty())
}

fn is_word(word: &str) -> bool {
    let digits = word.trim_start_matches(char::is_alphabetic);
    word.len() <= LONGEST_WORD
        && digits.len() <= MOST_DIGITS
        && digits.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::could_be_a_name;

    #[test]
    fn words_and_names_of_hosts_could_be_names_and_generated_secrets_could_not() {
        for (value, is_name) in [
            ("password", true),
            ("Password1", true),
            ("lab-dc01", true),
            ("node_1.example.org", true),
            ("10.0.0.1", true),
            ("correct horse", true),
            ("münchen", true),
            ("31415926", false),
            ("p@ssword", false),
            ("8f31c2d9", false),
            ("wjvrkqpdhxzmfubntcglaeyos", false),
            ("aVerysEcret9Thing3x", false),
            ("two\nlines", false),
            ("...", false),
            ("", false),
        ] {
            assert_eq!(could_be_a_name(value), is_name, "{value}");
        }
    }
}
