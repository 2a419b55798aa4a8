#include "storage/depot/upload_book.hpp"

#include <algorithm>

#include "storage/depot/upload_error.hpp"

namespace storage {
namespace {

using namespace std::chrono_literals;

constexpr int share_of_counting = 10;                // of the time, one part in so many
constexpr std::uint64_t look_again_after = 4 << 20;  // bytes
constexpr auto look_again_within = 1s;

bool fits(std::uint64_t more, std::uint64_t used, std::uint64_t most) {
  return more == 0 || (used <= most && more <= most - used);
}

std::uint64_t less(std::uint64_t from, std::uint64_t what) { return from - std::min(from, what); }

}  // namespace

UploadUse& UploadUse::operator+=(const UploadUse& more) {
  bytes += more.bytes;
  files += more.files;
  folders += more.folders;
  return *this;
}

UploadUse& UploadUse::operator-=(const UploadUse& what) {
  bytes = less(bytes, what.bytes);
  files = less(files, what.files);
  folders = less(folders, what.folders);
  return *this;
}

UploadUse UploadBook::all() const {
  auto all = published_;
  return all += under_way_;
}

std::error_code UploadBook::obstacle(const UploadUse& more) const {
  const auto used = all();
  if (!fits(more.bytes, used.bytes, limits_.max_total)) return UploadError::total;
  if (!fits(more.files, used.files, limits_.max_files)) return UploadError::files;
  if (!fits(more.folders, used.folders, limits_.max_folders)) return UploadError::folders;
  return {};
}

std::error_code UploadBook::take(const UploadUse& more) {
  const auto error = obstacle(more);
  if (!error) under_way_ += more;
  return error;
}

void UploadBook::give_back(const UploadUse& taken) { under_way_ -= taken; }

void UploadBook::publish(const UploadUse& taken) {
  under_way_ -= taken;
  published_ += taken;
  if (counting_) published_meanwhile_ += taken;
}

void UploadBook::remove(const UploadUse& published) { published_ -= published; }

bool UploadBook::may_count(Time now) const { return !counting_ && (!tried_ || now >= may_count_from_); }

void UploadBook::begin_count(Time now) {
  counting_ = true;
  count_began_ = now;
  published_meanwhile_ = {};
}

void UploadBook::end_count(const UploadUse& found, Time now) {
  published_ = found;
  published_ += published_meanwhile_;
  counted_ = true;
  break_off_count(now);
}

void UploadBook::break_off_count(Time now) {
  counting_ = false;
  tried_ = true;
  may_count_from_ = now + (share_of_counting - 1) * (now - count_began_);
}

bool UploadBook::knows_room(std::uint64_t bytes, Time now) const {
  return now - seen_ < look_again_within && spent_ < look_again_after && bytes <= room_;
}

void UploadBook::see_disk(std::uint64_t free, Time now) {
  room_ = less(less(free, limits_.reserve), in_flight_);
  spent_ = 0;
  seen_ = now;
}

bool UploadBook::spend(std::uint64_t bytes) {
  if (bytes > room_) return false;
  room_ -= bytes;
  spent_ += bytes;
  in_flight_ += bytes;
  return true;
}

}  // namespace storage
