//! The layer of `RANGEHAND__SECTION__KEY` variables.

use super::{
    Error, Origin,
    inputs::Environment,
    keys,
    kind::{Key, Kind, NamedTables},
    layer::{Entry, Layer},
    nearest::nearest,
    read::{Raw, switch_word},
    renamed, tables,
    variable::{PREFIX, variable_of},
};

/// What the `RANGEHAND__` variables of an environment set.
///
/// # Errors
/// The first variable that names no key, or whose value its key may not hold, or whose name differs from the variable of a key
/// only in underscores and case: a service that ignored `RANGEHAND_ACCESS_MODES` would authenticate no caller.
pub(super) fn layer(environment: &Environment) -> Result<Layer, Error> {
    let mut layer = Layer::default();
    for variable in environment.names() {
        if let Some(path) = variable.strip_prefix(PREFIX) {
            layer.extend([entry(variable, path, environment.text(variable)?.unwrap_or_default())?]);
        } else if let Some(key) = meant(variable)
            && !is_of_kubernetes(environment.text(variable)?.unwrap_or_default())
        {
            let (name, origin) = (variable.to_owned(), Origin::Environment(variable.to_owned()));
            let nearest = Some(key);
            return Err(Error::UnknownSetting { name, place: Box::new(origin.into()), nearest });
        }
    }
    Ok(layer)
}

fn entry(variable: &str, path: &str, text: &str) -> Result<Entry, Error> {
    let origin = Origin::Environment(variable.to_owned());
    if let Some((key, member)) = member(path) {
        return Entry::member(key, member, Raw::Text(text.to_owned()), origin.into());
    }
    let name = path.to_lowercase().replace("__", ".");
    if let Some((tables, table, key)) = in_table(&name) {
        let raw = tables.key(key).map_or_else(|| Raw::Text(String::new()), |key| value_in(key, text));
        return Entry::in_table(tables, table, key, raw, origin.into());
    }
    match renamed::find(&name) {
        Some((key, old_name)) => {
            Entry::new(key, value_in(key, text), origin.into()).map(|entry| entry.under(old_name))
        }
        None => {
            let nearest = nearest(&name).map(str::to_owned);
            Err(Error::UnknownSetting { name, place: Box::new(origin.into()), nearest })
        }
    }
}

/// The section, the table and the key of a name such as `projects.lab.root`.
fn in_table(name: &str) -> Option<(&'static NamedTables, &str, &str)> {
    let (section, rest) = name.split_once('.')?;
    let (table, key) = rest.rsplit_once('.')?;
    Some((tables::find(section)?, table, key))
}

/// The key whose variable has this name, but for underscores and case. A table such as a project may have any name.
fn meant(variable: &str) -> Option<String> {
    let is_near = variable
        .get(..PREFIX.len() - 2)
        .is_some_and(|start| PREFIX[..start.len()].eq_ignore_ascii_case(start));
    let wanted = is_near.then(|| letters(variable))?;
    let current = keys::KEYS.iter().map(|key| (key.name, key.name));
    let old = renamed::RENAMED.iter().map(|row| (row.old, row.new));
    let key = current.chain(old).find(|(name, _)| letters(&variable_of(name)) == wanted);
    let in_tables = || tables::TABLES.iter().find_map(|tables| meant_in(tables, variable, &wanted));
    key.map(|(_, key)| key.to_owned()).or_else(in_tables)
}

fn meant_in(tables: &NamedTables, variable: &str, wanted: &str) -> Option<String> {
    let table = wanted.strip_prefix(&letters(&variable_of(tables.section)))?;
    let key = tables
        .short_names()
        .filter(|key| table.strip_suffix(&letters(key)).is_some_and(|name| !name.is_empty()))
        .max_by_key(|key| key.len())?;
    // The name as it was given, without what is before and after it.
    let parts: Vec<&str> = variable.split('_').filter(|part| !part.is_empty()).collect();
    let of_key = key.split('_').count();
    let name = parts.get(2..parts.len().saturating_sub(of_key)).unwrap_or_default().join("_").to_lowercase();
    let name = if (tables.names.accepts)(&name) { name } else { "name".to_owned() };
    Some(format!("{}.{name}.{key}", tables.section))
}

fn letters(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

/// Kubernetes sets `RANGEHAND_SERVER_PORT=tcp://10.0.0.1:8000` for a service that is called `rangehand-server`.
fn is_of_kubernetes(value: &str) -> bool {
    ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

/// The key of a table and the name in it, whose case counts: `ANSIBLE__ENVIRONMENT__MY_NAME`.
fn member(path: &str) -> Option<(&'static Key, &str)> {
    let mut parts = path.splitn(3, "__");
    let name = format!("{}.{}", parts.next()?.to_lowercase(), parts.next()?.to_lowercase());
    let key = keys::find(&name).filter(|key| matches!(key.kind, Kind::Variables))?;
    Some((key, parts.next()?))
}

/// A text from the environment as the kind of its key wants it; what cannot be read so stays a text, which
/// is then refused with what is allowed.
pub(super) fn value_in(key: &Key, text: &str) -> Raw {
    let list = |separator| {
        let parts = text.split(separator).map(str::trim).filter(|part| !part.is_empty());
        Raw::List(parts.map(|part| Raw::Text(part.to_owned())).collect())
    };
    let converted = match key.kind {
        Kind::Integer { .. } => text.trim().parse().ok().map(Raw::Integer),
        Kind::Switch => switch_word(text).map(Raw::Switch),
        Kind::List(_) | Kind::Pairs(_) => Some(list(',')),
        Kind::OneOrMore(_) if text.contains(',') => Some(list(',')),
        Kind::Text(_)
        | Kind::Word(_)
        | Kind::Path
        | Kind::SearchPath
        | Kind::OneOrMore(_)
        | Kind::Variables
        | Kind::Secret(_) => None,
    };
    converted.unwrap_or_else(|| Raw::Text(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_of_a_key_leads_back_to_it() {
        for key in keys::KEYS {
            let variable = variable_of(key.name);
            let path = variable.strip_prefix(PREFIX).unwrap_or_default();
            assert_eq!(path.to_lowercase().replace("__", "."), key.name);
        }
    }

    #[test]
    fn the_case_of_a_runs_variable_counts() {
        let (key, name) = member("ANSIBLE__ENVIRONMENT__http_PROXY__x").unwrap();
        assert_eq!((key.name, name), ("ansible.environment", "http_PROXY__x"));
        assert!(member("ANSIBLE__ENVIRONMENT").is_none());
        assert!(member("SERVER__PORT__X").is_none());
    }
}
