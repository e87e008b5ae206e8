//! Faults of range documents as problems.

use range::{Fault, Faults};

use super::view::fault_code;
use crate::http::problem::{MAX_FAULTS, Problem, ProblemCode, fault};

/// Every fault of a document, with its path and hint.
pub(super) fn invalid_document(faults: &Faults) -> Problem {
    let one = |found: &Fault| api::Fault {
        hint: found.hint.clone(),
        ..fault(found.path.clone(), fault_code(found.code), found.message.clone())
    };
    // One more than are listed, so that the response mentions that there are more.
    let listed = faults.list().iter().take(MAX_FAULTS + 1).map(one).collect();
    Problem::faults(ProblemCode::InvalidDocument, listed)
        .hint("docs/range-document.md describes the format of range documents")
}
