#pragma once
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <set>

namespace test {

// While this lives, the file system refuses this process what NTFS refuses. Linked into a test's program,
// ntfs_rules_linux.cpp stands in front of the C library's calls, so nothing in apdepot knows of it.
//
// - A folder is not renamed while this process has a file or folder below it open: EBUSY.
// - A file that another program holds, without sharing it, is neither renamed, replaced nor removed: EBUSY.
// - Two folders cannot be exchanged (EINVAL), and nobody may make a symbolic link (EPERM).
// - A new name must differ from the others in its folder by more than case: EEXIST. Opening by a name of
//   another case is what tests/support/ntfs_files.py has.
//
// And it can break off: each rename, removal and new folder is a step, but for an exchange that is refused.
class NtfsRules {
 public:
  NtfsRules();
  NtfsRules(const NtfsRules&) = delete;
  NtfsRules& operator=(const NtfsRules&) = delete;
  ~NtfsRules();

  void hold(const std::filesystem::path& file) { held_.insert(file); }
  void let_go() { held_.clear(); }
  // The process ends at that step, from 1, as when it is killed.
  void die_at(int step) { die_at_ = steps_ + step; }
  // That step, and each after it, fails for want of room on the disk; 0: none does.
  void fill_at(int step) { fill_at_ = step == 0 ? 0 : steps_ + step; }
  int steps() const { return steps_; }
  // That step alone, or that fsync, from 1, does nothing and fails by EIO; 0: none does.
  void fail_at(int step) { fail_at_ = step == 0 ? 0 : steps_ + step; }
  void fail_sync_at(int sync) { fail_sync_at_ = sync == 0 ? 0 : syncs_ + sync; }
  bool has_failed() const { return has_failed_; }
  // As where a folder of images/ is a mount of its own, in place of the EINVAL of NTFS; 0: folders are
  // exchanged, as on Linux.
  void fail_exchanges(int error) { exchanges_fail_by_ = error; }

  // For the calls in ntfs_rules_linux.cpp. 0, or the error of one that is refused.
  int step();
  int sync();
  int exchanges_fail_by() const { return exchanges_fail_by_; }
  bool holds(const std::filesystem::path& file) const { return held_.contains(file); }

 private:
  int fail();

  std::set<std::filesystem::path> held_;
  std::atomic<int> steps_ = 0, die_at_ = 0, fill_at_ = 0, exchanges_fail_by_ = EINVAL;
  std::atomic<int> syncs_ = 0, fail_at_ = 0, fail_sync_at_ = 0;
  std::atomic<bool> has_failed_ = false;
};

constexpr int died = 86;  // the exit status of a process that ended at die_at()

}  // namespace test
