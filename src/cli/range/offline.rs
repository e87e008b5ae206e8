//! A plan without a service: the document is checked and planned for the rules that most platforms share, as if nothing
//! existed. Subnets and addresses are the first free ones of the default pool.

use api::NewRange;
use range::{
    Leases, PlatformRules, Recorded, Values,
    document::VariableType,
    plan::{Estimates, Inputs},
};

use super::failure::Failure;
use crate::http::shown_plan;

/// What stands for the value of a secret, which no plan shows.
const SECRET: &str = "secret";

/// The plan of a document.
///
/// # Errors
/// All faults of the document.
pub(super) fn plan(name: &str, new: NewRange) -> Result<api::Plan, Failure> {
    let invalid = |faults| Failure::Document { name: name.to_owned(), faults };
    let rules = PlatformRules::default();
    let document = range::read_value(&new.document.into(), &rules).map_err(invalid)?;
    let given = new.values.unwrap_or_default();
    let mut values = Values { all: given.all, instances: given.instances };
    let secrets = document.variables.iter().filter(|(_, variable)| variable.r#type == VariableType::Secret);
    for (name, _) in secrets {
        values.all.insert(name.to_string(), SECRET.into());
    }
    let desired = range::expand(&document, &values, &Leases::default(), &rules).map_err(invalid)?;
    let inputs = Inputs { rules: &rules, estimates: &Estimates::default(), prices: None };
    Ok(shown_plan(&range::plan(&desired, &Recorded::default(), &inputs)))
}
