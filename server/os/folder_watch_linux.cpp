#include "server/os/folder_watch.hpp"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "server/loop/reserved_memory.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto watch_again = 10s;  // when the folder is gone

}  // namespace

struct DropWatch::Impl {
  Impl(net::io_context& loop, const std::filesystem::path& folder);
  net::awaitable<std::vector<DropChange>> next(std::chrono::steady_clock::time_point deadline);
  bool watch();
  std::vector<DropChange> read();

  const std::filesystem::path folder_;
  bool watching_ = false, told_ = false;
  net::posix::stream_descriptor inotify_;
  net::steady_timer timer_;
  const WaitMemory memory_;
};

DropWatch::DropWatch(net::io_context& loop, const std::filesystem::path& folder)
    : impl_(std::make_shared<Impl>(loop, folder)) {}
DropWatch::~DropWatch() = default;

net::awaitable<std::vector<DropChange>> DropWatch::next(std::chrono::steady_clock::time_point deadline) {
  return impl_->next(deadline);
}

void DropWatch::stop() {
  error_code ignored;
  impl_->inotify_.close(ignored);
  impl_->timer_.cancel();
}

DropWatch::Impl::Impl(net::io_context& loop, const std::filesystem::path& folder)
    : folder_(folder), inotify_(loop), timer_(loop) {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::system_category(), "cannot watch folders");
  inotify_.assign(fd);
  if (!watch()) {
    throw std::system_error(errno, std::system_category(), fmt::format("cannot watch {}", folder.string()));
  }
}

bool DropWatch::Impl::watch() {
  constexpr auto wanted = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                          IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  watching_ = ::inotify_add_watch(inotify_.native_handle(), folder_.c_str(), wanted) >= 0;
  if (watching_) told_ = false;
  return watching_;
}

net::awaitable<std::vector<DropChange>> DropWatch::Impl::next(
    std::chrono::steady_clock::time_point deadline) {
  if (!inotify_.is_open()) co_return std::vector<DropChange>{};
  if (!watching_ && watch()) co_return std::vector<DropChange>{{DropChange::Kind::everything, ""}};
  if (!watching_ && !std::exchange(told_, true)) {
    const std::error_code why(errno, std::system_category());
    co_return std::vector<DropChange>{{DropChange::Kind::unwatched, "", why}};
  }
  if (!watching_) deadline = std::min(deadline, std::chrono::steady_clock::now() + watch_again);
  // The wait is ended by the timer; a timer that is moved on or cancelled ends nothing.
  timer_.expires_at(deadline);
  timer_.async_wait([this](error_code error) {
    if (!error) inotify_.cancel();
  });
  // Where there is no memory for a wait to begin, Asio drops the coroutine without a word.
  co_await inotify_.async_wait(net::posix::stream_descriptor::wait_read,
                               net::bind_allocator(memory_.allocator(), net::as_tuple(net::use_awaitable)));
  timer_.cancel();
  co_return inotify_.is_open() ? read() : std::vector<DropChange>{};
}

// Of a thousand files that come at once it reads a part, and the next wait ends at once for the rest.
std::vector<DropChange> DropWatch::Impl::read() {
  using Kind = DropChange::Kind;
  std::vector<DropChange> changes;
  alignas(inotify_event) std::array<char, 16'384> buffer;
  const auto size = ::read(inotify_.native_handle(), buffer.data(), buffer.size());
  if (size <= 0) return changes;
  for (const char* at = buffer.data(); at < buffer.data() + size;) {
    inotify_event event;
    std::memcpy(&event, at, sizeof event);
    const std::string name = event.len > 0 ? at + sizeof event : "";
    at += sizeof event + event.len;
    if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
      watching_ = false;
      ::inotify_rm_watch(inotify_.native_handle(), event.wd);
    } else if ((event.mask & IN_Q_OVERFLOW) != 0) {
      changes.push_back({Kind::everything, ""});
    } else if (name.empty()) {
      continue;
    } else if ((event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
      changes.push_back({Kind::gone, name});
    } else if ((event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) {
      changes.push_back({Kind::closed, name});
    } else {
      changes.push_back({Kind::written, name});
    }
  }
  return changes;
}

}  // namespace server
