//! Times of an archive as Go hands them to utimensat(2).

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use crate::header::Moment;

const SECOND: i64 = 1_000_000_000;

pub(super) struct Times;

impl Times {
    /// For all but symlinks: a time before 1970 or after what 64 bits of nanoseconds hold (the
    /// year 2262) is 1970 (moby 20.10, pkg/system `Chtimes`).
    pub(super) fn clamped(atime: Moment, mtime: Moment) -> Timestamps {
        let last = Moment { seconds: i64::MAX / SECOND, nanos: (i64::MAX % SECOND) as u32 };
        let clamp = |time: Moment| if time < Moment::EPOCH || time > last { Moment::EPOCH } else { time };
        timestamps(clamp(atime), clamp(mtime))
    }

    /// The access time as it is, the modification time now.
    pub(super) fn changed_now() -> Timestamps {
        let spec = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
        Timestamps { last_access: spec(UTIME_OMIT), last_modification: spec(UTIME_NOW) }
    }

    /// For symlinks: nanoseconds since 1970 in 64 bits, whatever becomes of it (moby 20.10,
    /// pkg/archive `timeToTimespec`). Times before 1970 stay.
    pub(super) fn wrapped(atime: Moment, mtime: Moment) -> Timestamps {
        let wrap = |time: Moment| {
            let nanos = time.seconds.wrapping_mul(SECOND).wrapping_add(i64::from(time.nanos));
            Moment { seconds: nanos.div_euclid(SECOND), nanos: nanos.rem_euclid(SECOND) as u32 }
        };
        timestamps(wrap(atime), wrap(mtime))
    }
}

fn timestamps(atime: Moment, mtime: Moment) -> Timestamps {
    let spec = |time: Moment| Timespec { tv_sec: time.seconds, tv_nsec: time.nanos.into() };
    Timestamps { last_access: spec(atime), last_modification: spec(mtime) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mtime(times: Timestamps) -> (i64, i64) {
        (times.last_modification.tv_sec, times.last_modification.tv_nsec)
    }

    #[test]
    fn what_nanoseconds_cannot_hold_is_1970_but_for_symlinks() {
        let far = Moment::second(1 << 40);
        let early = Moment { seconds: -2, nanos: 500_000_000 };
        assert_eq!(mtime(Times::clamped(far, far)), (0, 0));
        assert_eq!(mtime(Times::clamped(early, early)), (0, 0));
        assert_eq!(mtime(Times::wrapped(early, early)), (-2, 500_000_000));
        assert_eq!(mtime(Times::wrapped(far, far)), (-7_293_016_647, 426_903_040));
    }
}
