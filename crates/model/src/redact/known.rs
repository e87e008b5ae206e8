//! Finds known values in a text, with automata.

use std::{collections::BTreeSet, ops::Range};

use aho_corasick::{AhoCorasick, MatchKind};

use super::{
    digits, dumps,
    forms::{Forms, SHORTEST_VALUE, Set},
    readings,
    sides::Sides,
};

/// Values to find.
#[derive(Clone)]
pub(super) struct Known {
    /// Every form in the text itself.
    exact: Finder,
    /// Long forms without blanks, for those that are wrapped, indented, spaced or in lists.
    compact: Option<Finder>,
    /// Hexadecimal and octal forms, for those with signs between their digits.
    digits: Option<Finder>,
    /// Is one of them a number?
    has_numbers: bool,
    /// Values that are only found as whole texts.
    short: BTreeSet<String>,
}

/// One automaton, with the sides of its forms, by their number.
#[derive(Clone)]
struct Finder {
    automaton: AhoCorasick,
    sides: Vec<Sides>,
}

impl Known {
    /// `None` if there are no secrets.
    pub(super) fn of<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut forms = Forms::default();
        let mut short = BTreeSet::new();
        for value in values {
            forms.add(value);
            if (1..SHORTEST_VALUE).contains(&value.len()) {
                short.insert(value.to_owned());
            }
        }
        Some(Self {
            exact: Finder::new(&forms.exact)?,
            compact: Finder::new(&forms.compact),
            digits: Finder::new(&forms.digits),
            has_numbers: forms.exact.keys().any(|form| form.parse::<serde_json::Number>().is_ok()),
            short,
        })
    }

    /// The number of forms.
    pub(super) fn forms(&self) -> usize {
        self.exact.sides.len()
    }

    pub(super) fn has_numbers(&self) -> bool {
        self.has_numbers
    }

    /// Whether it is one of the values that are too short to be found within a text.
    pub(super) fn is_short(&self, text: &str) -> bool {
        self.short.contains(text)
    }

    /// Where forms are in the text, in no order.
    pub(super) fn spans(&self, text: &str) -> Vec<Range<usize>> {
        let mut spans: Vec<Range<usize>> = self.exact.ranges(text.as_bytes()).collect();
        let compact = readings::compact(text);
        let digits = self.digits.as_ref().map(|finder| (finder, digits::digits(text)));
        let mut search = |finder: Option<&Finder>, reading: Option<&readings::Reading>| {
            if let (Some(finder), Some(reading)) = (finder, reading) {
                spans.extend(finder.ranges(&reading.text).map(|range| reading.place(&range)));
            }
        };
        search(Some(&self.exact), compact.shown.as_ref());
        search(self.compact.as_ref(), compact.reading.as_ref());
        for columns in dumps::columns(text) {
            search(self.compact.as_ref(), Some(&columns.text));
            search(self.digits.as_ref(), Some(&columns.digits));
        }
        if let Some((finder, digits)) = &digits {
            search(Some(finder), Some(digits));
        }
        spans
    }
}

impl Finder {
    /// `None` if there are no secrets. Overlapping matches are wanted: a secret that begins within another one
    /// must not be left standing in half.
    fn new(forms: &Set) -> Option<Self> {
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(forms.keys()).ok()?;
        let sides: Vec<Sides> = forms.values().copied().collect();
        (!sides.is_empty()).then_some(Self { automaton, sides })
    }

    /// The positions of forms, including the digits at their sides, by their ends.
    fn ranges(&self, text: &[u8]) -> impl Iterator<Item = Range<usize>> {
        let found = self.automaton.find_overlapping_iter(text);
        found.map(|found| self.sides[found.pattern().as_usize()].widen(text, found.range()))
    }
}
