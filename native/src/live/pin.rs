//! Binding the lane's thread to a core, and keeping what disturbs it away.

use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};

/// Binds the calling thread to core `cpu`.
///
/// # Errors
/// One line: why not, and what to do.
pub fn pin(cpu: u16) -> Result<(), String> {
    let allowed = sched_getaffinity(None).map_err(|e| format!("cpu {cpu}: the cores cannot be read: {e}"))?;
    let index = usize::from(cpu);
    if index >= CpuSet::MAX_CPU || !allowed.is_set(index) {
        let cores: Vec<String> = (0..CpuSet::MAX_CPU).filter(|c| allowed.is_set(*c)).map(|c| c.to_string()).collect();
        let list = cores.join(", ");
        return Err(format!("cpu {cpu}: this process may use only the cores {list}; choose one of them, or null"));
    }
    let mut only = CpuSet::new();
    only.set(index);
    sched_setaffinity(None, &only).map_err(|e| format!("cpu {cpu}: the thread cannot be bound to it: {e}"))
}

/// Keeps the process's other threads off core `cpu`, where they have another one to run on: a lane that polls busily
/// loses a time slice to each of them. `lane` is the thread that is bound there. What cannot be moved stays.
pub fn spare(cpu: u16, lane: Pid) {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return };
    for task in tasks.flatten() {
        let id = task.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        let Some(id) = id.filter(|id| *id != lane) else { continue };
        let Ok(mut cores) = sched_getaffinity(Some(id)) else { continue };
        cores.unset(usize::from(cpu));
        if cores.count() > 0 {
            let _ = sched_setaffinity(Some(id), &cores);
        }
    }
}

/// Brings all memory of the process in, and keeps it: the first touch of a page costs microseconds, and rings and tables
/// are touched for the first time all day. False where the system does not allow it (`ulimit -l`).
#[must_use]
pub fn hold_memory() -> bool {
    rustix::mm::mlockall(rustix::mm::MlockAllFlags::CURRENT).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_bound_or_told_why_not() {
        let done = std::thread::spawn(|| {
            let before = sched_getaffinity(None).unwrap();
            let core = (0..CpuSet::MAX_CPU).find(|c| before.is_set(*c)).unwrap();
            assert_eq!(pin(core as u16), Ok(()));
            let after = sched_getaffinity(None).unwrap();
            assert_eq!((after.count(), after.is_set(core)), (1, true));
            let error = pin(CpuSet::MAX_CPU as u16 - 1).unwrap_err();
            assert!(error.contains("choose one of them"), "{error}");
        });
        done.join().unwrap();
    }
}
