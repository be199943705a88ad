//! `--dist`, `--loss`, `--duplicate`, `--seed`: fixed seeds in virtual time, so that nothing here can flicker.

// Counts of some thousands are exact in a float.
#![allow(clippy::cast_precision_loss)]

use super::time::records;
use super::{numbers, printed, prints};

const SEEDS: [&str; 3] = ["1", "2", "3"];
const LINES: usize = 100_000;

/// The delays drawn, as fractions of the mean of 1 s, in ascending order.
fn draws(args: &[&str], seed: &str) -> Vec<f64> {
    let fixed = ["1s", "--virtual", "--trace", "--seed", seed];
    let trace = printed(&[&fixed[..], args].concat(), numbers(LINES));
    let mut draws: Vec<f64> = records(&trace).into_iter().map(|record| record.3).collect();
    assert_eq!(draws.len(), LINES);
    draws.sort_by(f64::total_cmp);
    draws
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / values.len() as f64).sqrt()
}

/// The largest distance between the distribution of sorted values and the one they should have, which Kolmogorov and
/// Smirnov let exceed 1.95 / sqrt(n) once in a thousand times.
#[track_caller]
fn fits(sorted: &[f64], distribution: impl Fn(f64) -> f64) {
    let n = sorted.len() as f64;
    let distance = sorted
        .iter()
        .enumerate()
        .fold(0.0_f64, |most, (below, &value)| {
            let expected = distribution(value);
            let below = below as f64;
            most.max((expected - below / n).abs())
                .max(((below + 1.0) / n - expected).abs())
        });
    assert!(distance < 1.95 / n.sqrt(), "{distance}");
}

#[track_caller]
fn is_near(value: f64, expected: f64, within: f64) {
    assert!(
        (value - expected).abs() <= within,
        "{value}, not {expected}"
    );
}

/// The share of values above this one.
fn above(sorted: &[f64], value: f64) -> f64 {
    let below = sorted.partition_point(|&other| other <= value);
    (sorted.len() - below) as f64 / sorted.len() as f64
}

/// The normal distribution, by Abramowitz and Stegun 7.1.26, exact to 1.5e-7.
fn normal(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [
        0.254_829_592,
        -0.284_496_736,
        1.421_413_741,
        -1.453_152_027,
        1.061_405_429,
    ];
    let sum = series
        .iter()
        .rev()
        .fold(0.0, |sum, factor| (sum + factor) * t);
    let half = (1.0 - sum * (-x * x).exp()) / 2.0;
    if z < 0.0 { 0.5 - half } else { 0.5 + half }
}

#[test]
fn constant_draws_nothing() {
    let drawn = draws(&["--dist", "constant"], "1");
    assert!(drawn.iter().all(|value| value.to_bits() == 1_f64.to_bits()));
}

#[test]
fn uniform_has_its_width() {
    for seed in SEEDS {
        let drawn = draws(&["--dist", "uniform", "--jitter", "500ms"], seed);
        fits(&drawn, |x| (x - 0.5).clamp(0.0, 1.0));
        is_near(mean(&drawn), 1.0, 0.004);
        is_near(deviation(&drawn), 1.0 / 12_f64.sqrt(), 0.003);
        assert!(drawn[0] >= 0.5 && drawn[LINES - 1] <= 1.5);
    }
}

#[test]
fn normal_has_its_deviation_and_is_never_below_0() {
    for seed in SEEDS {
        let drawn = draws(&["--dist", "normal", "--jitter", "200ms"], seed);
        fits(&drawn, |x| normal((x - 1.0) / 0.2));
        is_near(mean(&drawn), 1.0, 0.003);
        is_near(deviation(&drawn), 0.2, 0.002);
        // Beyond three deviations.
        is_near(above(&drawn, 1.6), 0.00135, 0.0005);
        let wide = draws(&["--dist", "normal", "--jitter", "1s"], seed);
        // What would have been below 0 is 0.
        is_near(1.0 - above(&wide, 0.0), 0.1587, 0.005);
    }
}

#[test]
fn exponential_has_its_mean_and_its_tail() {
    for seed in SEEDS {
        let drawn = draws(&["--dist", "exponential"], seed);
        fits(&drawn, |x| 1.0 - (-x).exp());
        is_near(mean(&drawn), 1.0, 0.013);
        is_near(deviation(&drawn), 1.0, 0.02);
        is_near(above(&drawn, 5.0), (-5_f64).exp(), 0.001);
    }
}

#[test]
fn lognormal_has_its_mean_and_deviation() {
    for seed in SEEDS {
        let drawn = draws(&["--dist", "lognormal", "--jitter", "500ms"], seed);
        let variance = 1.25_f64.ln();
        fits(&drawn, |x| {
            normal((x.ln() + variance / 2.0) / variance.sqrt())
        });
        is_near(mean(&drawn), 1.0, 0.006);
        is_near(deviation(&drawn), 0.5, 0.01);
    }
}

#[test]
fn pareto_has_its_mean_and_its_heavy_tail() {
    for seed in SEEDS {
        let drawn = draws(&["--dist", "pareto", "--shape", "3"], seed);
        let least: f64 = 2.0 / 3.0;
        fits(&drawn, |x| 1.0 - (least / x).powi(3));
        is_near(mean(&drawn), 1.0, 0.01);
        assert!(drawn[0] >= least - 1e-9);
        // One in a thousand is more than ten times the least.
        is_near(above(&drawn, 10.0 * least), 0.001, 0.0004);
    }
}

#[test]
fn lines_are_lost_and_doubled_as_often_as_asked() {
    for seed in SEEDS {
        let common = ["--virtual", "--seed", seed];
        let lost = printed(&[&common[..], &["--loss", "10%"]].concat(), numbers(LINES));
        let kept = lost.lines().count() as f64 / LINES as f64;
        is_near(kept, 0.9, 0.004);
        let doubled = printed(
            &[&common[..], &["--duplicate", "0.05"]].concat(),
            numbers(LINES),
        );
        let count = doubled.lines().count() as f64 / LINES as f64;
        is_near(count, 1.05, 0.003);
    }
    prints(&["--loss", "1"], numbers(1000), "");
    prints(
        &["--loss", "0", "--duplicate", "0%"],
        numbers(1000),
        numbers(1000),
    );
}

#[test]
fn a_loss_does_not_change_the_delays_of_the_others() {
    let args = [
        "1s",
        "--dist",
        "normal",
        "--jitter",
        "100ms",
        "--seed",
        "7",
        "--virtual",
        "--trace",
    ];
    let all = records(&printed(&args, numbers(1000)));
    let some = records(&printed(
        &[&args[..], &["--loss", "0.5"]].concat(),
        numbers(1000),
    ));
    assert!(some.iter().any(|record| record.0 == 'd'));
    for (_, number, _, delay, _) in some {
        let whole = all.iter().find(|record| record.1 == number).expect("came");
        assert_eq!(whole.3.to_bits(), delay.to_bits());
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_others() {
    let args = [
        "1s",
        "--virtual",
        "--trace",
        "--dist",
        "exponential",
        "--loss",
        "0.1",
        "--duplicate",
        "0.1",
    ];
    let with = |seed: &str| printed(&[&args[..], &["--seed", seed]].concat(), numbers(1000));
    assert!(with("42") == with("42"));
    assert!(with("42") != with("43"));
    // Without one, each run draws anew.
    assert!(printed(&args, numbers(1000)) != printed(&args, numbers(1000)));
}

/// What the generator and the distributions give is the same on every machine and in every version: a change of these
/// would change what a `--seed` that is written down somewhere means.
#[test]
fn a_seed_means_the_same_for_ever() {
    let first = |args: &[&str]| {
        let fixed = ["1s", "--virtual", "--trace", "--seed", "2026"];
        let trace = printed(&[&fixed[..], args].concat(), numbers(3));
        let delays: Vec<String> = trace
            .lines()
            .map(|line| line.split('\t').nth(3).expect("a delay").to_owned())
            .collect();
        delays.join(" ")
    };
    assert_eq!(
        first(&["--dist", "uniform", "--jitter", "1s"]),
        "1.611541029 1.678422995 1.419716142"
    );
    assert_eq!(
        first(&["--dist", "normal", "--jitter", "100ms"]),
        "1.223466442 1.075368592 1.051126436"
    );
    assert_eq!(
        first(&["--dist", "exponential"]),
        "6.202110306 0.815114581 0.803469837"
    );
    assert_eq!(
        first(&["--dist", "lognormal", "--jitter", "1s"]),
        "4.544449393 1.324335858 1.082292974"
    );
    assert_eq!(
        first(&["--dist", "pareto", "--shape", "1.5"]),
        "0.384950154 0.374654651 0.418887816"
    );
    let lost = printed(&["--loss", "0.5", "--seed", "2026"], numbers(20));
    assert_eq!(lost.replace('\n', " "), "1 3 5 7 10 11 12 15 17 19 ");
    let doubled = printed(&["--duplicate", "0.5", "--seed", "2026"], numbers(12));
    assert_eq!(
        doubled.replace('\n', " "),
        "0 0 1 1 2 2 3 4 4 5 6 6 7 8 9 9 10 11 11 "
    );
}
