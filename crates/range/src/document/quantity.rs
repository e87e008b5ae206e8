//! Numbers with bounds, sizes with units, and durations.

use std::fmt;

use serde_json::{Value, json};

use super::names::BadText;
use crate::{
    fault::{At, FaultCode, Faults},
    read::{Book, Read, text_form, wrong_type},
};

/// Declares numbers with bounds; with a unit, also a text such as `2GiB` is read.
macro_rules! numbers {
    ($($(#[$meta:meta])* $name:ident: $least:literal to $most:literal $(in $unit:ident)?),+ $(,)?) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl Read for $name {
            fn read(value: &Value, at: &At<'_>, faults: &mut Faults) -> Option<Self> {
                let unit: Option<u64> = None$(.or(Some($unit)))?;
                number(value, ($least, $most), unit, at, faults).map(Self)
            }

            fn schema(_: &mut Book) -> Value {
                let number = json!({ "type": "integer", "minimum": $least, "maximum": $most });
                let unit: Option<u64> = None$(.or(Some($unit)))?;
                match unit {
                    None => number,
                    Some(_) => json!({ "anyOf": [number, { "type": "string", "pattern": SIZE }] }),
                }
            }
        }
    )+ };
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const SIZE: &str = "^[0-9]{1,12} ?([KMGT]|[KMGT]B|[KMGT]iB)$";

numbers! {
    /// Number of instances.
    Count: 1 to 1_000,
    /// Number of CPU cores.
    Cores: 1 to 512,
    /// Memory in MiB.
    MemoryMb: 16 to 4_194_304 in MIB,
    /// Disk in GiB.
    DiskGb: 1 to 65_536 in GIB,
    /// A TCP port.
    Port: 1 to 65_535,
}

fn number(
    value: &Value,
    (least, most): (u32, u32),
    unit: Option<u64>,
    at: &At<'_>,
    faults: &mut Faults,
) -> Option<u32> {
    let found: i128 = match (value, unit) {
        (Value::Number(number), _) if number.is_u64() || number.is_i64() => {
            number.as_u64().map_or_else(|| i128::from(number.as_i64().unwrap_or(0)), i128::from)
        }
        // 2.0 is a whole number, too, for JSON and its schemas.
        (Value::Number(number), _) => match number.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => float as i128,
            _ => return wrong_type(value, "a whole number", at, faults),
        },
        (Value::String(text), Some(unit)) => match size(text, unit) {
            Ok(units) => i128::from(units),
            Err(bad) => {
                faults
                    .add(at, bad.code(), bad.to_string())
                    .hint("use a number, or a size such as `2GiB` or `512MiB`");
                return None;
            }
        },
        _ => return wrong_type(value, "a whole number", at, faults),
    };
    let fits = u32::try_from(found).ok().filter(|number| (least..=most).contains(number));
    if fits.is_none() {
        faults
            .add(at, FaultCode::OutOfRange, format!("{found} is out of range"))
            .hint(format!("use {least} to {most}"));
    }
    fits
}

/// A size with a unit, in another unit. `G`, `GB` and `GiB` all are 2^30 bytes, as hypervisors mean them.
fn size(text: &str, unit: u64) -> Result<u64, BadText> {
    let bad = || BadText::invalid("size", text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| bad())?;
    let bytes = match rest.strip_prefix(' ').unwrap_or(rest) {
        "K" | "KB" | "KiB" => 1_u64 << 10,
        "M" | "MB" | "MiB" => 1 << 20,
        "G" | "GB" | "GiB" => 1 << 30,
        "T" | "TB" | "TiB" => 1 << 40,
        _ => return Err(bad()),
    };
    let bytes = number.checked_mul(bytes).ok_or_else(bad)?;
    if bytes % unit != 0 {
        return Err(BadText::new(
            FaultCode::OutOfRange,
            format!("`{text}` is not a multiple of {} MiB", unit / MIB),
        ));
    }
    Ok(bytes / unit)
}

/// A duration in whole seconds, written as `45s`, `30m`, `8h`, `7d` or a sequence such as `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The whole of it, in seconds.
    pub seconds: u32,
}

const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
/// The longest duration: a year.
const MAX_SECONDS: u32 = 366 * 86_400;

impl Span {
    pub(crate) const WHAT: &str = "duration";
    const PATTERN: &str = "^([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?$";
    pub(crate) const FORM: &str = "use a duration such as `45s`, `30m`, `8h`, `7d` or `1h30m`, up to `366d`";

    fn parse(text: &str) -> Result<Self, BadText> {
        let bad = || BadText::invalid("duration", text);
        let mut seconds = 0_u64;
        let (mut rest, mut units) = (text, UNITS.iter());
        while !rest.is_empty() {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .filter(|end| (1..=9).contains(end))
                .ok_or_else(bad)?;
            let unit = rest[end..].chars().next().ok_or_else(bad)?;
            let (_, factor) = units.by_ref().find(|(name, _)| *name == unit).ok_or_else(bad)?;
            let number: u64 = rest[..end].parse().map_err(|_| bad())?;
            seconds += number * u64::from(*factor);
            rest = &rest[end + unit.len_utf8()..];
        }
        match u32::try_from(seconds) {
            Ok(seconds) if (1..=MAX_SECONDS).contains(&seconds) => Ok(Self { seconds }),
            _ if text.is_empty() => Err(bad()),
            _ => Err(BadText::new(FaultCode::OutOfRange, format!("the duration `{text}` is out of range"))),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.seconds;
        for (unit, seconds) in UNITS {
            if rest >= seconds {
                write!(f, "{}{unit}", rest / seconds)?;
                rest %= seconds;
            }
        }
        Ok(())
    }
}

text_form!(Span);
