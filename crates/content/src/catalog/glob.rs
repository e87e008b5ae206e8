//! Patterns for relative paths: `*` and `?` within a segment, `**` for any number of segments.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no pattern for paths: relative, without `..`, segments joined by `/`, `*` and `?` within a segment, `**` for \
     any number of them", .0.escape_debug()
)]
pub struct BadGlob(String);

/// A pattern such as `playbooks/**/*.yml`. Hidden names are matched only by a segment that begins with a dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<String>);

/// The longest pattern, in bytes.
const MAX_BYTES: usize = 1024;

/// The segment that matches any number of segments.
const ANY: &str = "**";

impl Glob {
    /// Does it match this path?
    #[must_use]
    pub fn matches(&self, path: &Path) -> bool {
        let segments: Option<Vec<&str>> = path.components().map(|part| part.as_os_str().to_str()).collect();
        segments.is_some_and(|segments| self.fits(&segments))
    }

    /// May something below this directory match?
    #[must_use]
    pub fn may_hold(&self, directory: &Path) -> bool {
        let prefix = self.literal();
        prefix.starts_with(directory) || directory.starts_with(&prefix)
    }

    /// Does the pattern spell this path out, up to its end or beyond?
    #[must_use]
    pub fn names(&self, path: &Path) -> bool {
        self.literal().starts_with(path)
    }

    /// The directories that the pattern begins with, up to the first that is a pattern itself.
    fn literal(&self) -> PathBuf {
        self.0.iter().take_while(|segment| !segment.contains(['*', '?'])).collect()
    }

    /// By rows of which beginnings of the path the beginning of the pattern matches: no pattern takes longer than its length
    /// times that of the path.
    fn fits(&self, segments: &[&str]) -> bool {
        let mut row: Vec<bool> = std::iter::once(true).chain(segments.iter().map(|_| false)).collect();
        for pattern in &self.0 {
            let mut next = vec![false; row.len()];
            for at in 0..row.len() {
                next[at] = if pattern == ANY {
                    row[at] || at > 0 && next[at - 1] && !segments[at - 1].starts_with('.')
                } else {
                    at > 0 && row[at - 1] && segment_fits(pattern, segments[at - 1])
                };
            }
            row = next;
        }
        row.last().copied().unwrap_or(false)
    }
}

/// Does a segment fit a pattern of `*`, `?` and literal characters?
fn segment_fits(pattern: &str, segment: &str) -> bool {
    if segment.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), segment.chars().collect());
    let (mut p, mut t, mut star, mut mark) = (0, 0, None, 0);
    while t < text.len() {
        if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*' {
            (p, t) = (p + 1, t + 1);
        } else if p < pattern.len() && pattern[p] == '*' {
            (star, mark, p) = (Some(p), t, p + 1);
        } else if let Some(at) = star {
            (p, mark) = (at + 1, mark + 1);
            t = mark;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

impl FromStr for Glob {
    type Err = BadGlob;

    fn from_str(text: &str) -> Result<Self, BadGlob> {
        let segments: Vec<String> = text.trim_end_matches('/').split('/').map(str::to_owned).collect();
        let is_segment = |segment: &String| {
            !matches!(segment.as_str(), "" | "." | "..")
                && !segment.contains(['\0', '[', ']', '{', '}', '\\'])
        };
        if text.len() <= MAX_BYTES && segments.iter().all(is_segment) {
            Ok(Self(segments))
        } else {
            Err(BadGlob(text.to_owned()))
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, path, is_match) in [
            ("*.yml", "site.yml", true),
            ("*.yml", "a/site.yml", false),
            ("playbooks/**/*.yml", "playbooks/a.yml", true),
            ("playbooks/**/*.yml", "playbooks/a/b/c.yml", true),
            ("playbooks/**/*.yml", "playbooks/.git/c.yml", false),
            ("**/inventory", "ad/GOAD/data/inventory", true),
            ("**/inventory", "inventory", true),
            ("ad/*/data/inventory", "ad/a/b/data/inventory", false),
            ("inventory/**", "inventory/a/hosts.yaml", true),
            ("inventory/**", "inventory", true),
            ("h?sts", "hosts", true),
            ("*", ".hidden", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYb", false),
        ] {
            let glob: Glob = pattern.parse().unwrap();
            assert_eq!(glob.matches(Path::new(path)), is_match, "{pattern} {path}");
        }
        for bad in ["", "/etc/*", "../x", "a//b", "a/./b", "[a]", "{a,b}", "a\0"] {
            assert!(bad.parse::<Glob>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let begun = Instant::now();
        let glob: Glob = vec!["**"; 200].join("/").parse().unwrap();
        let stars: Glob = format!("{}x", "*a".repeat(400)).parse().unwrap();
        assert!(glob.matches(Path::new(&vec!["a"; 400].join("/"))));
        assert!(!stars.matches(Path::new(&"a".repeat(250))));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
