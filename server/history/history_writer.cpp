#include "server/history/history_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "server/loop/succeeds.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto memory_pause = 10ms;
constexpr auto longest_pause = 60s;
constexpr auto prune_pause = 60s;      // once nothing is left to remove
constexpr int batches_in_a_row = 5;    // of rows to remove, before new ones are written
constexpr auto most_tries_at_end = 2;  // of what could not be written

std::int64_t days_ago(std::chrono::days days) {
  using namespace std::chrono;
  return duration_cast<milliseconds>((system_clock::now() - days).time_since_epoch()).count();
}

}  // namespace

HistoryWriter::HistoryWriter(std::filesystem::path file, const Limits& limits, Tell tell)
    : file_(std::move(file)),
      limits_(limits),
      tell_(std::move(tell)),
      next_(Clock::now()),
      prune_at_(next_),
      thread_(&HistoryWriter::run, this) {}

HistoryWriter::~HistoryWriter() {
  close(0ms);
  thread_.join();
}

bool HistoryWriter::put(storage::Record record) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + in_batch_ >= most_waiting) return false;
    waiting_.push_back(std::move(record));
  }
  more_.notify_all();
  return true;
}

bool HistoryWriter::close(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  more_.notify_all();
  return more_.wait_for(lock, patience, [this] { return stopped_; }) && waiting_.empty() && in_batch_ == 0;
}

// Where memory is short a round is lost, and no record.
void HistoryWriter::run() {
  for (int tries_at_end = 0; tries_at_end < most_tries_at_end;) {
    const bool had_memory = succeeds([this] {
      wait_and_take();
      write();
    });
    if (!had_memory) std::this_thread::sleep_for(memory_pause);
    const std::lock_guard lock(mutex_);
    in_batch_ = batch_.size();
    if (!stopping_) continue;
    if (in_batch_ + waiting_.size() == 0) break;
    ++tries_at_end;
  }
  book_.reset();
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  more_.notify_all();
}

void HistoryWriter::wait_and_take() {
  std::unique_lock lock(mutex_);
  more_.wait_until(lock, prune_at_, [this] { return stopping_ || !waiting_.empty() || !batch_.empty(); });
  more_.wait_until(lock, next_, [this] { return stopping_; });
  batch_.reserve(batch_.size() + waiting_.size());
  std::ranges::move(waiting_, std::back_inserter(batch_));
  waiting_.clear();
  in_batch_ = batch_.size();
}

void HistoryWriter::write() try {
  std::error_code unknown;
  if (book_ && !std::filesystem::exists(file_, unknown)) book_.reset();  // somebody has removed it
  if (!book_) book_.emplace(file_);
  if (!batch_.empty()) book_->write(batch_);
  batch_.clear();
  prune();
  pause_ = 0s;
  next_ = Clock::now() + commit_pause;
} catch (const storage::DatabaseError& e) {
  if (e.kind() == storage::DatabaseError::Kind::damaged) {
    set_aside(e.what());
  } else {
    failed(e.what());
  }
} catch (const std::exception& e) {
  failed(e.what());
}

void HistoryWriter::prune() {
  if (Clock::now() < prune_at_) return;
  const storage::RecordBook::Limits limits{days_ago(limits_.days), limits_.max_bytes};
  for (int i = 0; i < batches_in_a_row; ++i) {
    if (!book_->prune(limits)) {
      prune_at_ = Clock::now() + prune_pause;
      return;
    }
  }
}

void HistoryWriter::failed(const std::string& why) {
  book_.reset();
  pause_ = std::clamp<std::chrono::seconds>(2 * pause_, 1s, longest_pause);
  next_ = Clock::now() + pause_;
  prune_at_ = std::max(prune_at_, next_);
  tell(fmt::format(
      "the history cannot be written: {}; it is tried again in {} s, records waiting: {}; files are "
      "served all the same",
      why, pause_.count(), batch_.size()));
}

// With its log, which may hold what can be saved.
void HistoryWriter::set_aside(const std::string& why) {
  book_.reset();
  const auto beside = [this](const char* more) {
    auto path = file_;
    path += more;
    return path;
  };
  std::error_code error, ignored;
  std::filesystem::rename(file_, beside(".broken"), error);
  if (error) return failed(fmt::format("{}, and it cannot be moved aside: {}", why, error.message()));
  std::filesystem::remove(beside(".broken-wal"), ignored);
  std::filesystem::rename(beside("-wal"), beside(".broken-wal"), ignored);
  std::filesystem::remove(beside("-shm"), ignored);
  next_ = Clock::now() + commit_pause;
  tell(fmt::format(
      "state/history.db is damaged ({}): it is state/history.db.broken now, and a new history begins; "
      "`sqlite3 history.db.broken .recover` prints what can be saved",
      why));
}

void HistoryWriter::tell(const std::string& text) noexcept {
  succeeds([&] { tell_(text); });
}

}  // namespace server
