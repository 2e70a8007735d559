//! Numbers as Python parses and prints them.

/// Long numbers consist of limbs below this.
const LIMB: u64 = 1_000_000_000;

/// The decimal text of a number given as digits in other bases, without leading zeros.
///
/// The most significant digit comes first. Each has its own base, so that base 60 numbers also
/// work.
pub(crate) fn decimal(digits: impl Iterator<Item = (u32, u32)>) -> String {
    // least significant limb first
    let mut limbs: Vec<u32> = vec![0];
    // several digits are processed at once
    let (mut factor, mut sum) = (1, 0);
    for (base, digit) in digits {
        if u64::from(base) * factor > LIMB {
            multiply_add(&mut limbs, factor, sum);
            (factor, sum) = (1, 0);
        }
        factor *= u64::from(base);
        sum = sum * u64::from(base) + u64::from(digit);
    }
    multiply_add(&mut limbs, factor, sum);
    let mut text = String::new();
    for (i, limb) in limbs.iter().rev().enumerate() {
        if i == 0 {
            text.push_str(&limb.to_string());
        } else {
            text.push_str(&format!("{limb:09}"));
        }
    }
    text
}

/// `limbs * factor + sum`, for numbers up to [`LIMB`].
fn multiply_add(limbs: &mut Vec<u32>, factor: u64, sum: u64) {
    let mut carry = sum;
    for limb in limbs.iter_mut() {
        let n = u64::from(*limb) * factor + carry;
        *limb = u32::try_from(n % LIMB).unwrap_or(0);
        carry = n / LIMB;
    }
    if carry > 0 {
        limbs.push(u32::try_from(carry).unwrap_or(0));
    }
}

/// Python's `repr` of a float: the shortest digits that parse to the same number.
pub(crate) fn python_repr(x: f64) -> String {
    if x.is_nan() {
        return "nan".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{x:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{x}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_python() {
        for (x, text) in [
            (1.10, "1.1"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e16, "1e+16"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (1e15, "1000000000000000.0"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e300, "1.5e+300"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(python_repr(x), text);
        }
    }

    #[test]
    fn big_numbers_keep_their_digits() {
        let hex = "123456789abcdef0123456789abcdef";
        let digits = hex.chars().filter_map(|c| Some((16, c.to_digit(16)?)));
        assert_eq!(decimal(digits), "1512366075204170929049582354406559215");
        assert_eq!(decimal(std::iter::empty()), "0");
    }
}
