#include "storage/depot/upload_account.hpp"

#include <algorithm>
#include <limits>

#include "storage/depot/count_uploads.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/upload_error.hpp"
#include "storage/files/root.hpp"

namespace storage {
namespace {

constexpr std::uint64_t block = 4096;  // what a file system takes for a byte, as most have it

std::uint64_t on_disk(std::uint64_t bytes) { return (bytes / block + (bytes % block != 0)) * block; }

// Where uploads grow. A file system that tells no sizes bounds nothing.
std::uint64_t free_space(const Depot& depot) {
  const auto staging = Root::open(depot.staging());
  const auto space = staging ? staging->space(Path{}) : std::unexpected(staging.error());
  if (!space) return 0;
  return space->total == 0 ? std::numeric_limits<std::uint64_t>::max() : space->available;
}

}  // namespace

void UploadAccount::bound_by(const UploadLimits& limits) {
  const std::lock_guard lock(mutex_);
  book_.bound_by(limits);
  book_.see_disk(0, now_());  // what was seen was measured by the old reserve: the next one looks again
}

void UploadAccount::count() {
  {
    const std::lock_guard lock(mutex_);
    if (!book_.may_count(now_())) return;
    book_.begin_count(now_());
  }
  try {
    const auto found = count_uploads(depot_.images());
    const std::lock_guard lock(mutex_);
    book_.end_count(found, now_());
    count_ended_.notify_all();
  } catch (...) {
    const std::lock_guard lock(mutex_);
    book_.break_off_count(now_());
    count_ended_.notify_all();
    throw;
  }
}

// `ask` is called under the lock. Nobody is answered before the first count has ended: until then the book
// says that nothing lies there.
template <class Ask>
std::error_code UploadAccount::ask_after_counting(Ask ask) {
  std::unique_lock lock(mutex_);
  wait_for_the_first_count(lock);
  const bool may_count = book_.may_count(now_());
  if (book_.counted() || !may_count) {
    const auto error = ask();
    if (!error || !may_count) return error;
  }
  lock.unlock();
  count();
  lock.lock();
  wait_for_the_first_count(lock);
  return ask();
}

void UploadAccount::wait_for_the_first_count(std::unique_lock<std::mutex>& lock) {
  count_ended_.wait(lock, [this] { return book_.counted() || !book_.counting(); });
}

std::error_code UploadAccount::take(const UploadUse& more, const UploadUse& announced) {
  return ask_after_counting([&] {
    const auto error = book_.obstacle(announced);
    return error ? error : book_.take(more);
  });
}

std::expected<UploadShare, std::error_code> UploadAccount::begin_file(
    std::optional<std::uint64_t> announced_size) {
  if (const auto error = look_for_room(announced_size.value_or(1))) return std::unexpected(error);
  const UploadUse file{.files = 1};
  if (const auto error = take(file, {announced_size.value_or(0), 1, 0})) return std::unexpected(error);
  return UploadShare(*this, file);
}

std::expected<UploadShare, std::error_code> UploadAccount::begin_folder() {
  if (const auto error = look_for_room(1)) return std::unexpected(error);
  const UploadUse folder{.folders = 1};
  if (const auto error = take(folder, folder)) return std::unexpected(error);
  return UploadShare(*this, folder);
}

void UploadAccount::removed(const UploadUse& what) {
  const std::lock_guard lock(mutex_);
  book_.remove(what);
}

std::error_code UploadAccount::look_for_room(std::uint64_t bytes) {
  if (const auto error = begin_write(bytes)) return error;
  end_write(bytes);
  return {};
}

std::error_code UploadAccount::begin_write(std::uint64_t bytes) {
  const auto size = on_disk(bytes);
  const std::lock_guard lock(mutex_);
  if (!book_.knows_room(size, now_())) book_.see_disk(free_space(depot_), now_());
  return book_.spend(size) ? std::error_code() : make_error_code(UploadError::reserve);
}

void UploadAccount::end_write(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  book_.written(on_disk(bytes));
}

UploadShare::~UploadShare() {
  if (!account_) return;
  const std::lock_guard lock(account_->mutex_);
  account_->book_.give_back(taken_);
}

std::error_code UploadShare::resize(std::uint64_t bytes) {
  if (bytes > taken_.bytes) {
    const UploadUse more{.bytes = bytes - taken_.bytes};
    if (const auto error = account_->take(more, more)) return error;
  } else {
    const std::lock_guard lock(account_->mutex_);
    account_->book_.give_back({.bytes = taken_.bytes - bytes});
  }
  taken_.bytes = bytes;
  return {};
}

void UploadShare::published() {
  const std::lock_guard lock(account_->mutex_);
  std::exchange(account_, nullptr)->book_.publish(taken_);
}

}  // namespace storage
