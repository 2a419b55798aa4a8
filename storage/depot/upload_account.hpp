#pragma once
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "storage/depot/upload_book.hpp"

namespace storage {

class Depot;
class UploadShare;

// The bounds of everything that clients send, over all protocols and into all uploads folders. It counts what
// lies there once, and keeps the number by arithmetic; where a bound is in the way it counts again before it
// refuses, because an administrator may have removed something. Safe from any thread; every call may wait for
// the disk: for a worker. Outlives its shares. Errors are UploadError.
class UploadAccount {
 public:
  using Clock = UploadBook::Time (*)();

  UploadAccount(const Depot& depot, const UploadLimits& limits, Clock clock) : depot_(depot), now_(clock) {
    book_.bound_by(limits);
  }
  UploadAccount(const UploadAccount&) = delete;
  UploadAccount& operator=(const UploadAccount&) = delete;

  const Depot& depot() const { return depot_; }
  void bound_by(const UploadLimits& limits);  // never waits for the disk
  // So that nobody has to wait for it later. Does nothing where somebody counts, or did a moment ago.
  void count();

  // For one file or folder that is on its way. A size that is announced must fit, but what is written counts.
  std::expected<UploadShare, std::error_code> begin_file(std::optional<std::uint64_t> announced_size);
  std::expected<UploadShare, std::error_code> begin_folder();
  void removed(const UploadUse& what);

  // Around each write of so many bytes, whatever place in the file they have.
  std::error_code begin_write(std::uint64_t bytes);
  void end_write(std::uint64_t bytes);

 private:
  friend class UploadShare;
  std::error_code take(const UploadUse& more, const UploadUse& announced);
  std::error_code look_for_room(std::uint64_t bytes);
  template <class Ask>
  std::error_code ask_after_counting(Ask ask);
  void wait_for_the_first_count(std::unique_lock<std::mutex>& lock);

  const Depot& depot_;
  const Clock now_;
  std::mutex mutex_;
  std::condition_variable count_ended_;
  UploadBook book_;
};

// What one upload has taken. Gives it back, unless it was published.
class UploadShare {
 public:
  UploadShare(UploadAccount& account, const UploadUse& taken) : account_(&account), taken_(taken) {}
  UploadShare(UploadShare&& other) noexcept
      : account_(std::exchange(other.account_, nullptr)), taken_(other.taken_) {}
  UploadShare& operator=(UploadShare&& other) noexcept {
    std::swap(account_, other.account_);
    std::swap(taken_, other.taken_);
    return *this;
  }
  ~UploadShare();

  std::error_code resize(std::uint64_t bytes);  // never an error where it becomes smaller
  std::uint64_t size() const { return taken_.bytes; }
  UploadAccount& account() const { return *account_; }
  void published();  // the last call

 private:
  UploadAccount* account_;
  UploadUse taken_;
};

}  // namespace storage
