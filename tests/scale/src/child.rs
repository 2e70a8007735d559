//! What a process took.

use std::process::Child;
use std::time::Duration;

/// The end of a child: its wait status, processor time and most memory.
pub fn wait(child: Child) -> (i32, Duration, u64) {
    let mut status = 0;
    // SAFETY: all fields are numbers.
    #[allow(unsafe_code)]
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the child is ours and was not waited for; both pointers are to our own variables.
    #[allow(unsafe_code)]
    let pid = unsafe { libc::wait4(child.id() as i32, &mut status, 0, &mut usage) };
    assert_eq!(pid, child.id() as i32, "sapm could not be waited for");
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    (status, time(usage.ru_utime) + time(usage.ru_stime), usage.ru_maxrss as u64 * 1024)
}
