//! Times and durations as text. `1:02.3` is 1 minute and 2.3 seconds after the start of the run's clock.

/// A time of the run's clock, to a tenth of a second.
pub(super) fn format_run_time(at_ms: u64) -> String {
    let tenths = at_ms / 100;
    format!("{}.{}", format_minutes(tenths / 10), tenths % 10)
}

/// A time to the second, for axes.
pub(super) fn format_minutes(seconds: u64) -> String {
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// A duration, to a tenth of a second.
pub(super) fn format_duration(ms: u64) -> String {
    if ms < 60_000 {
        format!("{}.{} s", ms / 1000, ms / 100 % 10)
    } else {
        format!("{} min", format_minutes(ms / 1000))
    }
}

/// A duration in microseconds, with about three digits.
pub(super) fn format_micros(us: u64) -> String {
    match us {
        0..10_000 => format!("{}.{:02} ms", us / 1000, us / 10 % 100),
        10_000..1_000_000 => format!("{} ms", us / 1000),
        _ => format!("{}.{:02} s", us / 1_000_000, us / 10_000 % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_read_as_people_write_them() {
        assert_eq!([0, 62_399, 3_725_000].map(format_run_time), ["0:00.0", "1:02.3", "1:02:05.0"]);
        assert_eq!([950, 62_399].map(format_duration), ["0.9 s", "1:02 min"]);
        assert_eq!([11, 9064, 75_775, 2_342_911].map(format_micros), ["0.01 ms", "9.06 ms", "75 ms", "2.34 s"]);
    }
}
