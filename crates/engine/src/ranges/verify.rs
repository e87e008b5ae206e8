//! Verification by packets: a job in which machines of an instance send packets, and what its results prove.
//!
//! The job runs the bundled role `range_verify`, so it works on every platform whose machines Ansible reaches. Which packets are
//! sent, and what must come of them, follows from the document alone, so results can be evaluated by another process than the
//! one that submitted the job.

use std::{collections::BTreeMap, fmt::Write as _, net::IpAddr};

use model::{ContentName, Ending, Outcome, PlaybookWork};
use range::{
    Desired, Document, Reachability,
    expand::spec::MachineSpec,
    probes::{Arrival, Mismatch, Probes, probes},
};
use serde_json::{Map, Value};

use super::bundled::{WorkError, work};

const PLAYBOOK: &str = "range_verify";
const VARIABLE: &str = "range_probes";
/// The variables that the role prints.
const RESULTS: &str = "range_results";
const ERRORS: &str = "range_errors";

/// The most hosts that Ansible connects to at once.
const MOST_FORKS: usize = 50;
/// The most mismatches that a message lists.
const MOST_LISTED: usize = 20;
/// The longest part of an error of a machine that a message quotes, in characters.
const MOST_QUOTED: usize = 200;

/// The verification of one instance of a range.
#[derive(Debug)]
pub struct Verification {
    probes: Probes,
}

/// What was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Packets that went as the rules say.
    pub packets: usize,
    /// Packets of which nothing can be said.
    pub unknown: usize,
    /// Pairs of machines between which packets were sent.
    pub pairs: usize,
    /// All pairs; more than `pairs` if the range is so large that it was sampled.
    pub all_pairs: usize,
    /// Machines that sent packets to the outside.
    pub outward: usize,
}

impl std::fmt::Display for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { packets, unknown, pairs, all_pairs, outward } = self;
        write!(f, "{packets} packets between {pairs} pairs of machines")?;
        if *outward > 0 {
            write!(f, ", and from {outward} machines to the outside,")?;
        }
        write!(f, " passed or were refused as the rules say")?;
        if *unknown > 0 {
            write!(f, "; of {unknown} others nothing can be said")?;
        }
        if all_pairs > pairs {
            write!(f, "; there are {all_pairs} pairs, which are too many to test all of them")?;
        }
        Ok(())
    }
}

impl Verification {
    /// The verification of an instance; `outside` is an address in the outside that answers, if one is known.
    #[must_use]
    pub fn new(document: &Document, desired: &Desired, instance: &str, outside: Option<IpAddr>) -> Self {
        let machines: Vec<&MachineSpec> = desired
            .machines
            .iter()
            .map(|machine| &**machine)
            .filter(|machine| machine.instance == instance)
            .collect();
        Self { probes: probes(&Reachability::new(document), &machines, outside) }
    }

    /// Is there nothing to send? Then the instance is verified without a job.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.probes.by_machine.is_empty()
    }

    /// The work of the job; `inventory` is that of the range. It runs on all machines that send, at once.
    ///
    /// # Errors
    /// If the machines can't be described to Ansible.
    pub fn work(&self, inventory: ContentName) -> Result<PlaybookWork, WorkError> {
        let texts = self.probes.texts().into_iter().map(|(machine, text)| (machine.to_owned(), text));
        let mut work = work(PLAYBOOK, inventory, VARIABLE, texts)?;
        work.forks = u16::try_from(self.probes.by_machine.len().clamp(1, MOST_FORKS)).ok();
        Ok(work)
    }

    /// What the outcome of the job proves.
    ///
    /// # Errors
    /// What differs from the document, or why the packets were not sent, as a message.
    pub fn evaluate(&self, outcome: &Outcome) -> Result<Verified, String> {
        let report = outcome.detail.as_playbook().map(|detail| &detail.report);
        match (outcome.ending, report) {
            (Ending::Succeeded, Some(report)) => self.evaluate_results(&report.results),
            _ => Err(format!("the packets were not sent: {}", outcome.reason.message)),
        }
    }

    /// The same with the results of the job: the variables that its tasks printed.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn evaluate_results(&self, results: &Map<String, Value>) -> Result<Verified, String> {
        let (letters, errors) = (by_host(results, RESULTS), by_host(results, ERRORS));
        let mismatches = self.probes.compare(&letters);
        if !mismatches.is_empty() {
            return Err(message(&mismatches, &errors));
        }
        let is_unknown = |letter: &char| Arrival::from_letter(*letter) == Some(Arrival::Unknown);
        let unknown = letters.values().flat_map(|letters| letters.chars()).filter(is_unknown).count();
        let packets = self.probes.count().saturating_sub(unknown);
        if packets == 0 && !self.is_empty() {
            return Err("no machine could send packets that prove anything".to_owned());
        }
        let Probes { pairs, all_pairs, .. } = self.probes;
        Ok(Verified { packets, unknown, pairs, all_pairs, outward: self.probes.outward() })
    }
}

/// The values of a printed variable by host.
fn by_host(results: &Map<String, Value>, variable: &str) -> BTreeMap<String, String> {
    let printed = results.get(variable).and_then(Value::as_array).into_iter().flatten();
    let by_host = printed.filter_map(Value::as_object).flatten();
    by_host.filter_map(|(host, value)| Some((host.clone(), value.as_str()?.to_owned()))).collect()
}

fn message(mismatches: &[Mismatch], errors: &BTreeMap<String, String>) -> String {
    let mut message = String::new();
    for mismatch in mismatches.iter().take(MOST_LISTED) {
        let separator = if message.is_empty() { "" } else { "; " };
        let error = errors.get(&mismatch.from).filter(|error| mismatch.packet.is_none() && !error.is_empty());
        // Writing to a string can't fail.
        let _ = match error {
            Some(error) => {
                let quoted: String = error.chars().take(MOST_QUOTED).collect();
                write!(message, "{separator}{mismatch}: {quoted}")
            }
            None => write!(message, "{separator}{mismatch}"),
        };
    }
    if mismatches.len() > MOST_LISTED {
        let _ = write!(message, "; and {} more", mismatches.len() - MOST_LISTED);
    }
    message
}
