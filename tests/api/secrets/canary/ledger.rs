//! A ledger of what was searched for, where, and how often it was found.
//!
//! The forms are created by separate code, so that the test does not search with the code that masks.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
    fs,
    path::Path,
};

use regex::bytes::Regex;

/// Command lines and environments, by whose they are.
pub(super) const SERVICE: &str = "/proc: the service";
pub(super) const RUNS: &str = "/proc: supervisors and processes of runs";
pub(super) const OTHERS: &str = "/proc: all other processes";

/// A secret of which nothing may be found.
pub(super) struct Canary {
    /// What kind of secret it is.
    pub(super) kind: &'static str,
    pub(super) value: String,
}

/// Everything that was searched.
pub(super) struct Ledger {
    forms: Regex,
    /// The kind that a form belongs to.
    kinds: BTreeMap<Vec<u8>, &'static str>,
    rows: BTreeMap<String, Row>,
}

#[derive(Default)]
struct Row {
    bytes: u64,
    hits: BTreeMap<&'static str, u64>,
    examples: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Ledger {
    pub(super) fn new(canaries: &[Canary]) -> Self {
        let mut kinds = BTreeMap::new();
        for canary in canaries {
            kinds.extend(forms(&canary.value).into_iter().map(|form| (form.into_bytes(), canary.kind)));
        }
        let escaped = kinds.keys().map(|form| regex::escape(std::str::from_utf8(form).expect("text")));
        let pattern = escaped.collect::<Vec<_>>().join("|");
        let forms = regex::bytes::RegexBuilder::new(&pattern).size_limit(1 << 26).build().expect("a pattern");
        Self { forms, kinds, rows: BTreeMap::new() }
    }

    /// Searches bytes that come from `place`. Returns the kinds that are in them.
    pub(super) fn search(&mut self, place: &str, bytes: &[u8]) -> BTreeSet<&'static str> {
        self.search_noting(place, bytes, |_, _| String::new())
    }

    fn search_noting(
        &mut self,
        place: &str,
        bytes: &[u8],
        note: impl Fn(usize, usize) -> String,
    ) -> BTreeSet<&'static str> {
        let row = self.rows.entry(place.to_owned()).or_default();
        row.bytes += bytes.len() as u64;
        let mut found = BTreeSet::new();
        for hit in self.forms.find_iter(bytes) {
            let kind = self.kinds[hit.as_bytes()];
            *row.hits.entry(kind).or_default() += 1;
            found.insert(kind);
            let examples = row.examples.entry(kind).or_default();
            // That of the server of the tests is no secret of this test's own.
            if examples.len() < 3 && kind != "database password" {
                let around = &bytes[hit.start().saturating_sub(60)..(hit.end() + 60).min(bytes.len())];
                examples.insert(format!(
                    "{} {:?}",
                    note(hit.start(), hit.end()),
                    String::from_utf8_lossy(around)
                ));
            }
        }
        found
    }

    /// Searches every file below a directory.
    pub(super) fn search_files(&mut self, place: &str, directory: &Path) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.search_files(place, &path),
                _ => self.search_file(place, &path),
            }
        }
    }

    /// The same for one file, if it is one.
    pub(super) fn search_file(&mut self, place: &str, path: &Path) {
        // Not sockets and pipes: opening one may wait indefinitely.
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
            let bytes = fs::read(path).unwrap_or_default();
            self.search_noting(place, &bytes, |_, _| path.display().to_string());
            self.search(place, path.to_string_lossy().as_bytes());
        }
    }

    /// Searches everything that processes show to others. Returns where, and in which files, a canary was found.
    pub(super) fn search_processes(
        &mut self,
        service: i32,
    ) -> Vec<(&'static str, String, BTreeSet<&'static str>)> {
        let mut found = Vec::new();
        for process in fs::read_dir("/proc").expect("there is a /proc").flatten() {
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let has = |bytes: &[u8], text: &str| String::from_utf8_lossy(bytes).contains(text);
            let place = if process.file_name().to_string_lossy() == service.to_string() {
                SERVICE
            } else if has(&environment, "RANGEHAND_RUN=") || has(&command, "\0supervise\0") {
                RUNS
            } else {
                OTHERS
            };
            for (file, bytes) in [("environ", environment), ("cmdline", command)] {
                let path = process.path().join(file).display().to_string();
                let kinds = self.search_noting(place, &bytes, |_, _| path.clone());
                if !kinds.is_empty() {
                    found.push((place, path, kinds));
                }
            }
        }
        found
    }

    /// How often a kind was found at a place.
    pub(super) fn hits(&self, place: &str, kind: &str) -> u64 {
        self.rows.get(place).and_then(|row| row.hits.get(kind)).copied().unwrap_or_default()
    }

    /// How often anything was found at a place.
    pub(super) fn all_hits(&self, place: &str) -> u64 {
        self.rows.get(place).map(|row| row.hits.values().sum()).unwrap_or_default()
    }

    pub(super) fn bytes(&self, place: &str) -> u64 {
        self.rows.get(place).map_or(0, |row| row.bytes)
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut total = (0, 0);
        for (place, row) in &self.rows {
            let hits: u64 = row.hits.values().sum();
            total = (total.0 + row.bytes, total.1 + hits);
            writeln!(f, "{place:44} {:>12} bytes  {hits:>5} hits  {:?}", row.bytes, row.hits)?;
            if f.alternate() {
                let mut examples =
                    row.examples.iter().flat_map(|(kind, all)| all.iter().map(move |one| (kind, one)));
                examples.try_for_each(|(kind, example)| writeln!(f, "    {kind}: {example}"))?;
            }
        }
        write!(f, "in all: {} bytes, {} hits, {} forms looked for", total.0, total.1, self.kinds.len())
    }
}

/// The value and its lines, as they are and encoded.
fn forms(value: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    let lines = value.lines().filter(|line| line.len() >= 8 && !line.starts_with("-----"));
    for text in std::iter::once(value).chain(lines) {
        let hexadecimal = text.bytes().fold(String::new(), |mut hexadecimal, byte| {
            // Writing to a text does not fail.
            let _ = write!(hexadecimal, "{byte:02x}");
            hexadecimal
        });
        let json = serde_json::Value::from(text).to_string();
        let json = json[1..json.len() - 1].to_owned();
        let url = text.bytes().fold(String::new(), |mut url, byte| {
            let c = char::from(byte);
            // As above.
            let _ = if c.is_ascii_alphanumeric() { write!(url, "{c}") } else { write!(url, "%{byte:02X}") };
            url
        });
        let shell = text.replace('\'', r#"'"'"'"#);
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [text.as_bytes(), &wide] {
            for before in 0..3 {
                let code = digits(&[&[0; 2][..before], bytes].concat(), BASE64, 6);
                forms.extend(with_halves(&code[before + usize::from(before > 0)..]));
            }
            for before in 0..5 {
                let code = digits(&[&[0; 4][..before], bytes].concat(), BASE32, 5);
                forms.extend(with_halves(&code[(8 * before).div_ceil(5)..]));
            }
        }
        for between in [" ", ":"] {
            let pairs: Vec<&str> =
                hexadecimal.as_bytes().chunks(2).filter_map(|pair| str::from_utf8(pair).ok()).collect();
            forms.insert(pairs.join(between));
        }
        let spaced: Vec<String> = text.chars().map(String::from).collect();
        forms.extend([text.to_owned(), hexadecimal, json, url, shell, spaced.join(" ")]);
    }
    forms
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The digits that the bytes decide alone, from the front.
fn digits(bytes: &[u8], alphabet: &[u8], bits: usize) -> String {
    let all: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit = |bits: &[u8]| bits.iter().fold(0_usize, |number, bit| number << 1 | usize::from(*bit));
    all.chunks_exact(bits).map(|bits| char::from(alphabet[digit(bits)])).collect()
}

/// Digits in both alphabets of base64, and their halves: where a line ends within one, the other is whole.
fn with_halves(own: &str) -> Vec<String> {
    let (first, second) = own.split_at(own.len() / 2);
    let halves = [first, second].into_iter().filter(|half| half.len() >= 16);
    let all = halves.chain([own]).map(str::to_owned);
    all.flat_map(|text| [text.replace('+', "-").replace('/', "_"), text]).collect()
}

/// All forms of a canary are found, at any position.
#[test]
fn the_search_finds_every_form() {
    let value = "it's \"a\" secret\nof two lines".to_owned();
    let mut ledger = Ledger::new(&[Canary { kind: "test", value: value.clone() }]);
    for text in
        [&value, "it%27s%20%22a%22%20secret%0Aof%20two%20lines", "eDppdCdzICJhIiBzZWNyZXQKb2YgdHdvIGxpbmVz"]
    {
        assert!(!ledger.search("here", format!("before {text} after").as_bytes()).is_empty(), "{text}");
    }
    assert!(ledger.search("there", b"nothing").is_empty());
    assert_eq!((ledger.all_hits("there"), ledger.bytes("there")), (0, 7));
}
