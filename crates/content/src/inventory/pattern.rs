//! Host ranges: `pve[01:03]` means `pve01`, `pve02`, and `pve03`.

/// The maximum number of hosts of a pattern.
const MOST: usize = 10_000;

/// The hosts of a name in an inventory: the name itself, unless it has a range of numbers or letters.
///
/// # Errors
/// A range that cannot be read, or is too long.
pub(super) fn expand(pattern: &str) -> Result<Vec<String>, String> {
    let Some((head, rest)) = pattern.split_once('[') else { return Ok(vec![pattern.to_owned()]) };
    // An address of IPv6 in brackets is no range.
    let Some((range, tail)) = rest.split_once(']').filter(|(range, _)| !range.contains("::")) else {
        return Ok(vec![pattern.to_owned()]);
    };
    let middles =
        members(range).ok_or_else(|| format!("`{}` is no range of hosts", pattern.escape_debug()))?;
    let tails = expand(tail)?;
    if middles.len().saturating_mul(tails.len()) > MOST {
        return Err(format!("`{}` stands for more than {MOST} hosts", pattern.escape_debug()));
    }
    let both = |middle: &String| tails.iter().map(|tail| format!("{head}{middle}{tail}")).collect::<Vec<_>>();
    Ok(middles.iter().flat_map(both).collect())
}

fn members(range: &str) -> Option<Vec<String>> {
    let mut parts = range.split(':');
    let (begin, end) = (parts.next()?, parts.next()?);
    let step: usize = parts.next().map_or(Some(1), |step| step.parse().ok()).filter(|step| *step > 0)?;
    if parts.next().is_some() {
        return None;
    }
    if let (Ok(begin), [end]) = (<[u8; 1]>::try_from(begin.as_bytes()), end.as_bytes())
        && begin[0].is_ascii_alphabetic()
        && end.is_ascii_alphabetic()
    {
        return Some((begin[0]..=*end).step_by(step).map(|letter| char::from(letter).to_string()).collect());
    }
    let width = if begin.starts_with('0') { begin.len() } else { 0 };
    let from: usize = if begin.is_empty() { 0 } else { begin.parse().ok()? };
    let to: usize = end.parse().ok()?;
    let numbers = (from..=to).step_by(step).take(MOST + 1);
    Some(numbers.map(|number| format!("{number:0width$}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_expanded_as_ansible_does() {
        for (pattern, hosts) in [
            ("pve", "pve"),
            ("pve[1:3]", "pve1 pve2 pve3"),
            ("pve[08:11].lab", "pve08.lab pve09.lab pve10.lab pve11.lab"),
            ("[a:c]-x[1:2]", "a-x1 a-x2 b-x1 b-x2 c-x1 c-x2"),
            ("n[0:6:3]", "n0 n3 n6"),
            ("[2001:db8::1]", "[2001:db8::1]"),
        ] {
            assert_eq!(expand(pattern).unwrap().join(" "), hosts, "{pattern}");
        }
        for pattern in ["x[1]", "x[a:9]", "x[1:2:0]", "x[1:99999]", "x[1:2:3:4]", "x[1:200][1:200]"] {
            assert!(expand(pattern).is_err(), "{pattern}");
        }
    }
}
