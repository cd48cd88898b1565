//! Welch's t-test, after a crop of the slowest samples: interrupts make them slow, not the input.

/// The parts of the samples that are kept, the fastest first: a leak in few samples and one in all of them are found.
const KEPT: [f64; 4] = [0.5, 0.75, 0.9, 0.98];

/// The times of the two inputs, in nanoseconds.
#[derive(Default)]
pub struct Times([Vec<f64>; 2]);

impl Times {
    pub fn add(&mut self, second: bool, nanoseconds: f64) {
        let [one, other] = &mut self.0;
        if second { other } else { one }.push(nanoseconds);
    }

    /// Returns t, and the difference of the means.
    fn t(&self, kept: f64) -> (f64, f64) {
        let most = quantile(self.0.concat(), kept);
        let [one, other] = self.0.each_ref().map(|times| summary(times, most));
        let difference = other.mean - one.mean;
        let error = (one.variance / one.count + other.variance / other.count).sqrt();
        // Times that never differ are those of a clock that stands still.
        (if error > 0.0 { difference / error } else { 0.0 }, difference)
    }
}

/// Returns the median of the batches' t with its sign, of the crop in which it is farthest from 0. Noise has no sign.
pub fn t_of_batches(batches: &[Times]) -> (f64, f64) {
    let of_crops = KEPT.map(|kept| {
        let (t, differences): (Vec<f64>, Vec<f64>) =
            batches.iter().map(|times| times.t(kept)).unzip();
        (quantile(t, 0.5), quantile(differences, 0.5))
    });
    of_crops
        .into_iter()
        .max_by(|one, other| one.0.abs().total_cmp(&other.0.abs()))
        .unwrap_or_default()
}

struct Summary {
    count: f64,
    mean: f64,
    variance: f64,
}

/// Welford's method.
fn summary(times: &[f64], most: f64) -> Summary {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for time in times.iter().filter(|time| **time <= most) {
        count += 1.0;
        let step = time - mean;
        mean += step / count;
        squares += step * (time - mean);
    }
    Summary { count, mean, variance: squares / (count - 1.0_f64).max(1.0) }
}

/// Returns the value below which this part of the values is.
fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a position in the values"
    )]
    let position = (values.len() as f64 * part) as usize;
    values.get(position).or(values.last()).copied().unwrap_or_default()
}
