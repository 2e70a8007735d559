//! Numbers of several days.

use std::fmt;

/// The value that this share of the values does not exceed; of none it is 0.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// The mean of several days, and how far the true mean is from it at most, with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Of these days.
    pub mean: f64,
    /// Half the width of the confidence range.
    pub half: f64,
}

impl Range {
    /// Of a number of each day.
    pub fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (squares / (count - 1.0).max(1.0)).sqrt();
        Self { mean, half: student(values.len()) * deviation / count.max(1.0).sqrt() }
    }
}

/// 97.5 % quantile of Student's distribution for so many values.
fn student(values: usize) -> f64 {
    const TABLE: [f64; 16] = [
        0.0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14,
        2.13,
    ];
    TABLE.get(values.saturating_sub(1)).copied().unwrap_or(2.0)
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = if self.mean < 10.0 { 2 } else { 0 };
        write!(f, "{:.places$} ± {:.places$}", self.mean, self.half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        assert_eq!([0.5, 0.95, 1.0].map(|share| quantile(&values, share)), [10.0, 19.0, 20.0]);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn the_range_of_equal_values_has_no_width() {
        assert_eq!(Range::of(&[3.0; 5]), Range { mean: 3.0, half: 0.0 });
        let range = Range::of(&[1.0, 2.0, 3.0]);
        assert!((range.half - 4.30 / 3.0_f64.sqrt()).abs() < 1e-9, "{range}");
    }
}
